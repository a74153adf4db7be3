/*
 * The peer itself: one poll loop over a listening or connected socket and its associations.
 *
 * An association is a `link`. On a one-to-many socket all links share the descriptor and are told apart by association
 * id; on one-to-one sockets each has its own. Sending never blocks and receiving never waits for sending, so two peers
 * that flood each other can't lock up.
 */
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A link stops being read while this much of its echo waits to be sent. */
#define ECHO_LIMIT (4u << 20)

#define NO_ASSOCIATION 0

struct echo {
	struct echo *next;
	struct outgoing info;
	size_t length;
	unsigned char bytes[];
};

struct link {
	int fd;
	sctp_assoc_t association;
	bool ended;
	bool ending;	    /* our own end has been asked for */

	/* Pieces of a message that is delivered in parts, until MSG_EOR. */
	unsigned char *partial;
	size_t partial_length;
	struct incoming partial_info;

	struct echo *echo_head, *echo_tail;
	size_t echo_bytes;

	int send_index;	     /* which --send */
	uint32_t send_done;  /* how many of it */
	uint32_t sent, received;
};

static struct options options;
static struct link links[MAX_LINKS];
static int link_count;
static uint32_t ended_count;
static int bound_socket = -1;
static int signal_descriptor = -1;
static unsigned char *receive_buffer;

static _Noreturn void fail(const char *what)
{
	report_error(what, errno);
	exit(1);
}

static void on_alarm(int number)
{
	static const char text[] = "{\"type\":\"error\",\"call\":\"peer\",\"code\":\"ETIME\"}\n";

	(void)number;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(125);
	_exit(124);
}

static void *allocate(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (!memory)
		fail("malloc");
	return memory;
}

static void set_option(int fd, int level, int name, const void *value, socklen_t length, const char *what)
{
	if (setsockopt(fd, level, name, value, length) < 0)
		fail(what);
}

/* --- links --- */

static struct link *find_link(int fd, sctp_assoc_t association)
{
	for (int i = 0; i < link_count; i++)
		if (!links[i].ended && links[i].fd == fd && (options.one_to_one || links[i].association == association))
			return &links[i];
	return NULL;
}

static struct link *open_link(int fd, sctp_assoc_t association)
{
	struct link *link;

	if (link_count == MAX_LINKS) {
		errno = EMFILE;
		fail("link");
	}
	link = &links[link_count++];
	*link = (struct link){ .fd = fd, .association = association };
	report_up(fd, association);
	return link;
}

static void end_link(struct link *link, const char *how)
{
	if (link->ended)
		return;
	link->ended = true;
	ended_count++;
	free(link->partial);
	while (link->echo_head) {
		struct echo *next = link->echo_head->next;

		free(link->echo_head);
		link->echo_head = next;
	}
	report_end(link->association, how, link->sent, link->received);
	if (options.one_to_one)
		close(link->fd);
}

/* --- sending --- */

static bool may_send(const struct link *link)
{
	if (link->ended || link->ending)
		return false;
	if (link->echo_head)
		return true;
	if (link->send_index == options.send_count)
		return false;
	return options.window == 0 || link->sent < link->received + options.window;
}

static void queue_echo(struct link *link, const struct incoming *info, const unsigned char *bytes, size_t length)
{
	struct echo *echo = allocate(NULL, sizeof(*echo) + length);

	echo->next = NULL;
	echo->info = (struct outgoing){ .stream = info->stream,
					.flags = info->flags & SCTP_UNORDERED,
					.ppid = info->ppid,
					.context = info->context };
	echo->length = length;
	memcpy(echo->bytes, bytes, length);
	if (link->echo_head)
		link->echo_tail->next = echo;
	else
		link->echo_head = echo;
	link->echo_tail = echo;
	link->echo_bytes += length;
}

/* Sends one message. False: the socket is full, or the association just went and its notification is on the way. */
static bool transmit(struct link *link, const void *bytes, size_t length, struct outgoing *info)
{
	info->association = options.one_to_one ? NO_ASSOCIATION : link->association;
	if (calls_send(link->fd, bytes, length, info) < 0) {
		if (errno == EAGAIN)
			return false;
		if (errno == EPIPE || errno == ECONNRESET || errno == ESHUTDOWN || errno == ENOTCONN) {
			link->ending = true;
			return false;
		}
		fail("send");
	}
	return true;
}

static bool send_one(struct link *link)
{
	const struct send_spec *spec;
	struct outgoing info;
	unsigned char *bytes;
	bool done;

	if (link->echo_head) {
		struct echo *echo = link->echo_head;

		if (!transmit(link, echo->bytes, echo->length, &echo->info))
			return false;
		link->echo_head = echo->next;
		link->echo_bytes -= echo->length;
		free(echo);
		link->sent++;
		return true;
	}
	spec = &options.sends[link->send_index];
	info = (struct outgoing){ .stream = spec->stream,
				  .flags = spec->unordered ? SCTP_UNORDERED : 0,
				  .ppid = htonl(spec->ppid),
				  .context = spec->context };
	bytes = allocate(NULL, spec->size + 1);
	fill_pattern(bytes, spec->size, spec->seed + link->send_done);
	done = transmit(link, bytes, spec->size, &info);
	free(bytes);
	if (!done)
		return false;
	link->sent++;
	if (++link->send_done >= spec->count) {
		link->send_done = 0;
		link->send_index++;
	}
	return true;
}

/* --- ending --- */

static void end_if_due(struct link *link)
{
	struct outgoing info = { .association = options.one_to_one ? NO_ASSOCIATION : link->association };
	bool all_sent = link->send_index == options.send_count && !link->echo_head;

	if (link->ended || link->ending || options.ending == END_PEER || !all_sent || link->received < options.expect)
		return;
	switch (options.ending) {
	case END_SHUTDOWN:
		if (options.one_to_one) {
			if (shutdown(link->fd, SHUT_WR) < 0)
				fail("shutdown");
		} else {
			info.flags = SCTP_EOF;
			if (calls_send(link->fd, NULL, 0, &info) < 0)
				fail("send SCTP_EOF");
		}
		break;
	case END_ABORT:
		if (options.one_to_one) {
			/* The kernel refuses SCTP_ABORT here; a close that doesn't linger aborts, without a reason. */
			struct linger none = { .l_onoff = 1, .l_linger = 0 };

			set_option(link->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none), "SO_LINGER");
			end_link(link, "abort");
		} else {
			info.flags = SCTP_ABORT;
			if (calls_send(link->fd, options.reason, strlen(options.reason), &info) < 0)
				fail("send SCTP_ABORT");
		}
		break;
	case END_CLOSE:
		end_link(link, "close");
		break;
	case END_PEER:
		break;
	}
	link->ending = true;
}

/* --- receiving --- */

static void receive_notification(int fd, const unsigned char *bytes, size_t length)
{
	const union sctp_notification *sn = (const void *)bytes;
	const struct sctp_assoc_change *sac = &sn->sn_assoc_change;
	struct link *link;

	report_notification(bytes, length);
	if (sn->sn_header.sn_type != SCTP_ASSOC_CHANGE)
		return;
	link = find_link(fd, sac->sac_assoc_id);
	if (sac->sac_state == SCTP_COMM_UP) {
		if (link)
			link->association = sac->sac_assoc_id;
		else
			open_link(fd, sac->sac_assoc_id);
	} else if (link && sac->sac_state != SCTP_RESTART) {
		/* The last word also on a one-to-one socket: whoever called shutdown(2) there never reads an end of file. */
		end_link(link, association_change_name(sac->sac_state));
	}
}

static void receive_data(struct link *link, const struct incoming *info, const void *from, size_t length, bool complete)
{
	const unsigned char *bytes = receive_buffer;
	const struct incoming *first = info;

	if (!complete || link->partial_length) {
		if (link->partial_length == 0)
			link->partial_info = *info;
		link->partial = allocate(link->partial, link->partial_length + length);
		memcpy(link->partial + link->partial_length, receive_buffer, length);
		link->partial_length += length;
		if (!complete)
			return;
		bytes = link->partial;
		length = link->partial_length;
		first = &link->partial_info;
		link->partial_length = 0;
	}
	report_message(first, from, bytes, length);
	link->received++;
	if (options.echo)
		queue_echo(link, first, bytes, length);
}

/* Reads one message, notification or piece. False: nothing more for now, or the descriptor is closed. */
static bool receive_one(int fd)
{
	struct sockaddr_storage from;
	struct incoming info;
	struct link *link;
	int flags;
	ssize_t length = calls_receive(fd, receive_buffer, options.receive_bytes, &info, &from, &flags);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (length <= 0 && options.one_to_one) {
		link = find_link(fd, NO_ASSOCIATION);
		end_link(link, length < 0 ? strerrorname_np(errno) : "EOF");
		return false;
	}
	if (length < 0)
		fail("receive");
	if (flags & MSG_NOTIFICATION) {
		if (!(flags & MSG_EOR)) {
			errno = EMSGSIZE;
			fail("receive notification");
		}
		receive_notification(fd, receive_buffer, (size_t)length);
		return !options.one_to_one || find_link(fd, NO_ASSOCIATION);
	}
	if (!info.present) {
		errno = ENOMSG;
		fail("receive without control message");
	}
	link = find_link(fd, info.association);
	if (!link)
		link = open_link(fd, info.association);
	receive_data(link, &info, &from, (size_t)length, flags & MSG_EOR);
	return true;
}

/* --- sockets --- */

/* Room for a message of 256 KiB: the kernel refuses to send what exceeds the send buffer. */
static void set_buffers(int fd)
{
	int bytes = 1 << 20;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		set_option(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes), "SO_SNDBUF");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		set_option(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes), "SO_RCVBUF");
}

static int open_socket(void)
{
	bool v6 = options.local.count * sizeof(struct sockaddr_in) != options.local.bytes ||
		  options.peer.count * sizeof(struct sockaddr_in) != options.peer.bytes;
	struct sctp_initmsg init = { .sinit_num_ostreams = options.outbound_streams,
				     .sinit_max_instreams = options.inbound_streams };
	struct sctp_udpencaps encapsulation = { .sue_port = htons(options.encapsulation_port) };
	struct sctp_setadaptation adaptation = { .ssb_adaptation_ind = options.adaptation };
	struct sctp_assoc_value reconfig = { .assoc_value = 1 };
	struct sctp_assoc_value resets = { .assoc_value = SCTP_ENABLE_STRRESET_MASK };
	int on = 1, off = 0;
	int fd = socket(v6 ? AF_INET6 : AF_INET, (options.one_to_one ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC,
			IPPROTO_SCTP);

	if (fd < 0)
		fail("socket");
	set_buffers(fd);
	set_option(fd, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init), "SCTP_INITMSG");
	if (v6)
		set_option(fd, IPPROTO_SCTP, SCTP_I_WANT_MAPPED_V4_ADDR, &off, sizeof(off), "SCTP_I_WANT_MAPPED_V4_ADDR");
	if (options.nodelay)
		set_option(fd, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on), "SCTP_NODELAY");
	if (options.encapsulation_port)
		set_option(fd, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encapsulation, sizeof(encapsulation),
			   "SCTP_REMOTE_UDP_ENCAPS_PORT");
	if (options.has_adaptation)
		set_option(fd, IPPROTO_SCTP, SCTP_ADAPTATION_LAYER, &adaptation, sizeof(adaptation),
			   "SCTP_ADAPTATION_LAYER");
	if (options.reconfig) {
		set_option(fd, IPPROTO_SCTP, SCTP_RECONFIG_SUPPORTED, &reconfig, sizeof(reconfig),
			   "SCTP_RECONFIG_SUPPORTED");
		set_option(fd, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &resets, sizeof(resets),
			   "SCTP_ENABLE_STREAM_RESET");
	}
	if (calls_subscribe(fd) < 0)
		fail("subscribe");
	return fd;
}

/* The first address settles the port, which sctp_bindx(3) then wants to see with each further one. */
static void bind_addresses(int fd)
{
	struct address_list rest = { 0 };
	struct sockaddr_in6 bound;
	socklen_t length = address_length(options.local.packed);
	socklen_t bound_length = sizeof(bound);

	set_port(&options.local, options.port);
	if (bind(fd, (struct sockaddr *)options.local.packed, length) < 0)
		fail("bind");
	if (options.local.count == 1)
		return;
	memset(&bound, 0, sizeof(bound));
	if (getsockname(fd, (struct sockaddr *)&bound, &bound_length) < 0)
		fail("getsockname");
	rest.count = options.local.count - 1;
	rest.bytes = options.local.bytes - length;
	memcpy(rest.packed, options.local.packed + length, rest.bytes);
	set_port(&rest, ntohs(bound.sin6_port));
	if (calls_bind(fd, &rest) < 0)
		fail("bindx");
}

static void accept_one(void)
{
	int fd = accept4(bound_socket, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		fail("accept");
	}
	open_link(fd, NO_ASSOCIATION);
}

/* --- the loop --- */

static bool finished(void)
{
	return options.listening ? ended_count >= options.associations : ended_count > 0;
}

/* One pollfd per descriptor: readable unless a link behind it is stuffed with echo, writable if a link has to send. */
static int collect(struct pollfd *polled)
{
	int count = 0;

	polled[count++] = (struct pollfd){ .fd = signal_descriptor, .events = POLLIN };
	if (bound_socket >= 0)
		polled[count++] = (struct pollfd){ .fd = bound_socket, .events = POLLIN };
	for (int i = 0; i < link_count; i++) {
		const struct link *link = &links[i];
		int at = 0;

		if (link->ended)
			continue;
		while (at < count && polled[at].fd != link->fd)
			at++;
		if (at == count)
			polled[count++] = (struct pollfd){ .fd = link->fd, .events = POLLIN };
		if (link->echo_bytes > ECHO_LIMIT)
			polled[at].events &= ~POLLIN;
		if (may_send(link))
			polled[at].events |= POLLOUT;
	}
	return count;
}

/* SIGTERM ends associations as --end says, gracefully instead of waiting for the peer, whatever was still expected. */
static void catch_termination(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal_descriptor = signalfd(-1, &mask, SFD_CLOEXEC);
	if (signal_descriptor < 0)
		fail("signalfd");
}

static void on_termination(void)
{
	struct signalfd_siginfo info;

	if (read(signal_descriptor, &info, sizeof(info)) != sizeof(info))
		fail("read signalfd");
	if (options.ending == END_PEER)
		options.ending = END_SHUTDOWN;
	options.expect = 0;
}

static void run(void)
{
	struct pollfd polled[MAX_LINKS + 2];

	while (!finished()) {
		int count = collect(polled);

		if (poll(polled, count, -1) < 0) {
			if (errno == EINTR)
				continue;
			fail("poll");
		}
		for (int i = 0; i < count; i++) {
			if (!(polled[i].revents & (POLLIN | POLLERR | POLLHUP)))
				continue;
			if (polled[i].fd == signal_descriptor)
				on_termination();
			else if (options.one_to_one && polled[i].fd == bound_socket)
				accept_one();
			else
				/* A budget, so that echoing keeps up with what comes in. */
				for (int budget = 16; budget > 0 && receive_one(polled[i].fd); budget--)
					;
		}
		for (int i = 0; i < link_count; i++) {
			while (may_send(&links[i]) && send_one(&links[i]))
				;
			end_if_due(&links[i]);
		}
	}
}

int main(int argc, char **argv)
{
	sctp_assoc_t association = NO_ASSOCIATION;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse_options(argc, argv, &options);
	signal(SIGALRM, on_alarm);
	signal(SIGPIPE, SIG_IGN);
	catch_termination();
	alarm(options.timeout_s);
	receive_buffer = allocate(NULL, options.receive_bytes);
	fd = open_socket();
	if (options.local.count)
		bind_addresses(fd);
	if (options.listening) {
		if (listen(fd, 16) < 0)
			fail("listen");
		bound_socket = fd;
		report_ready(fd);
	} else {
		if (calls_connect(fd, &options.peer, &association) < 0)
			fail("connectx");
		report_ready(fd);
		open_link(fd, association);
	}
	run();
	return 0;
}
