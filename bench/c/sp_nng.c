/*
 * The peer on libnng, written as its manual shows it.
 *
 *   sp_nng pull|push|rep|req|pub|sub|idle|dial|inproc URL COUNT SIZE STYLE MILLISECONDS
 *
 * COUNT is how many conversations a REQ socket holds at once, how many subscribers there are, how many pipes; SIZE is that
 * of a message in bytes, or how many topics each subscriber has. STYLE means nothing here. MILLISECONDS is the warm-up to
 * receive, the length of the run to send and ask. One JSON object per line is the answer; a message of one byte ends a
 * run.
 */
#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/util/platform.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_SAMPLES = 4000000,
	PER_LOOK = 32,
	BUFFER = 1000,	  /* messages, as the other peers have it */
	WINDOW = 64,	  /* messages; the next are published when all of the window before the last have come */
	MAX_WINDOWS = 4,  /* more than can be under way */
	TOPIC_BYTES = 8,  /* a topic, as text */
	SERVERS = 100,	  /* questions that a REP socket answers at once */
};

static void check(int error, const char *what)
{
	if (error == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, nng_strerror(error));
	exit(1);
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* The memory in use, in bytes. */
static long resident(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		check(NNG_EINVAL, "/proc/self/statm");
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static void set_buffers(nng_socket socket, int sends, int receives)
{
	if (sends)
		check(nng_socket_set_int(socket, NNG_OPT_SENDBUF, BUFFER), NNG_OPT_SENDBUF);
	if (receives)
		check(nng_socket_set_int(socket, NNG_OPT_RECVBUF, BUFFER), NNG_OPT_RECVBUF);
}

static void listen_at(nng_socket socket, const char *url, const char *ready)
{
	nng_listener listener;
	int port;

	check(nng_listen(socket, url, &listener, 0), url);
	if (strncmp(url, "tcp:", 4) == 0) {
		check(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), NNG_OPT_TCP_BOUND_PORT);
		printf("{\"%s\":\"tcp://127.0.0.1:%d\"}\n", ready, port);
	} else
		printf("{\"%s\":\"%s\"}\n", ready, url);
	fflush(stdout);
}

static void send_bytes(nng_socket socket, size_t size)
{
	nng_msg *message;
	check(nng_msg_alloc(&message, size), "nng_msg_alloc");
	check(nng_sendmsg(socket, message, 0), "nng_sendmsg");
}

struct tally {
	double begun, warm, last;
	long counted, total;
};

/* Counts one message; looks at the clock after a number of them. */
static void count_message(struct tally *tally, double warm_up)
{
	if (tally->total++ % PER_LOOK != 0)
		return;
	tally->last = now();
	if (tally->begun == 0)
		tally->begun = tally->last;
	if (tally->warm == 0 && tally->last >= tally->begun + warm_up) {
		tally->warm = tally->last;
		tally->counted = tally->total;
	}
}

static void report_tally(struct tally *tally)
{
	printf("{\"received\":%ld,\"total\":%ld,\"seconds\":%.9f}\n", tally->total - tally->counted, tally->total,
	       now() - tally->warm);
}

static void take_all(nng_socket socket, double warm_up)
{
	struct tally tally = {0};
	nng_msg *message;

	for (;;) {
		check(nng_recvmsg(socket, &message, 0), "nng_recvmsg");
		size_t length = nng_msg_len(message);
		nng_msg_free(message);
		if (length == 1)
			break;
		count_message(&tally, warm_up);
	}
	report_tally(&tally);
}

static long send_for(nng_socket socket, size_t size, double seconds)
{
	double end = now() + seconds;
	long sent = 0;

	do
		for (int i = 0; i < PER_LOOK; i++, sent++)
			send_bytes(socket, size);
	while (now() < end);
	send_bytes(socket, 1);
	return sent;
}

static void pull(const char *url, double warm_up)
{
	nng_socket socket;
	check(nng_pull0_open(&socket), "nng_pull0_open");
	set_buffers(socket, 0, 1);
	listen_at(socket, url, "ready");
	take_all(socket, warm_up);
	nng_close(socket);
}

static void push(const char *url, size_t size, double seconds)
{
	nng_socket socket;
	check(nng_push0_open(&socket), "nng_push0_open");
	set_buffers(socket, 1, 0);
	check(nng_dial(socket, url, NULL, 0), url);
	double begun = now();
	long sent = send_for(socket, size, seconds);
	printf("{\"sent\":%ld,\"seconds\":%.9f}\n", sent, now() - begun);
	fflush(stdout);
	usleep(300000); /* nng_close drops what is queued */
	nng_close(socket);
}

static void rep(const char *url)
{
	nng_socket socket;
	nng_msg *message;

	check(nng_rep0_open(&socket), "nng_rep0_open");
	listen_at(socket, url, "ready");
	for (;;) {
		check(nng_recvmsg(socket, &message, 0), "nng_recvmsg");
		int is_last = nng_msg_len(message) == 1;
		check(nng_sendmsg(socket, message, 0), "nng_sendmsg");
		if (is_last)
			break;
	}
	usleep(100000);
	nng_close(socket);
}

static int by_value(const void *left, const void *right)
{
	float a = *(const float *)left, b = *(const float *)right;
	return (a > b) - (a < b);
}

static void req(const char *url, size_t size, double seconds)
{
	nng_socket socket;
	nng_msg *message;
	float *samples = malloc(MAX_SAMPLES * sizeof *samples);
	long count = 0;

	check(nng_req0_open(&socket), "nng_req0_open");
	check(nng_dial(socket, url, NULL, 0), url);
	double begun = now(), before = begun;
	while (before < begun + seconds && count < MAX_SAMPLES) {
		send_bytes(socket, size);
		check(nng_recvmsg(socket, &message, 0), "nng_recvmsg");
		nng_msg_free(message);
		double after = now();
		samples[count++] = (after - before) * 1e6;
		before = after;
	}
	send_bytes(socket, 1);
	check(nng_recvmsg(socket, &message, 0), "nng_recvmsg");
	nng_msg_free(message);
	nng_close(socket);
	/* The first fifth warms up. */
	long first = count / 5, kept = count - first;
	qsort(samples + first, kept, sizeof *samples, by_value);
	printf("{\"roundTrips\":%ld,\"median\":%.3f,\"p99\":%.3f}\n", kept, samples[first + kept / 2],
	       samples[first + kept * 99 / 100]);
}

/* One of many conversations, driven by callbacks: asks again and again, or answers. */
struct talk {
	nng_ctx context;
	nng_aio *aio;
	int is_sending;
};

static size_t question_size;
static double measured_from, measured_until;
static atomic_long answers, talking;
static atomic_int is_ended;

static void ask(struct talk *talk, size_t size)
{
	nng_msg *message;
	check(nng_msg_alloc(&message, size), "nng_msg_alloc");
	nng_aio_set_msg(talk->aio, message);
	talk->is_sending = 1;
	nng_ctx_send(talk->context, talk->aio);
}

static void on_asker(void *argument)
{
	struct talk *talk = argument;
	check(nng_aio_result(talk->aio), "a request");
	if (talk->is_sending) {
		talk->is_sending = 0;
		nng_ctx_recv(talk->context, talk->aio);
		return;
	}
	nng_msg_free(nng_aio_get_msg(talk->aio));
	double time = now();
	if (time >= measured_from && time < measured_until)
		answers++;
	if (time < measured_until)
		ask(talk, question_size);
	else
		talking--;
}

static void on_answerer(void *argument)
{
	struct talk *talk = argument;
	if (nng_aio_result(talk->aio) != 0)
		return;
	if (talk->is_sending) {
		talk->is_sending = 0;
		nng_ctx_recv(talk->context, talk->aio);
		return;
	}
	if (nng_msg_len(nng_aio_get_msg(talk->aio)) == 1)
		is_ended = 1;
	talk->is_sending = 1;
	nng_aio_set_msg(talk->aio, nng_aio_get_msg(talk->aio));
	nng_ctx_send(talk->context, talk->aio);
}

static struct talk *talks_of(nng_socket socket, int count, void (*callback)(void *))
{
	struct talk *talks = calloc(count, sizeof *talks);
	for (int i = 0; i < count; i++) {
		check(nng_aio_alloc(&talks[i].aio, callback, &talks[i]), "nng_aio_alloc");
		check(nng_ctx_open(&talks[i].context, socket), "nng_ctx_open");
	}
	return talks;
}

static void rep_many(const char *url)
{
	nng_socket socket;
	check(nng_rep0_open(&socket), "nng_rep0_open");
	struct talk *talks = talks_of(socket, SERVERS, on_answerer);
	for (int i = 0; i < SERVERS; i++)
		nng_ctx_recv(talks[i].context, talks[i].aio);
	listen_at(socket, url, "ready");
	while (!is_ended)
		usleep(1000);
	usleep(100000);
	nng_close(socket);
}

static void req_many(const char *url, int count, size_t size, double seconds)
{
	nng_socket socket;
	check(nng_req0_open(&socket), "nng_req0_open");
	check(nng_dial(socket, url, NULL, 0), url);
	struct talk *talks = talks_of(socket, count, on_asker);
	question_size = size;
	measured_from = now() + seconds / 5;
	measured_until = measured_from + seconds;
	talking = count;
	for (int i = 0; i < count; i++)
		ask(&talks[i], size);
	while (talking > 0)
		usleep(1000);
	printf("{\"answers\":%ld,\"seconds\":%.9f}\n", answers, seconds);
	fflush(stdout);
	measured_until = 0;
	talking = 1;
	ask(&talks[0], 1);
	while (talking > 0)
		usleep(1000);
	nng_close(socket);
}

/* Publishes windows of messages; the subscribers say when all of them have all of one. */
static void pub(const char *url, int count, int topics, double seconds)
{
	nng_socket socket, acknowledged;
	nng_msg *message;
	long published = 0, counted = 0;
	char acks[256];
	char line[64];

	check(nng_pub0_open(&socket), "nng_pub0_open");
	check(nng_socket_set_int(socket, NNG_OPT_SENDBUF, 2 * WINDOW), NNG_OPT_SENDBUF);
	check(nng_pull0_open(&acknowledged), "nng_pull0_open");
	long before = resident();
	listen_at(socket, url, "ready");
	snprintf(acks, sizeof acks, "%s.acks", url);
	check(nng_listen(acknowledged, acks, NULL, 0), acks);
	/* One message says that all are there. */
	check(nng_recvmsg(acknowledged, &message, 0), "nng_recvmsg");
	nng_msg_free(message);
	double begun = now(), warm = 0, time = begun;
	do {
		for (int i = 0; i < WINDOW; i++, published++) {
			char topic[32];
			snprintf(topic, sizeof topic, "%08ld", topics == 0 ? 0 : (published * 7919) % topics);
			check(nng_msg_alloc(&message, 64), "nng_msg_alloc");
			memcpy(nng_msg_body(message), topic, TOPIC_BYTES);
			check(nng_sendmsg(socket, message, 0), "nng_sendmsg");
		}
		if (published > WINDOW) {
			check(nng_recvmsg(acknowledged, &message, 0), "nng_recvmsg");
			nng_msg_free(message);
		}
		time = now();
		if (warm == 0 && time >= begun + seconds / 5) {
			warm = time;
			counted = published;
		}
	} while (warm == 0 || time < warm + seconds);
	snprintf(line, sizeof line, "{\"published\":%ld", published - counted);
	printf("%s,\"seconds\":%.9f,\"memory\":%ld}\n", line, time - warm, (resident() - before) / count);
	fflush(stdout);
	check(nng_recvmsg(acknowledged, &message, 0), "nng_recvmsg");
	nng_msg_free(message);
	check(nng_msg_alloc(&message, TOPIC_BYTES), "nng_msg_alloc");
	memcpy(nng_msg_body(message), "00000000", TOPIC_BYTES);
	check(nng_sendmsg(socket, message, 0), "nng_sendmsg");
	usleep(300000);
	nng_close(socket);
	nng_close(acknowledged);
}

struct subscriber {
	nng_socket socket;
	nng_aio *aio;
	long arrivals;
};

/* How many subscribers have a window, by its number. */
static atomic_long complete[MAX_WINDOWS];
static long subscribers;
static nng_socket acknowledging;

static void on_arrival(void *argument)
{
	struct subscriber *subscriber = argument;
	if (nng_aio_result(subscriber->aio) != 0)
		return;
	nng_msg *message = nng_aio_get_msg(subscriber->aio);
	int is_last = nng_msg_len(message) == TOPIC_BYTES;
	nng_msg_free(message);
	if (is_last) {
		is_ended = 1;
		return;
	}
	if (++subscriber->arrivals % WINDOW == 0) {
		atomic_long *window = &complete[subscriber->arrivals / WINDOW % MAX_WINDOWS];
		if (++*window == subscribers) {
			*window = 0;
			send_bytes(acknowledging, 1);
		}
	}
	nng_recv_aio(subscriber->socket, subscriber->aio);
}

static void sub(const char *url, int count, int topics)
{
	struct subscriber *all = calloc(count, sizeof *all);
	char acks[256];

	subscribers = count;
	snprintf(acks, sizeof acks, "%s.acks", url);
	check(nng_push0_open(&acknowledging), "nng_push0_open");
	set_buffers(acknowledging, 1, 0);
	check(nng_dial(acknowledging, acks, NULL, 0), acks);
	for (int i = 0; i < count; i++) {
		check(nng_sub0_open(&all[i].socket), "nng_sub0_open");
		check(nng_socket_set_int(all[i].socket, NNG_OPT_RECVBUF, 2 * WINDOW), NNG_OPT_RECVBUF);
	}
	long before = resident();
	double begun = now();
	for (int i = 0; i < count; i++) {
		if (topics == 0)
			check(nng_socket_set(all[i].socket, NNG_OPT_SUB_SUBSCRIBE, "", 0), "subscribe");
		for (int j = 0; j < topics; j++) {
			char topic[32];
			snprintf(topic, sizeof topic, "%08d", j);
			check(nng_socket_set(all[i].socket, NNG_OPT_SUB_SUBSCRIBE, topic, TOPIC_BYTES), "subscribe");
		}
	}
	printf("{\"subscribed\":%.6f,\"memory\":%ld}\n", now() - begun,
	       topics == 0 ? 0 : (resident() - before) / count / topics);
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		check(nng_dial(all[i].socket, url, NULL, 0), url);
		check(nng_aio_alloc(&all[i].aio, on_arrival, &all[i]), "nng_aio_alloc");
		nng_recv_aio(all[i].socket, all[i].aio);
	}
	usleep(200000); /* the publisher may not know the last of them yet */
	send_bytes(acknowledging, 1);
	while (!is_ended)
		usleep(1000);
	exit(0);
}

static atomic_int pipes;

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	(void)pipe, (void)event, (void)argument;
	pipes++;
}

static void until_pipes(int count)
{
	while (pipes < count)
		usleep(1000);
	usleep(100000);
}

/* What pipes take that nothing passes through; the first of them isn't counted. */
static void idle(const char *url, int count)
{
	nng_socket socket;

	check(nng_pull0_open(&socket), "nng_pull0_open");
	check(nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_pipe, NULL), "nng_pipe_notify");
	listen_at(socket, url, "ready");
	until_pipes(1);
	long before = resident();
	printf("{\"ready\":\"%s\"}\n", url);
	fflush(stdout);
	until_pipes(1 + count);
	printf("{\"memory\":%ld}\n", (resident() - before) / count);
}

/* Connects many times, and stays until it is ended. */
static void dial(const char *url, int count)
{
	nng_socket socket;

	check(nng_push0_open(&socket), "nng_push0_open");
	for (int i = 0; i < count; i++)
		check(nng_dial(socket, url, NULL, 0), url);
	pause();
}

/* Sends all messages through a thread of its own. */
static void in_process_sender(void *argument)
{
	nng_socket socket;
	check(nng_push0_open(&socket), "nng_push0_open");
	set_buffers(socket, 1, 0);
	check(nng_dial(socket, "inproc://bench", NULL, 0), "inproc://bench");
	send_for(socket, question_size, *(double *)argument);
	pause(); /* nng_close would drop what is queued */
}

static void inproc(size_t size, double seconds)
{
	nng_socket socket;
	nng_thread *thread;

	question_size = size;
	check(nng_pull0_open(&socket), "nng_pull0_open");
	set_buffers(socket, 0, 1);
	check(nng_listen(socket, "inproc://bench", NULL, 0), "inproc://bench");
	check(nng_thread_create(&thread, in_process_sender, &seconds), "nng_thread_create");
	take_all(socket, seconds / 5);
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: sp_nng ROLE URL COUNT SIZE STYLE MILLISECONDS\n");
		return 2;
	}
	const char *role = argv[1], *url = argv[2];
	int count = atoi(argv[3]), size = atoi(argv[4]);
	double seconds = atof(argv[6]) / 1000;

	if (strcmp(role, "pull") == 0)
		pull(url, seconds);
	else if (strcmp(role, "push") == 0)
		push(url, size, seconds);
	else if (strcmp(role, "rep") == 0)
		count == 1 ? rep(url) : rep_many(url);
	else if (strcmp(role, "req") == 0)
		count == 1 ? req(url, size, seconds) : req_many(url, count, size, seconds);
	else if (strcmp(role, "pub") == 0)
		pub(url, count, size, seconds);
	else if (strcmp(role, "sub") == 0)
		sub(url, count, size);
	else if (strcmp(role, "idle") == 0)
		idle(url, count);
	else if (strcmp(role, "dial") == 0)
		dial(url, count);
	else if (strcmp(role, "inproc") == 0)
		inproc(size, seconds);
	else
		return 2;
	return 0;
}
