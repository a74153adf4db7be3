/* The Scalability Protocols by libnanomsg. */
#include "calls.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <nanomsg/bus.h>
#include <nanomsg/nn.h>
#include <nanomsg/pair.h>
#include <nanomsg/pipeline.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <nanomsg/survey.h>

static const struct {
	const char *name;
	int protocol;
} patterns[] = {
	{ "req", NN_REQ },	 { "rep", NN_REP },
	{ "pub", NN_PUB },	 { "sub", NN_SUB },
	{ "push", NN_PUSH },	 { "pull", NN_PULL },
	{ "surveyor", NN_SURVEYOR }, { "respondent", NN_RESPONDENT },
	{ "bus", NN_BUS },	 { "pair0", NN_PAIR },
};

static const struct {
	const char *name;
	int level;
	int option;
} options[] = {
	{ "recv-size-max", NN_SOL_SOCKET, NN_RCVMAXSIZE },
	{ "resend-time", NN_REQ, NN_REQ_RESEND_IVL },
	{ "survey-time", NN_SURVEYOR, NN_SURVEYOR_DEADLINE },
	{ "reconnect-time-min", NN_SOL_SOCKET, NN_RECONNECT_IVL },
	{ "ttl-max", NN_SOL_SOCKET, NN_MAXTTL },
};

/* Calls return -1 and set errno. */
static int result(int returned)
{
	return returned >= 0 ? 0 : nn_errno();
}

const char *calls_library(void)
{
	return "libnanomsg";
}

const char *calls_error(int error)
{
	switch (error) {
	case ETIMEDOUT:
		return "timeout";
	case EFSM:
		return "state";
	case EBADF:
		return "closed";
	case ENOTSUP:
		return "unsupported";
	default:
		return nn_strerror(error);
	}
}

int calls_open(const char *pattern, bool raw, int *socket)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (strcmp(patterns[i].name, pattern) == 0) {
			*socket = nn_socket(raw ? AF_SP_RAW : AF_SP, patterns[i].protocol);
			return result(*socket);
		}
	}
	return ENOTSUP;
}

int calls_close(int socket)
{
	return result(nn_close(socket));
}

int calls_set(int socket, const char *option, int value)
{
	/* What nng counts in messages, nanomsg counts in bytes, with enough room as it is. */
	if (strcmp(option, "send-buffer") == 0 || strcmp(option, "recv-buffer") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].name, option) == 0)
			return result(nn_setsockopt(socket, options[i].level, options[i].option, &value, sizeof(value)));
	return ENOTSUP;
}

int calls_subscribe(int socket, const char *topic, bool wanted)
{
	return result(nn_setsockopt(socket, NN_SUB, wanted ? NN_SUB_SUBSCRIBE : NN_SUB_UNSUBSCRIBE, topic, strlen(topic)));
}

int calls_listen(int socket, const char *url)
{
	return result(nn_bind(socket, url));
}

int calls_dial(int socket, const char *url)
{
	return result(nn_connect(socket, url));
}

/* The library tells nobody of connections: its count of them has to be asked for again and again. */
int calls_await_pipes(int socket, int count, int timeout_ms)
{
	const struct timespec pause = { .tv_sec = 0, .tv_nsec = 1000000 };

	for (int i = 0; i < timeout_ms; i++) {
		if (nn_get_statistic(socket, NN_STAT_CURRENT_CONNECTIONS) == (uint64_t)count)
			return 0;
		nanosleep(&pause, NULL);
	}
	return ETIMEDOUT;
}

int calls_send(int socket, const unsigned char *bytes, size_t length, int timeout_ms)
{
	if (nn_setsockopt(socket, NN_SOL_SOCKET, NN_SNDTIMEO, &timeout_ms, sizeof(timeout_ms)) < 0)
		return nn_errno();
	return result(nn_send(socket, bytes, length, 0));
}

int calls_receive(int socket, struct message *message, int timeout_ms)
{
	int length;

	if (nn_setsockopt(socket, NN_SOL_SOCKET, NN_RCVTIMEO, &timeout_ms, sizeof(timeout_ms)) < 0)
		return nn_errno();
	length = nn_recv(socket, &message->owner, NN_MSG, 0);
	if (length < 0)
		return nn_errno();
	message->bytes = message->owner;
	message->length = (size_t)length;
	return 0;
}

int calls_return(int socket, const struct message *message, int timeout_ms)
{
	return calls_send(socket, message->bytes, message->length, timeout_ms);
}

void calls_release(struct message *message)
{
	nn_freemsg(message->owner);
}

int calls_ask_at_once(int socket, int count, const struct message *questions, struct message *answers, int timeout_ms)
{
	(void)socket, (void)count, (void)questions, (void)answers, (void)timeout_ms;
	return ENOTSUP;
}

int calls_answer_reversed(int socket, int count, struct message *questions, int timeout_ms)
{
	(void)socket, (void)count, (void)questions, (void)timeout_ms;
	return ENOTSUP;
}

int calls_device(int front, int back)
{
	return result(nn_device(front, back));
}
