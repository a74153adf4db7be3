/*
 * The peer in C for the kernel's SCTP, written as RFC 6458 shows it: one sendmsg(2) or recvmsg(2) for each message, with
 * SCTP_SNDINFO and SCTP_RCVINFO.
 *
 *   sctp receive|send|echo|ask one-to-one|one-to-many PORT SIZE block MILLISECONDS
 *
 * MILLISECONDS is the warm-up to receive, the length of the run to send and ask. The clock is read once for several
 * messages, for in user-mode-linux that is a slow system call. One JSON object per line is the answer; a message of one
 * byte ends the run.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sctp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 65536, SEND_BUFFER = 1 << 20, RECEIVE_BUFFER = 4 << 20, PPID = 46 };
enum { MESSAGES_PER_LOOK = 32, TRIPS_PER_LOOK = 8, MAX_SAMPLES = 1000000 };

static int is_one_to_many;
static char payload[ROOM];

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

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof value) < 0)
		die("setsockopt");
}

static int open_socket(void)
{
	int fd = socket(AF_INET, is_one_to_many ? SOCK_SEQPACKET : SOCK_STREAM, IPPROTO_SCTP);
	if (fd < 0)
		die("socket");
	set(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
	set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	set(fd, IPPROTO_SCTP, SCTP_RECVRCVINFO, 1);
	/* Nagle's algorithm and delayed acknowledgements together stop for 200 ms whenever the send buffer is full. */
	set(fd, IPPROTO_SCTP, SCTP_NODELAY, 1);
	return fd;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A socket that messages can be received from: for one-to-one, the first association. */
static int served(int port)
{
	int fd = open_socket();
	struct sockaddr_in name = loopback(port);
	socklen_t length = sizeof name;
	if (bind(fd, (struct sockaddr *)&name, length) < 0)
		die("bind");
	if (listen(fd, 1) < 0)
		die("listen");
	if (getsockname(fd, (struct sockaddr *)&name, &length) < 0)
		die("getsockname");
	printf("{\"ready\":\"%d\"}\n", ntohs(name.sin_port));
	fflush(stdout);
	if (is_one_to_many)
		return fd;
	int accepted = accept(fd, NULL, NULL);
	if (accepted < 0)
		die("accept");
	return accepted;
}

static int connected(int port, sctp_assoc_t *association)
{
	int fd = open_socket();
	struct sockaddr_in name = loopback(port);
	struct sctp_paddrinfo path = {0};
	socklen_t length = sizeof path;
	if (connect(fd, (struct sockaddr *)&name, sizeof name) < 0)
		die("connect");
	*association = 0;
	if (!is_one_to_many)
		return fd;
	memcpy(&path.spinfo_address, &name, sizeof name);
	if (getsockopt(fd, IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, &path, &length) < 0)
		die("getsockopt");
	*association = path.spinfo_assoc_id;
	return fd;
}

static void send_one(int fd, size_t size, sctp_assoc_t association)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct sctp_sndinfo))];
		struct cmsghdr alignment;
	} control = {0};
	struct iovec vector = {payload, size};
	struct msghdr header = {
	    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	struct cmsghdr *item = CMSG_FIRSTHDR(&header);
	struct sctp_sndinfo info = {.snd_sid = 0, .snd_ppid = htonl(PPID), .snd_assoc_id = association};

	item->cmsg_level = IPPROTO_SCTP;
	item->cmsg_type = SCTP_SNDINFO;
	item->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(item), &info, sizeof info);
	if (sendmsg(fd, &header, MSG_NOSIGNAL) < 0)
		die("sendmsg");
}

/* A whole message; its length, and the association that it belongs to. */
static size_t receive_one(int fd, sctp_assoc_t *association)
{
	size_t length = 0;
	for (;;) {
		union {
			char bytes[256];
			struct cmsghdr alignment;
		} control;
		struct sockaddr_storage name;
		struct iovec vector = {payload + length, ROOM - length};
		struct msghdr header = {.msg_name = &name,
					.msg_namelen = sizeof name,
					.msg_iov = &vector,
					.msg_iovlen = 1,
					.msg_control = control.bytes,
					.msg_controllen = sizeof control.bytes};
		ssize_t size = recvmsg(fd, &header, 0);
		if (size < 0)
			die("recvmsg");
		if (size == 0) {
			fprintf(stderr, "recvmsg: the association has ended\n");
			exit(1);
		}
		for (struct cmsghdr *item = CMSG_FIRSTHDR(&header); item; item = CMSG_NXTHDR(&header, item))
			if (item->cmsg_level == IPPROTO_SCTP && item->cmsg_type == SCTP_RCVINFO) {
				struct sctp_rcvinfo info;
				memcpy(&info, CMSG_DATA(item), sizeof info);
				*association = info.rcv_assoc_id;
			}
		length += size;
		if (header.msg_flags & MSG_EOR)
			return length;
	}
}

static void receive(int port, double warm_up)
{
	int fd = served(port);
	sctp_assoc_t association;
	long total = 0, counted = 0;
	double begun = 0, warm = 0;

	while (receive_one(fd, &association) > 1) {
		if (total++ % MESSAGES_PER_LOOK == 0 && warm == 0) {
			double time = now();
			if (begun == 0)
				begun = time;
			if (time >= begun + warm_up)
				warm = time, counted = total;
		}
	}
	double seconds = now() - warm;
	printf("{\"received\":%ld,\"total\":%ld,\"seconds\":%.9f}\n", total - counted, total, seconds);
}

static void send_for(int port, size_t size, double seconds)
{
	sctp_assoc_t association;
	int fd = connected(port, &association);
	long sent = 0;
	double begun = now();
	do
		for (int i = 0; i < MESSAGES_PER_LOOK; i++, sent++)
			send_one(fd, size, association);
	while (now() < begun + seconds);
	printf("{\"sent\":%ld,\"seconds\":%.9f}\n", sent, now() - begun);
	send_one(fd, 1, association);
}

static void echo(int port)
{
	int fd = served(port);
	sctp_assoc_t association = 0;
	size_t size;
	while ((size = receive_one(fd, &association)) > 1)
		send_one(fd, size, is_one_to_many ? association : 0);
}

static int by_value(const void *left, const void *right)
{
	float a = *(const float *)left, b = *(const float *)right;
	return (a > b) - (a < b);
}

static void ask(int port, size_t size, double seconds)
{
	sctp_assoc_t association, from;
	int fd = connected(port, &association);
	float *samples = malloc(MAX_SAMPLES * sizeof *samples);
	long count = 0;
	double begun = now(), before = begun;
	while (before < begun + seconds && count < MAX_SAMPLES) {
		for (int i = 0; i < TRIPS_PER_LOOK; i++) {
			send_one(fd, size, association);
			receive_one(fd, &from);
		}
		double after = now();
		samples[count++] = (after - before) / TRIPS_PER_LOOK * 1e6;
		before = after;
	}
	send_one(fd, 1, association);
	/* The first half warms up. */
	long first = count / 2, kept = count - first;
	qsort(samples + first, kept, sizeof *samples, by_value);
	printf("{\"roundTrips\":%ld,\"median\":%.3f,\"p99\":%.3f}\n", kept * TRIPS_PER_LOOK, samples[first + kept / 2],
	       samples[first + kept * 99 / 100]);
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: sctp receive|send|echo|ask one-to-one|one-to-many PORT SIZE block MILLISECONDS\n");
		return 2;
	}
	const char *role = argv[1];
	int port = atoi(argv[3]);
	size_t size = atoi(argv[4]);
	double seconds = atof(argv[6]) / 1000;
	is_one_to_many = strcmp(argv[2], "one-to-many") == 0;
	if (size > ROOM) {
		fprintf(stderr, "sctp: at most %d bytes\n", ROOM);
		return 2;
	}
	if (strcmp(role, "receive") == 0)
		receive(port, seconds);
	else if (strcmp(role, "send") == 0)
		send_for(port, size, seconds);
	else if (strcmp(role, "echo") == 0)
		echo(port);
	else
		ask(port, size, seconds);
	return 0;
}
