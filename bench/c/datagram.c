/*
 * The peer in C for datagrams: what one would write with sendmmsg(2) and recvmmsg(2), or with sendto(2) and recvfrom(2).
 *
 *   datagram receive|send|echo|ask unix|udp ADDRESS SIZE STYLE MILLISECONDS
 *
 * ADDRESS is a path or a port of 127.0.0.1. STYLE is a batch size to receive and send, "block" or "spin" to echo and ask.
 * With "gso" behind the batch size the kernel cuts a batch out of one message (UDP_SEGMENT), or coalesces (UDP_GRO).
 * MILLISECONDS is the warm-up to receive, the length of the run to send and ask. One JSON object per line is the answer; a
 * message of one byte ends the run.
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
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BATCH = 1024, ROOM = 65536, RECEIVE_BUFFER = 4 << 20, MAX_SAMPLES = 4000000, END_MARKERS = 3 };

static int is_udp;
static int is_spinning;
static int is_offloaded;

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

static socklen_t address_of(const char *text, struct sockaddr_storage *storage)
{
	memset(storage, 0, sizeof *storage);
	if (is_udp) {
		struct sockaddr_in *address = (struct sockaddr_in *)storage;
		address->sin_family = AF_INET;
		address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address->sin_port = htons(atoi(text));
		return sizeof *address;
	}
	struct sockaddr_un *address = (struct sockaddr_un *)storage;
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof address->sun_path, "%s", text);
	return sizeof *address;
}

static int open_socket(void)
{
	int fd = socket(is_udp ? AF_INET : AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	return fd;
}

static int bound(const char *address)
{
	struct sockaddr_storage storage;
	socklen_t length = address_of(address, &storage);
	int fd = open_socket();
	int bytes = RECEIVE_BUFFER;
	if (is_udp && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) < 0)
		die("setsockopt");
	if (bind(fd, (struct sockaddr *)&storage, length) < 0)
		die("bind");
	return fd;
}

static void connect_to(int fd, const char *address)
{
	struct sockaddr_storage storage;
	socklen_t length = address_of(address, &storage);
	if (connect(fd, (struct sockaddr *)&storage, length) < 0)
		die("connect");
}

static void say_ready(int fd, const char *address)
{
	struct sockaddr_in name;
	socklen_t length = sizeof name;
	if (!is_udp)
		printf("{\"ready\":\"%s\"}\n", address);
	else if (getsockname(fd, (struct sockaddr *)&name, &length) < 0)
		die("getsockname");
	else
		printf("{\"ready\":\"%d\"}\n", ntohs(name.sin_port));
	fflush(stdout);
}

static struct mmsghdr headers[MAX_BATCH];
static struct iovec vectors[MAX_BATCH];
static struct sockaddr_storage names[MAX_BATCH];
static char payloads[64][ROOM];
static char controls[MAX_BATCH][CMSG_SPACE(sizeof(int))];

/* How many datagrams are in a message that was received. */
static int datagrams_in(struct msghdr *header, size_t length)
{
	struct cmsghdr *control = is_offloaded ? CMSG_FIRSTHDR(header) : NULL;
	int size;

	if (control == NULL || control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO)
		return 1;
	memcpy(&size, CMSG_DATA(control), sizeof size);
	return (length + size - 1) / size;
}

static void receive(const char *address, int batch, double warm_up)
{
	int fd = bound(address);
	long counted = 0, total = 0;
	double begun = 0, warm = 0, last = 0;
	int is_over = 0, on = 1;

	if (is_offloaded && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) < 0)
		die("setsockopt");
	say_ready(fd, address);
	while (!is_over) {
		int count = 1;
		if (batch == 1) {
			socklen_t length = sizeof names[0];
			ssize_t size = recvfrom(fd, payloads[0], ROOM, 0, (struct sockaddr *)&names[0], &length);
			if (size < 0)
				die("recvfrom");
			headers[0].msg_len = size;
		} else {
			for (int i = 0; i < batch; i++) {
				vectors[i] = (struct iovec){payloads[i], ROOM};
				headers[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
								     .msg_namelen = sizeof names[i],
								     .msg_iov = &vectors[i],
								     .msg_iovlen = 1};
				if (is_offloaded) {
					headers[i].msg_hdr.msg_control = controls[i];
					headers[i].msg_hdr.msg_controllen = sizeof controls[i];
				}
			}
			count = recvmmsg(fd, headers, batch, MSG_WAITFORONE, NULL);
			if (count < 0)
				die("recvmmsg");
		}
		int arrived = 0;
		for (int i = 0; i < count; i++)
			if (headers[i].msg_len == 1)
				is_over = 1, count = i;
			else
				arrived += datagrams_in(&headers[i].msg_hdr, headers[i].msg_len);
		if (count == 0)
			continue;
		last = now();
		total += arrived;
		if (begun == 0)
			begun = last;
		else if (warm > 0)
			counted += arrived;
		else if (last >= begun + warm_up)
			warm = last;
	}
	printf("{\"received\":%ld,\"total\":%ld,\"seconds\":%.9f}\n", counted, total, last - warm);
}

static void send_end(int fd)
{
	if (is_udp) /* lets the receiver take what is in flight, so that the marker is not lost in a full buffer */
		usleep(100000);
	for (int i = 0; i < (is_udp ? END_MARKERS : 1); i++)
		if (send(fd, "", 1, 0) < 0 && errno != ECONNREFUSED)
			die("send");
}

/* A message that the kernel cuts into a batch of messages of this size. */
static struct msghdr to_be_cut(size_t size, int batch)
{
	static char control[CMSG_SPACE(sizeof(uint16_t))];
	static char all[ROOM];
	uint16_t segment = size;

	vectors[0] = (struct iovec){all, size * batch};
	struct msghdr header = {.msg_iov = vectors,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof control};
	struct cmsghdr *first = CMSG_FIRSTHDR(&header);
	first->cmsg_level = IPPROTO_UDP;
	first->cmsg_type = UDP_SEGMENT;
	first->cmsg_len = CMSG_LEN(sizeof segment);
	memcpy(CMSG_DATA(first), &segment, sizeof segment);
	return header;
}

static void send_for(const char *address, size_t size, int batch, double seconds)
{
	int fd = open_socket();
	struct sockaddr_storage storage;
	socklen_t length = address_of(address, &storage);
	long sent = 0;

	connect_to(fd, address);
	for (int i = 0; i < batch; i++) {
		vectors[i] = (struct iovec){payloads[0], size};
		headers[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	struct msghdr whole = is_offloaded ? to_be_cut(size, batch) : (struct msghdr){0};
	double begun = now();
	do {
		if (is_offloaded) {
			if (sendmsg(fd, &whole, 0) < 0)
				die("sendmsg");
			sent += batch;
			continue;
		}
		if (batch == 1) {
			for (int i = 0; i < 32; i++, sent++)
				if (sendto(fd, payloads[0], size, 0, (struct sockaddr *)&storage, length) < 0)
					die("sendto");
			continue;
		}
		int count = sendmmsg(fd, headers, batch, 0);
		if (count < 0)
			die("sendmmsg");
		sent += count;
	} while (now() < begun + seconds);
	printf("{\"sent\":%ld,\"seconds\":%.9f}\n", sent, now() - begun);
	fflush(stdout);
	send_end(fd);
}

static ssize_t receive_one(int fd, struct sockaddr_storage *name, socklen_t *length)
{
	for (;;) {
		*length = sizeof *name;
		ssize_t size =
			recvfrom(fd, payloads[0], ROOM, is_spinning ? MSG_DONTWAIT : 0, (struct sockaddr *)name, length);
		if (size >= 0)
			return size;
		if (!is_spinning || errno != EAGAIN)
			die("recvfrom");
	}
}

static void echo(const char *address)
{
	int fd = bound(address);
	struct sockaddr_storage name;
	socklen_t length;

	say_ready(fd, address);
	for (;;) {
		ssize_t size = receive_one(fd, &name, &length);
		if (size == 1)
			return;
		if (sendto(fd, payloads[0], size, 0, (struct sockaddr *)&name, length) < 0)
			die("sendto");
	}
}

static int by_value(const void *left, const void *right)
{
	float a = *(const float *)left, b = *(const float *)right;
	return (a > b) - (a < b);
}

static void ask(const char *address, size_t size, double seconds)
{
	char own[120];
	snprintf(own, sizeof own, is_udp ? "0" : "%s.c", address);
	int fd = bound(own);
	float *samples = malloc(MAX_SAMPLES * sizeof *samples);
	long count = 0;
	struct sockaddr_storage name;
	socklen_t length;

	connect_to(fd, address);
	double begun = now(), before = begun;
	while (before < begun + seconds && count < MAX_SAMPLES) {
		if (send(fd, payloads[1], size, 0) < 0)
			die("send");
		receive_one(fd, &name, &length);
		double after = now();
		samples[count++] = (after - before) * 1e6;
		before = after;
	}
	send_end(fd);
	/* The first fifth warms up. */
	long first = count / 5, kept = count - first;
	qsort(samples + first, kept, sizeof *samples, by_value);
	printf("{\"roundTrips\":%ld,\"median\":%.3f,\"p99\":%.3f}\n", kept, samples[first + kept / 2],
	       samples[first + kept * 99 / 100]);
	if (!is_udp)
		unlink(own);
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: datagram receive|send|echo|ask unix|udp ADDRESS SIZE STYLE MILLISECONDS\n");
		return 2;
	}
	const char *role = argv[1], *address = argv[3], *style = argv[5];
	size_t size = atoi(argv[4]);
	int batch = atoi(style);
	double seconds = atof(argv[6]) / 1000;
	is_udp = strcmp(argv[2], "udp") == 0;
	is_spinning = strcmp(style, "spin") == 0;
	is_offloaded = strstr(style, "gso") != NULL;
	if (size > ROOM || batch > 64 || (is_offloaded && size * batch >= ROOM)) {
		fprintf(stderr, "datagram: at most %d bytes, and 64 messages at a time\n", ROOM);
		return 2;
	}
	if (strcmp(role, "receive") == 0)
		receive(address, batch, seconds);
	else if (strcmp(role, "send") == 0)
		send_for(address, size, batch, seconds);
	else if (strcmp(role, "echo") == 0)
		echo(address);
	else
		ask(address, size, seconds);
	return 0;
}
