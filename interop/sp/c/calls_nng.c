/* The Scalability Protocols by libnng. */
#include "calls.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nng/nng.h>
#include <nng/protocol/bus0/bus.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pair1/pair.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/protocol/survey0/respond.h>
#include <nng/protocol/survey0/survey.h>

#define MAX_SOCKETS 64
#define MAX_PIPES 64

static const struct {
	const char *name;
	int (*open)(nng_socket *);
	int (*open_raw)(nng_socket *);
} patterns[] = {
	{ "req", nng_req0_open, nng_req0_open_raw },
	{ "rep", nng_rep0_open, nng_rep0_open_raw },
	{ "pub", nng_pub0_open, nng_pub0_open_raw },
	{ "sub", nng_sub0_open, nng_sub0_open_raw },
	{ "push", nng_push0_open, nng_push0_open_raw },
	{ "pull", nng_pull0_open, nng_pull0_open_raw },
	{ "surveyor", nng_surveyor0_open, nng_surveyor0_open_raw },
	{ "respondent", nng_respondent0_open, nng_respondent0_open_raw },
	{ "bus", nng_bus0_open, nng_bus0_open_raw },
	{ "pair0", nng_pair0_open, nng_pair0_open_raw },
	{ "pair1", nng_pair1_open, nng_pair1_open_raw },
	{ "pair1-poly", nng_pair1_open_poly, NULL },
};

/* Which pipes each socket has. */
static pthread_mutex_t pipes_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pipes_changed = PTHREAD_COND_INITIALIZER;
static struct known {
	int socket;
	int pipes;
	int ids[MAX_PIPES];
	/* The last ones that went without having come; the next goes where the oldest is. */
	int strangers[MAX_PIPES];
	int next_stranger;
} known[MAX_SOCKETS];

static nng_socket as_socket(int socket)
{
	return (nng_socket){ .id = (uint32_t)socket };
}

static struct known *known_of(int socket)
{
	for (int i = 0; i < MAX_SOCKETS; i++)
		if (known[i].socket == socket)
			return &known[i];
	return NULL;
}

/* A pipe that the pattern refuses goes without having come, as may one whose end is told before its beginning. */
static void forget(struct known *socket, int id)
{
	for (int i = 0; i < socket->pipes; i++) {
		if (socket->ids[i] != id)
			continue;
		socket->ids[i] = socket->ids[--socket->pipes];
		return;
	}
	socket->strangers[socket->next_stranger++ % MAX_PIPES] = id;
}

static void remember(struct known *socket, int id)
{
	for (int i = 0; i < MAX_PIPES; i++)
		if (socket->strangers[i] == id)
			return;
	if (socket->pipes < MAX_PIPES)
		socket->ids[socket->pipes++] = id;
}

/* Threads of the library call this, those of the end and of the beginning of a pipe in any order. */
static void pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	pthread_mutex_lock(&pipes_lock);
	struct known *socket = known_of((int)(intptr_t)argument);
	if (event == NNG_PIPE_EV_ADD_POST)
		remember(socket, nng_pipe_id(pipe));
	else
		forget(socket, nng_pipe_id(pipe));
	pthread_cond_broadcast(&pipes_changed);
	pthread_mutex_unlock(&pipes_lock);
}

const char *calls_library(void)
{
	return nng_version();
}

const char *calls_error(int error)
{
	switch (error) {
	case NNG_ETIMEDOUT:
		return "timeout";
	case NNG_ESTATE:
		return "state";
	case NNG_ECLOSED:
		return "closed";
	case NNG_ENOTSUP:
		return "unsupported";
	default:
		return nng_strerror(error);
	}
}

int calls_open(const char *pattern, bool raw, int *socket)
{
	nng_socket opened;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		int (*open)(nng_socket *) = raw ? patterns[i].open_raw : patterns[i].open;
		int error;

		if (strcmp(patterns[i].name, pattern) != 0)
			continue;
		if (open == NULL)
			return NNG_ENOTSUP;
		if ((error = open(&opened)) != 0)
			return error;
		*socket = nng_socket_id(opened);
		pthread_mutex_lock(&pipes_lock);
		for (int slot = 0; slot < MAX_SOCKETS; slot++) {
			if (known[slot].socket != 0)
				continue;
			known[slot].socket = *socket;
			known[slot].pipes = 0;
			break;
		}
		pthread_mutex_unlock(&pipes_lock);
		if ((error = nng_pipe_notify(opened, NNG_PIPE_EV_ADD_POST, pipe_changed, (void *)(intptr_t)*socket)) != 0)
			return error;
		return nng_pipe_notify(opened, NNG_PIPE_EV_REM_POST, pipe_changed, (void *)(intptr_t)*socket);
	}
	return NNG_ENOTSUP;
}

int calls_close(int socket)
{
	return nng_close(as_socket(socket));
}

int calls_set(int socket, const char *option, int value)
{
	const nng_socket it = as_socket(socket);

	if (strcmp(option, "recv-size-max") == 0)
		return nng_socket_set_size(it, NNG_OPT_RECVMAXSZ, (size_t)value);
	if (strcmp(option, "resend-time") == 0)
		return nng_socket_set_ms(it, NNG_OPT_REQ_RESENDTIME, value);
	if (strcmp(option, "survey-time") == 0)
		return nng_socket_set_ms(it, NNG_OPT_SURVEYOR_SURVEYTIME, value);
	if (strcmp(option, "reconnect-time-min") == 0)
		return nng_socket_set_ms(it, NNG_OPT_RECONNMINT, value);
	/* "ttl-max", "send-buffer", "recv-buffer" */
	return nng_socket_set_int(it, option, value);
}

int calls_subscribe(int socket, const char *topic, bool wanted)
{
	return nng_socket_set(as_socket(socket), wanted ? NNG_OPT_SUB_SUBSCRIBE : NNG_OPT_SUB_UNSUBSCRIBE, topic,
			      strlen(topic));
}

int calls_listen(int socket, const char *url)
{
	return nng_listen(as_socket(socket), url, NULL, 0);
}

int calls_dial(int socket, const char *url)
{
	return nng_dial(as_socket(socket), url, NULL, NNG_FLAG_NONBLOCK);
}

int calls_await_pipes(int socket, int count, int timeout_ms)
{
	struct timespec deadline;
	int failed = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += timeout_ms / 1000;
	deadline.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (deadline.tv_nsec >= 1000000000L) {
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&pipes_lock);
	while (known_of(socket)->pipes != count && failed == 0)
		failed = pthread_cond_timedwait(&pipes_changed, &pipes_lock, &deadline);
	pthread_mutex_unlock(&pipes_lock);
	return failed == 0 ? 0 : NNG_ETIMEDOUT;
}

static int send_owned(int socket, nng_msg *message, int timeout_ms)
{
	const nng_socket it = as_socket(socket);
	int error = nng_socket_set_ms(it, NNG_OPT_SENDTIMEO, timeout_ms);

	if (error == 0)
		error = nng_sendmsg(it, message, 0);
	if (error != 0)
		nng_msg_free(message);
	return error;
}

static nng_msg *message_of(const unsigned char *bytes, size_t length)
{
	nng_msg *message;

	if (nng_msg_alloc(&message, length) != 0)
		abort();
	if (length > 0)
		memcpy(nng_msg_body(message), bytes, length);
	return message;
}

static void describe(nng_msg *from, struct message *message)
{
	message->bytes = nng_msg_body(from);
	message->length = nng_msg_len(from);
	message->owner = from;
}

int calls_send(int socket, const unsigned char *bytes, size_t length, int timeout_ms)
{
	return send_owned(socket, message_of(bytes, length), timeout_ms);
}

int calls_receive(int socket, struct message *message, int timeout_ms)
{
	const nng_socket it = as_socket(socket);
	nng_msg *received;
	int error = nng_socket_set_ms(it, NNG_OPT_RECVTIMEO, timeout_ms);

	if (error == 0)
		error = nng_recvmsg(it, &received, 0);
	if (error == 0)
		describe(received, message);
	return error;
}

int calls_return(int socket, const struct message *message, int timeout_ms)
{
	nng_msg *answer = message_of(message->bytes, message->length);

	nng_msg_set_pipe(answer, nng_msg_get_pipe(message->owner));
	return send_owned(socket, answer, timeout_ms);
}

void calls_release(struct message *message)
{
	nng_msg_free(message->owner);
}

struct conversation {
	nng_ctx context;
	nng_aio *operation;
};

static int open_conversations(int socket, int count, int timeout_ms, struct conversation **opened)
{
	struct conversation *all = calloc((size_t)count, sizeof(*all));

	for (int i = 0; i < count; i++) {
		int error = nng_ctx_open(&all[i].context, as_socket(socket));

		if (error == 0)
			error = nng_aio_alloc(&all[i].operation, NULL, NULL);
		if (error != 0)
			return error;
		nng_aio_set_timeout(all[i].operation, timeout_ms);
	}
	*opened = all;
	return 0;
}

static void close_conversations(struct conversation *all, int count)
{
	for (int i = 0; i < count; i++) {
		nng_ctx_close(all[i].context);
		nng_aio_free(all[i].operation);
	}
	free(all);
}

static int sent(const struct conversation *conversation)
{
	int error;

	nng_aio_wait(conversation->operation);
	error = nng_aio_result(conversation->operation);
	if (error != 0)
		nng_msg_free(nng_aio_get_msg(conversation->operation));
	return error;
}

static int received(const struct conversation *conversation, struct message *message)
{
	int error;

	nng_aio_wait(conversation->operation);
	error = nng_aio_result(conversation->operation);
	if (error == 0)
		describe(nng_aio_get_msg(conversation->operation), message);
	return error;
}

int calls_ask_at_once(int socket, int count, const struct message *questions, struct message *answers, int timeout_ms)
{
	struct conversation *all;
	int error = open_conversations(socket, count, timeout_ms, &all);

	if (error != 0)
		return error;
	for (int i = 0; i < count; i++) {
		nng_aio_set_msg(all[i].operation, message_of(questions[i].bytes, questions[i].length));
		nng_ctx_send(all[i].context, all[i].operation);
	}
	for (int i = 0; i < count && error == 0; i++) {
		if ((error = sent(&all[i])) == 0)
			nng_ctx_recv(all[i].context, all[i].operation);
	}
	for (int i = 0; i < count && error == 0; i++)
		error = received(&all[i], &answers[i]);
	close_conversations(all, count);
	return error;
}

int calls_answer_reversed(int socket, int count, struct message *questions, int timeout_ms)
{
	struct conversation *all;
	int error = open_conversations(socket, count, timeout_ms, &all);

	if (error != 0)
		return error;
	for (int i = 0; i < count; i++)
		nng_ctx_recv(all[i].context, all[i].operation);
	for (int i = 0; i < count && error == 0; i++)
		error = received(&all[i], &questions[i]);
	for (int i = count - 1; i >= 0 && error == 0; i--) {
		nng_aio_set_msg(all[i].operation, message_of(questions[i].bytes, questions[i].length));
		nng_ctx_send(all[i].context, all[i].operation);
		error = sent(&all[i]);
	}
	close_conversations(all, count);
	return error;
}

int calls_device(int front, int back)
{
	return nng_device(as_socket(front), as_socket(back));
}
