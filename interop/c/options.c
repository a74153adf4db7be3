/* The command line. */
#include "peer.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
	"Usage: peer listen|connect [options]\n"
	"\n"
	"  --style many|one      one-to-many (default) or one-to-one socket\n"
	"  --local A[,B...]      local addresses (listen: default 127.0.0.1)\n"
	"  --port N              local port (default: the kernel chooses)\n"
	"  --peer A[,B...]       connect: addresses of the peer\n"
	"  --peer-port N         connect: port of the peer\n"
	"  --send K=V[,K=V...]   messages to send once the association is up; repeatable. Keys: stream, ppid, context,\n"
	"                        size, count, seed, and the flag unordered\n"
	"  --echo                send each message back as it came: same stream, PPID and order flag\n"
	"  --expect N            messages to receive before ending (default 0)\n"
	"  --window N            never have more than N messages sent and unanswered\n"
	"  --end HOW             shutdown (connect's default), abort, close, or peer: wait for the other end (listen's)\n"
	"  --reason TEXT         what an abort carries\n"
	"  --associations N      listen: end after N associations have ended (default 1)\n"
	"  --streams OUT[,IN]    streams asked for at set-up (default 10,65535)\n"
	"  --encap-port N        UDP port of the peer, RFC 6951\n"
	"  --adaptation N        adaptation layer indication to announce\n"
	"  --reconfig            allow stream reset and stream addition, RFC 6525\n"
	"  --nodelay             never wait to bundle\n"
	"  --receive-bytes N     buffer given to one receive call (default 65536)\n"
	"  --timeout SECONDS     give up and exit 124 (default 60)\n"
	"\n"
	"Prints `ready PORT` when bound, then one JSON object per line. SIGTERM ends what still waits.\n";

static _Noreturn void usage_error(const char *what, const char *value)
{
	fprintf(stderr, "peer: %s: %s\n\n%s", what, value, usage_text);
	exit(2);
}

static uint32_t number(const char *text, const char *name)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*text == 0 || *end != 0 || value > UINT32_MAX)
		usage_error(name, text);
	return (uint32_t)value;
}

static uint16_t short_number(const char *text, const char *name)
{
	uint32_t value = number(text, name);

	if (value > UINT16_MAX)
		usage_error(name, text);
	return (uint16_t)value;
}

static void parse_addresses(struct address_list *list, char *text, const char *name)
{
	for (char *one = strtok(text, ","); one; one = strtok(NULL, ","))
		if (!add_address(list, one, 0))
			usage_error(name, one);
}

static void parse_send(struct send_spec *send, char *text)
{
	enum { STREAM, PPID, CONTEXT, SIZE, COUNT, SEED, UNORDERED };
	char *const keys[] = { [STREAM] = "stream", [PPID] = "ppid",   [CONTEXT] = "context",
			       [SIZE] = "size",	    [COUNT] = "count", [SEED] = "seed",
			       [UNORDERED] = "unordered", NULL };
	char *value;

	*send = (struct send_spec){ .size = 1, .count = 1 };
	while (*text) {
		char *whole = text;
		int key = getsubopt(&text, keys, &value);

		if (key < 0 || (key != UNORDERED && !value))
			usage_error("--send", whole);
		switch (key) {
		case STREAM: send->stream = short_number(value, "stream"); break;
		case PPID: send->ppid = number(value, "ppid"); break;
		case CONTEXT: send->context = number(value, "context"); break;
		case SIZE: send->size = number(value, "size"); break;
		case COUNT: send->count = number(value, "count"); break;
		case SEED: send->seed = number(value, "seed"); break;
		case UNORDERED: send->unordered = true; break;
		}
	}
}

static enum ending parse_ending(const char *text)
{
	if (!strcmp(text, "shutdown")) return END_SHUTDOWN;
	if (!strcmp(text, "abort")) return END_ABORT;
	if (!strcmp(text, "close")) return END_CLOSE;
	if (!strcmp(text, "peer")) return END_PEER;
	usage_error("--end", text);
}

void parse_options(int argc, char **argv, struct options *options)
{
	enum {
		STYLE = 256, LOCAL, PORT, PEER, PEER_PORT, SEND, ECHO_BACK, EXPECT, WINDOW, END, REASON, ASSOCIATIONS,
		STREAMS, ENCAP_PORT, ADAPTATION, RECONFIG, NODELAY, RECEIVE_BYTES, TIMEOUT, HELP
	};
	static const struct option known[] = {
		{ "style", required_argument, NULL, STYLE },
		{ "local", required_argument, NULL, LOCAL },
		{ "port", required_argument, NULL, PORT },
		{ "peer", required_argument, NULL, PEER },
		{ "peer-port", required_argument, NULL, PEER_PORT },
		{ "send", required_argument, NULL, SEND },
		{ "echo", no_argument, NULL, ECHO_BACK },
		{ "expect", required_argument, NULL, EXPECT },
		{ "window", required_argument, NULL, WINDOW },
		{ "end", required_argument, NULL, END },
		{ "reason", required_argument, NULL, REASON },
		{ "associations", required_argument, NULL, ASSOCIATIONS },
		{ "streams", required_argument, NULL, STREAMS },
		{ "encap-port", required_argument, NULL, ENCAP_PORT },
		{ "adaptation", required_argument, NULL, ADAPTATION },
		{ "reconfig", no_argument, NULL, RECONFIG },
		{ "nodelay", no_argument, NULL, NODELAY },
		{ "receive-bytes", required_argument, NULL, RECEIVE_BYTES },
		{ "timeout", required_argument, NULL, TIMEOUT },
		{ "help", no_argument, NULL, HELP },
		{ NULL, 0, NULL, 0 },
	};
	bool has_ending = false;
	int key;
	char *comma;

	*options = (struct options){ .outbound_streams = 10, .inbound_streams = UINT16_MAX, .associations = 1,
				     .receive_bytes = 65536, .reason = "", .timeout_s = 60 };
	while ((key = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (key) {
		case STYLE:
			if (strcmp(optarg, "one") && strcmp(optarg, "many"))
				usage_error("--style", optarg);
			options->one_to_one = !strcmp(optarg, "one");
			break;
		case LOCAL: parse_addresses(&options->local, optarg, "--local"); break;
		case PORT: options->port = short_number(optarg, "--port"); break;
		case PEER: parse_addresses(&options->peer, optarg, "--peer"); break;
		case PEER_PORT: options->peer_port = short_number(optarg, "--peer-port"); break;
		case SEND:
			if (options->send_count == MAX_SENDS)
				usage_error("--send", "too many");
			parse_send(&options->sends[options->send_count++], optarg);
			break;
		case ECHO_BACK: options->echo = true; break;
		case EXPECT: options->expect = number(optarg, "--expect"); break;
		case WINDOW: options->window = number(optarg, "--window"); break;
		case END:
			options->ending = parse_ending(optarg);
			has_ending = true;
			break;
		case REASON: options->reason = optarg; break;
		case ASSOCIATIONS: options->associations = number(optarg, "--associations"); break;
		case STREAMS:
			comma = strchr(optarg, ',');
			if (comma) {
				*comma = 0;
				options->inbound_streams = short_number(comma + 1, "--streams");
			}
			options->outbound_streams = short_number(optarg, "--streams");
			break;
		case ENCAP_PORT: options->encapsulation_port = short_number(optarg, "--encap-port"); break;
		case ADAPTATION:
			options->adaptation = number(optarg, "--adaptation");
			options->has_adaptation = true;
			break;
		case RECONFIG: options->reconfig = true; break;
		case NODELAY: options->nodelay = true; break;
		case RECEIVE_BYTES: options->receive_bytes = number(optarg, "--receive-bytes"); break;
		case TIMEOUT: options->timeout_s = number(optarg, "--timeout"); break;
		case HELP:
			fputs(usage_text, stdout);
			exit(0);
		default: exit(2);
		}
	}
	if (optind != argc - 1 || (strcmp(argv[optind], "listen") && strcmp(argv[optind], "connect")))
		usage_error("say what to do", "listen or connect");
	options->listening = !strcmp(argv[optind], "listen");
	if (!has_ending)
		options->ending = options->listening ? END_PEER : END_SHUTDOWN;
	if (options->listening && options->local.count == 0)
		add_address(&options->local, "127.0.0.1", 0);
	if (!options->listening && (options->peer.count == 0 || options->peer_port == 0))
		usage_error("connect needs", "--peer and --peer-port");
	if (options->receive_bytes < 256)
		usage_error("--receive-bytes", "less than 256 holds no notification");
	set_port(&options->peer, options->peer_port);
}
