/*
 * What the peers of the Scalability Protocols ask of a library: calls_nng.c has it from libnng, calls_nanomsg.c from
 * libnanomsg.
 *
 * Sockets are the libraries' own numbers. Every call that can fail returns 0 or one of the library's error numbers, which
 * calls_error() names.
 */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>
#include <stddef.h>

/* A received message, until calls_release(). */
struct message {
	unsigned char *bytes;
	size_t length;
	void *owner; /* what the library gave */
};

/* The library's name and version. */
const char *calls_library(void);

/* "timeout", "state", "closed" or "unsupported" where it is one of these, else the library's own words. */
const char *calls_error(int error);

/* `pattern` is "req", "pair1", "pair1-poly" and so on; one that the library does not have is unsupported. */
int calls_open(const char *pattern, bool raw, int *socket);
int calls_close(int socket);

/* Options are called as in nng: "recv-size-max", "resend-time", "survey-time", "ttl-max", "send-buffer", ... */
int calls_set(int socket, const char *option, int value);
int calls_subscribe(int socket, const char *topic, bool wanted);

int calls_listen(int socket, const char *url);
/* In the background; what is not there yet is tried again. */
int calls_dial(int socket, const char *url);

/* Waits until the socket has `count` pipes. */
int calls_await_pipes(int socket, int count, int timeout_ms);

int calls_send(int socket, const unsigned char *bytes, size_t length, int timeout_ms);
int calls_receive(int socket, struct message *message, int timeout_ms);
/* Sends the same bytes back where they came from, if the pattern knows. */
int calls_return(int socket, const struct message *message, int timeout_ms);
void calls_release(struct message *message);

/*
 * As many conversations at once, each with a context of its own. `ask` sends one message on each and receives one answer
 * on each; `answer` receives one message on each and, when all are there, returns each, the last first.
 */
int calls_ask_at_once(int socket, int count, const struct message *questions, struct message *answers, int timeout_ms);
int calls_answer_reversed(int socket, int count, struct message *questions, int timeout_ms);

/* Forwards between two raw sockets until one is closed. */
int calls_device(int front, int back);

#endif
