/*
 * A peer of the Scalability Protocols: does what the lines of its standard input say, one after the other, and says on
 * standard output what came of it.
 *
 * Every line is answered with "ok", or with "error" and what went wrong, after one line "message LENGTH FNV1A" for each
 * message that was received. At the end of its input it ends. Which lines there are, `commands` tells below.
 */
#include "calls.h"

#include "../../c/payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 8
#define MAX_NAMED 32
#define SEND_TIMEOUT_MS 30000

/* Sockets by the names that the lines give them. */
static struct {
	char name[16];
	int socket;
} named[MAX_NAMED];

static int socket_of(const char *name)
{
	for (int i = 0; i < MAX_NAMED; i++)
		if (strcmp(named[i].name, name) == 0)
			return named[i].socket;
	fprintf(stderr, "no socket is called %s\n", name);
	exit(2);
}

static void print_message(const struct message *message)
{
	printf("message %zu %08" PRIx32 "\n", message->length, fnv1a(message->bytes, message->length));
}

/* A topic, unless it is "-", and `size` bytes that the other end can rebuild. */
static struct message make_message(const char *topic, size_t size, uint32_t seed)
{
	const size_t topic_length = strcmp(topic, "-") == 0 ? 0 : strlen(topic);
	struct message message = { .length = topic_length + size };

	message.bytes = malloc(message.length + 1);
	if (message.bytes == NULL)
		abort();
	memcpy(message.bytes, topic, topic_length);
	fill_pattern(message.bytes + topic_length, size, seed);
	return message;
}

/* open NAME PATTERN cooked|raw */
static int do_open(char **words)
{
	for (int i = 0; i < MAX_NAMED; i++) {
		if (named[i].name[0] != '\0')
			continue;
		const int error = calls_open(words[2], strcmp(words[3], "raw") == 0, &named[i].socket);

		if (error == 0)
			strncpy(named[i].name, words[1], sizeof(named[i].name) - 1);
		return error;
	}
	abort();
}

/* close NAME */
static int do_close(char **words)
{
	const int socket = socket_of(words[1]);

	for (int i = 0; i < MAX_NAMED; i++)
		if (strcmp(named[i].name, words[1]) == 0)
			named[i].name[0] = '\0';
	return calls_close(socket);
}

/* set NAME OPTION VALUE */
static int do_set(char **words)
{
	return calls_set(socket_of(words[1]), words[2], atoi(words[3]));
}

/* subscribe NAME TOPIC, and unsubscribe; "-" is the empty topic */
static int do_subscribe(char **words)
{
	const char *topic = strcmp(words[2], "-") == 0 ? "" : words[2];

	return calls_subscribe(socket_of(words[1]), topic, words[0][0] == 's');
}

/* listen NAME URL */
static int do_listen(char **words)
{
	return calls_listen(socket_of(words[1]), words[2]);
}

/* dial NAME URL */
static int do_dial(char **words)
{
	return calls_dial(socket_of(words[1]), words[2]);
}

/* pipes NAME COUNT TIMEOUT: waits until there are so many */
static int do_pipes(char **words)
{
	return calls_await_pipes(socket_of(words[1]), atoi(words[2]), atoi(words[3]));
}

/* send NAME COUNT TOPIC SIZE SEED: message i carries the pattern of SEED + i */
static int do_send(char **words)
{
	const int socket = socket_of(words[1]), count = atoi(words[2]);
	const uint32_t seed = (uint32_t)strtoul(words[5], NULL, 10);
	int error = 0;

	for (int i = 0; i < count && error == 0; i++) {
		const struct message message = make_message(words[3], strtoul(words[4], NULL, 10), seed + (uint32_t)i);

		error = calls_send(socket, message.bytes, message.length, SEND_TIMEOUT_MS);
		free(message.bytes);
	}
	return error;
}

/* recv NAME COUNT TIMEOUT, and echo: receives, and sends each back */
static int do_receive(char **words)
{
	const int socket = socket_of(words[1]), count = atoi(words[2]), timeout_ms = atoi(words[3]);
	int error = 0;

	for (int i = 0; i < count && error == 0; i++) {
		struct message message;

		error = calls_receive(socket, &message, timeout_ms);
		if (error != 0)
			break;
		print_message(&message);
		if (words[0][0] == 'e')
			error = calls_return(socket, &message, SEND_TIMEOUT_MS);
		calls_release(&message);
	}
	return error;
}

/* until NAME SIZE TIMEOUT: receives until a message has SIZE bytes, that one included */
static int do_until(char **words)
{
	const int socket = socket_of(words[1]);
	const size_t last = strtoul(words[2], NULL, 10);

	for (;;) {
		struct message message;
		const int error = calls_receive(socket, &message, atoi(words[3]));

		if (error != 0)
			return error;
		const bool is_last = message.length == last;

		print_message(&message);
		calls_release(&message);
		if (is_last)
			return 0;
	}
}

/* converse NAME COUNT SIZE SEED TIMEOUT: sends and receives, one after the other */
static int do_converse(char **words)
{
	const int socket = socket_of(words[1]), count = atoi(words[2]);
	int error = 0;

	for (int i = 0; i < count && error == 0; i++) {
		struct message question = make_message("-", strtoul(words[3], NULL, 10), (uint32_t)(atoi(words[4]) + i));
		struct message answer;

		error = calls_send(socket, question.bytes, question.length, SEND_TIMEOUT_MS);
		free(question.bytes);
		if (error == 0)
			error = calls_receive(socket, &answer, atoi(words[5]));
		if (error == 0) {
			print_message(&answer);
			calls_release(&answer);
		}
	}
	return error;
}

/* ask NAME COUNT SIZE SEED TIMEOUT: as many requests at once; the answers are reported in the order of the requests */
static int do_ask(char **words)
{
	const int count = atoi(words[2]);
	struct message *questions = calloc((size_t)count, sizeof(*questions));
	struct message *answers = calloc((size_t)count, sizeof(*answers));
	int error;

	for (int i = 0; i < count; i++)
		questions[i] = make_message("-", strtoul(words[3], NULL, 10), (uint32_t)(atoi(words[4]) + i));
	error = calls_ask_at_once(socket_of(words[1]), count, questions, answers, atoi(words[5]));
	for (int i = 0; i < count; i++) {
		if (error == 0)
			print_message(&answers[i]);
		if (answers[i].owner != NULL)
			calls_release(&answers[i]);
		free(questions[i].bytes);
	}
	free(questions);
	free(answers);
	return error;
}

/* answer NAME COUNT TIMEOUT: receives so many requests, and answers them when all are there, the last first */
static int do_answer(char **words)
{
	const int count = atoi(words[2]);
	struct message *questions = calloc((size_t)count, sizeof(*questions));
	const int error = calls_answer_reversed(socket_of(words[1]), count, questions, atoi(words[3]));

	for (int i = 0; i < count; i++) {
		if (questions[i].owner == NULL)
			continue;
		print_message(&questions[i]);
		calls_release(&questions[i]);
	}
	free(questions);
	return error;
}

/* device FRONT BACK: answers at once, and never ends */
static int do_device(char **words)
{
	const int front = socket_of(words[1]), back = socket_of(words[2]);

	puts("ok");
	fflush(stdout);
	fprintf(stderr, "the device ended: %s\n", calls_error(calls_device(front, back)));
	exit(1);
}

static const struct {
	const char *name;
	int words;
	int (*run)(char **words);
} commands[] = {
	{ "open", 4, do_open },
	{ "close", 2, do_close },
	{ "set", 4, do_set },
	{ "subscribe", 3, do_subscribe },
	{ "unsubscribe", 3, do_subscribe },
	{ "listen", 3, do_listen },
	{ "dial", 3, do_dial },
	{ "pipes", 4, do_pipes },
	{ "send", 6, do_send },
	{ "recv", 4, do_receive },
	{ "echo", 4, do_receive },
	{ "until", 4, do_until },
	{ "converse", 6, do_converse },
	{ "ask", 6, do_ask },
	{ "answer", 4, do_answer },
	{ "device", 3, do_device },
};

static void run_line(char *line)
{
	char *words[MAX_WORDS];
	int count = 0;

	for (char *word = strtok(line, " \n"); word != NULL && count < MAX_WORDS; word = strtok(NULL, " \n"))
		words[count++] = word;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && count > 0; i++) {
		int error;

		if (strcmp(commands[i].name, words[0]) != 0 || commands[i].words != count)
			continue;
		error = commands[i].run(words);
		if (error == 0)
			puts("ok");
		else
			printf("error %s\n", calls_error(error));
		fflush(stdout);
		return;
	}
	fprintf(stderr, "not a command: %s, with %d words\n", count > 0 ? words[0] : "", count);
	exit(2);
}

int main(void)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin) != NULL)
		run_line(line);
	return 0;
}
