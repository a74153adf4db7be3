/*
 * An SCTP peer in C, scripted from the command line, reporting in JSON lines.
 *
 * One program, two ways to the kernel: calls_libsctp.c goes through Debian's libsctp (sctp_bindx, sctp_connectx,
 * sctp_sendv, sctp_recvv, SCTP_EVENT), calls_kernel.c knows nothing but linux/sctp.h (the options behind bindx and
 * connectx, SCTP_SNDRCV control messages, SCTP_EVENTS). Whoever talks to both has met both generations of the API.
 *
 * Needs not know: what the other end is written in.
 */
#ifndef PEER_H
#define PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <linux/sctp.h>

#include "payload.h"

#define MAX_ADDRESSES 16
#define MAX_SENDS 64
#define MAX_LINKS 64

/* IPv4 and IPv6 addresses, packed one behind the other as sctp_bindx(3) and sctp_connectx(3) want them. */
struct address_list {
	int count;
	size_t bytes;
	unsigned char packed[MAX_ADDRESSES * sizeof(struct sockaddr_in6)];
};

/* --send: `count` messages alike, except that message i carries the pattern of `seed + i`. */
struct send_spec {
	uint16_t stream;
	uint32_t ppid; /* host order */
	uint32_t context;
	uint32_t size;
	uint32_t count;
	uint32_t seed;
	bool unordered;
};

enum ending { END_SHUTDOWN, END_ABORT, END_CLOSE, END_PEER };

struct options {
	bool listening;
	bool one_to_one;
	bool echo;
	bool nodelay;
	bool reconfig;
	bool has_adaptation;
	uint32_t adaptation;
	uint16_t outbound_streams;
	uint16_t inbound_streams;
	uint16_t encapsulation_port;
	uint16_t port;
	uint16_t peer_port;
	struct address_list local;
	struct address_list peer;
	struct send_spec sends[MAX_SENDS];
	int send_count;
	uint32_t expect;       /* messages to receive before ending */
	uint32_t window;       /* most messages sent and not yet answered; 0: no limit */
	uint32_t associations; /* a listener ends after so many */
	uint32_t receive_bytes; /* size of the buffer given to one receive call */
	enum ending ending;
	const char *reason; /* what an abort says */
	unsigned timeout_s;
};

/* What goes out with one message. The PPID is in network order, as the kernel passes it on untouched. */
struct outgoing {
	sctp_assoc_t association;
	uint16_t stream;
	uint16_t flags;
	uint32_t ppid;
	uint32_t context;
};

/* What came in with one message, from whichever control message the kernel sent. */
struct incoming {
	bool present;
	sctp_assoc_t association;
	uint16_t stream;
	uint16_t ssn;
	uint16_t flags;
	uint32_t ppid;
	uint32_t tsn;
	uint32_t cumulative_tsn;
	uint32_t context;
	bool has_next;
	struct sctp_nxtinfo next;
};

/* options.c */
void parse_options(int argc, char **argv, struct options *options);

/* addresses.c */
bool add_address(struct address_list *list, const char *text, uint16_t port);
void set_port(struct address_list *list, uint16_t port);
socklen_t address_length(const void *address);
void format_address(const void *address, char *text, size_t size);

/* report.c */
void report_ready(int fd);
void report_message(const struct incoming *info, const void *from, const unsigned char *bytes, size_t length);
void report_notification(const void *bytes, size_t length);
void report_up(int fd, sctp_assoc_t association);
void report_end(sctp_assoc_t association, const char *how, uint32_t sent, uint32_t received);
void report_error(const char *what, int error);
const char *association_change_name(unsigned state);

/* calls_libsctp.c or calls_kernel.c: each returns -1 with errno set on failure. */
int calls_bind(int fd, const struct address_list *addresses);
int calls_connect(int fd, const struct address_list *addresses, sctp_assoc_t *association);
int calls_addresses(int fd, sctp_assoc_t association, bool of_peer, struct address_list *addresses);
int calls_subscribe(int fd);
ssize_t calls_send(int fd, const void *bytes, size_t length, const struct outgoing *info);
ssize_t calls_receive(int fd, void *bytes, size_t length, struct incoming *info, struct sockaddr_storage *from, int *flags);

#endif
