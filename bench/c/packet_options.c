/*
 * The peer in C for sends with options of their own: sendmsg(2) and sendmmsg(2) with IP_TTL and IP_TOS as control messages,
 * and IP_MTU_DISCOVER set where it changes.
 *
 *   packet_options SIZE MILLISECONDS
 *
 * Everything goes to a socket of its own whose receive buffer is full. The ways to send take turns every few milliseconds;
 * the answer is one JSON object with the median of the nanoseconds that a message took, for each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, ROOM = 2048, SLICE_MS = 5, MAX_SLICES = 4096, MESSAGES_PER_LOOK = 32, TTL = 9, TOS = 0xb8 };
/* What the messages carry. */
enum options { PLAIN, MARKED, FIXED, CHANGING, ALTERNATING, OPTIONS };
/* How many leave at a time. */
enum way { SINGLE, BATCHED, CUT, WAYS };

static const char *const OPTION_NAMES[] = {"plain", "marked", "fixed", "changing", "alternating"};
static const char *const WAY_NAMES[] = {"single", "batch", "cut"};

struct control {
	char bytes[2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
	size_t length;
};

static int fd;
static size_t size;
static char payload[BATCH * ROOM];
static struct sockaddr_in sink;
static int discovery = -1;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void open_sockets(void)
{
	socklen_t length = sizeof sink;
	int full = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = 1;

	sink = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (full < 0 || fd < 0)
		die("socket");
	if (setsockopt(full, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) < 0)
		die("setsockopt");
	if (bind(full, (struct sockaddr *)&sink, sizeof sink) < 0 || getsockname(full, (struct sockaddr *)&sink, &length) < 0)
		die("bind");
}

static void discover(int wanted)
{
	if (wanted == discovery)
		return;
	if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &wanted, sizeof wanted) < 0)
		die("setsockopt");
	discovery = wanted;
}

static void append(struct control *control, int level, int type, const void *data, size_t length)
{
	struct cmsghdr *header = (struct cmsghdr *)(control->bytes + control->length);
	header->cmsg_level = level;
	header->cmsg_type = type;
	header->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(header), data, length);
	control->length += CMSG_SPACE(length);
}

/* The control messages of the nth message. */
static void encode(struct control *control, enum options options, int n)
{
	int ttl = options == CHANGING ? n % 64 + 1 : TTL, tos = TOS;
	control->length = 0;
	if (options == PLAIN)
		return;
	append(control, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
	append(control, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
}

static struct msghdr header_of(struct iovec *vector, struct control *control)
{
	return (struct msghdr){.msg_name = &sink,
			       .msg_namelen = sizeof sink,
			       .msg_iov = vector,
			       .msg_iovlen = 1,
			       .msg_control = control->length > 0 ? control->bytes : NULL,
			       .msg_controllen = control->length};
}

static void set_discovery(enum options options, int n)
{
	if (options == FIXED)
		discover(IP_PMTUDISC_DO);
	else if (options == ALTERNATING)
		discover(n % 2 == 0 ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
	else
		discover(IP_PMTUDISC_WANT);
}

static void send_single(enum options options, int n)
{
	struct control control;
	struct iovec vector = {payload, size};
	set_discovery(options, n);
	encode(&control, options, n);
	struct msghdr header = header_of(&vector, &control);
	if (sendmsg(fd, &header, 0) < 0)
		die("sendmsg");
}

static void send_batch(enum options options)
{
	static struct mmsghdr headers[BATCH];
	static struct iovec vectors[BATCH];
	static struct control controls[BATCH];

	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){payload, size};
		encode(&controls[i], options, i);
		headers[i].msg_hdr = header_of(&vectors[i], &controls[i]);
	}
	int step = options == ALTERNATING ? 1 : BATCH;
	for (int i = 0; i < BATCH; i += step) {
		set_discovery(options, i);
		if (sendmmsg(fd, headers + i, step, 0) != step)
			die("sendmmsg");
	}
}

/* Where all of a batch is alike, the kernel can cut it. */
static void send_cut(enum options options)
{
	struct control control;
	struct iovec vector = {payload, size * BATCH};
	uint16_t segment = size;

	if (options == CHANGING || options == ALTERNATING) {
		send_batch(options);
		return;
	}
	set_discovery(options, 0);
	encode(&control, options, 0);
	append(&control, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
	struct msghdr header = header_of(&vector, &control);
	if (sendmsg(fd, &header, 0) < 0)
		die("sendmsg");
}

static double slice(enum way way, enum options options)
{
	long sent = 0;
	double begun = now(), end = begun + SLICE_MS / 1e3, time;
	do {
		if (way == SINGLE)
			for (int i = 0; i < MESSAGES_PER_LOOK; i++)
				send_single(options, i);
		else if (way == BATCHED)
			send_batch(options);
		else
			send_cut(options);
		sent += way == SINGLE ? MESSAGES_PER_LOOK : BATCH;
		time = now();
	} while (time < end);
	return (time - begun) * 1e9 / sent;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
	static double samples[WAYS][OPTIONS][MAX_SLICES];
	if (argc != 3) {
		fprintf(stderr, "usage: packet_options SIZE MILLISECONDS\n");
		return 2;
	}
	size = atoi(argv[1]);
	int rounds = atoi(argv[2]) / SLICE_MS;
	if (size > ROOM || rounds > MAX_SLICES || rounds < 1) {
		fprintf(stderr, "packet_options: at most %d bytes, %d to %d ms\n", ROOM, SLICE_MS, MAX_SLICES * SLICE_MS);
		return 2;
	}
	open_sockets();
	for (int round = -1; round < rounds; round++) /* the first one warms up */
		for (int way = 0; way < WAYS; way++)
			for (int options = 0; options < OPTIONS; options++) {
				double time = slice(way, options);
				if (round >= 0)
					samples[way][options][round] = time;
			}
	for (int way = 0; way < WAYS; way++)
		for (int options = 0; options < OPTIONS; options++) {
			double *all = samples[way][options];
			qsort(all, rounds, sizeof *all, by_value);
			printf("%s\"%s.%s\":%.1f", way + options == 0 ? "{" : ",", WAY_NAMES[way], OPTION_NAMES[options],
			       all[rounds / 2]);
		}
	printf("}\n");
	return 0;
}
