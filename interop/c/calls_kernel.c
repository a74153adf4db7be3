/*
 * The way to the kernel with linux/sctp.h alone: the socket options behind bindx and connectx, SCTP_EVENTS, and the older
 * SCTP_SNDRCV control message (RFC 6458 section 5.3.2) in both directions, with SCTP_NXTINFO beside it.
 */
#include "peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int calls_bind(int fd, const struct address_list *addresses)
{
	return setsockopt(fd, IPPROTO_SCTP, SCTP_SOCKOPT_BINDX_ADD, addresses->packed, (socklen_t)addresses->bytes);
}

int calls_connect(int fd, const struct address_list *addresses, sctp_assoc_t *association)
{
	/* SCTP_SOCKOPT_CONNECTX3 reads addr_num as the number of bytes behind addrs. */
	struct sctp_getaddrs_old request = { .addr_num = (int)addresses->bytes,
					     .addrs = (struct sockaddr *)addresses->packed };
	socklen_t length = sizeof(request);

	if (getsockopt(fd, IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX3, &request, &length) < 0)
		return -1;
	*association = request.assoc_id;
	return 0;
}

int calls_addresses(int fd, sctp_assoc_t association, bool of_peer, struct address_list *addresses)
{
	union {
		struct sctp_getaddrs reply;
		unsigned char bytes[sizeof(struct sctp_getaddrs) + sizeof(addresses->packed)];
	} buffer = { .reply = { .assoc_id = association } };
	socklen_t length = sizeof(buffer);

	*addresses = (struct address_list){ 0 };
	if (getsockopt(fd, IPPROTO_SCTP, of_peer ? SCTP_GET_PEER_ADDRS : SCTP_GET_LOCAL_ADDRS, &buffer, &length) < 0)
		return -1;
	for (__u32 i = 0; i < buffer.reply.addr_num; i++) {
		const unsigned char *at = buffer.bytes + sizeof(struct sctp_getaddrs) + addresses->bytes;

		memcpy(addresses->packed + addresses->bytes, at, address_length(at));
		addresses->bytes += address_length(at);
		addresses->count++;
	}
	return 0;
}

int calls_subscribe(int fd)
{
	struct sctp_event_subscribe events;
	int on = 1;

	memset(&events, 1, sizeof(events));
	/* Both say the same; two notifications for one failed message would only confuse the report. */
	events.sctp_send_failure_event = 0;
	if (setsockopt(fd, IPPROTO_SCTP, SCTP_EVENTS, &events, sizeof(events)) < 0)
		return -1;
	return setsockopt(fd, IPPROTO_SCTP, SCTP_RECVNXTINFO, &on, sizeof(on));
}

ssize_t calls_send(int fd, const void *bytes, size_t length, const struct outgoing *info)
{
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = length };
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(struct sctp_sndrcvinfo))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = length ? 1 : 0,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct sctp_sndrcvinfo sinfo = { .sinfo_stream = info->stream,
					 .sinfo_flags = info->flags,
					 .sinfo_ppid = info->ppid,
					 .sinfo_context = info->context,
					 .sinfo_assoc_id = info->association };

	control.header.cmsg_level = IPPROTO_SCTP;
	control.header.cmsg_type = SCTP_SNDRCV;
	control.header.cmsg_len = CMSG_LEN(sizeof(sinfo));
	memcpy(CMSG_DATA(&control.header), &sinfo, sizeof(sinfo));
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t calls_receive(int fd, void *bytes, size_t length, struct incoming *info, struct sockaddr_storage *from, int *flags)
{
	struct iovec part = { .iov_base = bytes, .iov_len = length };
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(struct sctp_sndrcvinfo)) + CMSG_SPACE(sizeof(struct sctp_nxtinfo))];
	} control;
	struct msghdr message = { .msg_name = from,
				  .msg_namelen = sizeof(*from),
				  .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t received;

	memset(from, 0, sizeof(*from));
	*info = (struct incoming){ 0 };
	received = recvmsg(fd, &message, MSG_DONTWAIT);
	*flags = message.msg_flags;
	if (received < 0)
		return -1;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		struct sctp_sndrcvinfo sinfo;

		if (header->cmsg_level == IPPROTO_SCTP && header->cmsg_type == SCTP_NXTINFO) {
			memcpy(&info->next, CMSG_DATA(header), sizeof(info->next));
			info->has_next = true;
		}
		if (header->cmsg_level != IPPROTO_SCTP || header->cmsg_type != SCTP_SNDRCV)
			continue;
		memcpy(&sinfo, CMSG_DATA(header), sizeof(sinfo));
		info->present = true;
		info->association = sinfo.sinfo_assoc_id;
		info->stream = sinfo.sinfo_stream;
		info->ssn = sinfo.sinfo_ssn;
		info->flags = sinfo.sinfo_flags;
		info->ppid = sinfo.sinfo_ppid;
		info->tsn = sinfo.sinfo_tsn;
		info->cumulative_tsn = sinfo.sinfo_cumtsn;
		info->context = sinfo.sinfo_context;
	}
	return received;
}
