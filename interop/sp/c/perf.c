/*
 * One end of a measurement, on libnng, as nng's perf tools have it: perf ROLE PATTERN URL SIZE COUNT
 *
 * The roles are local_lat, remote_lat, local_thr and remote_thr, the patterns pair0, pair1 and, for latency, reqrep0. The
 * local end listens, the remote one dials. Whoever measures prints what nng's tools print; exit status 1 and a line on
 * standard error tell of a failure, 2 of wrong words.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pair1/pair.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/util/platform.h>

/* How many messages are read and sent ahead. */
#define AHEAD 128
/* How long the end that sends waits to be told that all has come. */
#define COMPLETION_MS 5000

struct load {
	size_t size;
	int count;
};

static const struct pattern {
	const char *name;
	int (*open_local)(nng_socket *);
	int (*open_remote)(nng_socket *);
} patterns[] = {
	{ "pair1", nng_pair1_open, nng_pair1_open },
	{ "pair0", nng_pair0_open, nng_pair0_open },
	{ "reqrep0", nng_rep0_open, nng_req0_open },
};

static pthread_mutex_t gone_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gone_changed = PTHREAD_COND_INITIALIZER;
static bool is_gone;

static void check(int error, const char *deed)
{
	if (error == 0)
		return;
	fprintf(stderr, "%s: %s\n", deed, nng_strerror(error));
	exit(1);
}

static void pipe_gone(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	(void)pipe;
	(void)event;
	(void)argument;
	pthread_mutex_lock(&gone_lock);
	is_gone = true;
	pthread_cond_signal(&gone_changed);
	pthread_mutex_unlock(&gone_lock);
}

/* What was sent last is on its way until the other end has gone; closing the socket would drop it. */
static void await_departure(void)
{
	pthread_mutex_lock(&gone_lock);
	while (!is_gone)
		pthread_cond_wait(&gone_changed, &gone_lock);
	pthread_mutex_unlock(&gone_lock);
}

static nng_msg *receive(nng_socket socket, size_t size)
{
	nng_msg *message;

	check(nng_recvmsg(socket, &message, 0), "nng_recvmsg");
	if (nng_msg_len(message) != size) {
		fprintf(stderr, "wrong message size: %zu != %zu\n", nng_msg_len(message), size);
		exit(1);
	}
	return message;
}

static void send_new(nng_socket socket, size_t size)
{
	nng_msg *message;

	check(nng_msg_alloc(&message, size), "nng_msg_alloc");
	check(nng_sendmsg(socket, message, 0), "nng_sendmsg");
}

static void local_latency(nng_socket socket, struct load load)
{
	for (int i = 0; i < load.count; i++)
		check(nng_sendmsg(socket, receive(socket, load.size), 0), "nng_sendmsg");
	await_departure();
}

static void remote_latency(nng_socket socket, struct load load)
{
	nng_msg *message;
	double seconds;

	check(nng_msg_alloc(&message, load.size), "nng_msg_alloc");
	const nng_time start = nng_clock();
	for (int i = 0; i < load.count; i++) {
		check(nng_sendmsg(socket, message, 0), "nng_sendmsg");
		message = receive(socket, load.size);
	}
	seconds = (double)(nng_clock() - start) / 1000;
	nng_msg_free(message);
	printf("total time: %.3f [s]\n", seconds);
	printf("message size: %zu [B]\n", load.size);
	printf("round trip count: %d\n", load.count);
	printf("average latency: %.3f [us]\n", seconds * 1000000 / (load.count * 2));
}

static void local_throughput(nng_socket socket, struct load load)
{
	double seconds, per_second;

	nng_msg_free(receive(socket, 0));
	const nng_time start = nng_clock();
	for (int i = 0; i < load.count; i++)
		nng_msg_free(receive(socket, load.size));
	seconds = (double)(nng_clock() - start) / 1000;
	send_new(socket, 0);
	await_departure();
	per_second = load.count / seconds;
	printf("total time: %.3f [s]\n", seconds);
	printf("message size: %zu [B]\n", load.size);
	printf("message count: %d\n", load.count);
	printf("throughput: %.f [msg/s]\n", per_second);
	printf("throughput: %.3f [Mb/s]\n", per_second * 8 * (double)load.size / (1024 * 1024));
}

static void remote_throughput(nng_socket socket, struct load load)
{
	nng_msg *completion;

	send_new(socket, 0);
	/* One more than is counted: so nng's tool has it. */
	for (int i = 0; i <= load.count; i++)
		send_new(socket, load.size);
	check(nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, COMPLETION_MS), "recv-timeout");
	if (nng_recvmsg(socket, &completion, 0) == 0)
		nng_msg_free(completion);
	else
		fprintf(stderr, "nobody told that all has come\n");
}

static const struct role {
	const char *name;
	bool is_local;
	/* The buffer that throughput takes more of. */
	const char *buffer;
	void (*run)(nng_socket, struct load);
} roles[] = {
	{ "local_lat", true, NULL, local_latency },
	{ "remote_lat", false, NULL, remote_latency },
	{ "local_thr", true, NNG_OPT_RECVBUF, local_throughput },
	{ "remote_thr", false, NNG_OPT_SENDBUF, remote_throughput },
};

static void run(const struct role *role, const struct pattern *pattern, const char *url, struct load load)
{
	nng_socket socket;

	check((role->is_local ? pattern->open_local : pattern->open_remote)(&socket), "open");
	check(nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, pipe_gone, NULL), "nng_pipe_notify");
	check(nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0), NNG_OPT_RECVMAXSZ);
	if (role->buffer != NULL)
		check(nng_socket_set_int(socket, role->buffer, AHEAD), role->buffer);
	if (role->is_local)
		check(nng_listen(socket, url, NULL, 0), "nng_listen");
	else
		/* In the background: the other end may come later. */
		check(nng_dial(socket, url, NULL, NNG_FLAG_NONBLOCK), "nng_dial");
	role->run(socket, load);
	nng_close(socket);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 6 && i < sizeof(roles) / sizeof(roles[0]); i++) {
		for (size_t j = 0; j < sizeof(patterns) / sizeof(patterns[0]); j++) {
			if (strcmp(roles[i].name, argv[1]) != 0 || strcmp(patterns[j].name, argv[2]) != 0)
				continue;
			run(&roles[i], &patterns[j], argv[3],
			    (struct load){ .size = strtoul(argv[4], NULL, 10), .count = atoi(argv[5]) });
			return 0;
		}
	}
	fprintf(stderr, "usage: perf ROLE PATTERN URL SIZE COUNT\n");
	return 2;
}
