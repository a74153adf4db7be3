/* The way to the kernel through libsctp: RFC 6458 sections 9.1 to 9.13, SCTP_SNDINFO and SCTP_RCVINFO. */
#include "peer.h"

#include <errno.h>
#include <string.h>

#include <netinet/sctp.h>

int calls_bind(int fd, const struct address_list *addresses)
{
	return sctp_bindx(fd, (struct sockaddr *)addresses->packed, addresses->count, SCTP_BINDX_ADD_ADDR);
}

int calls_connect(int fd, const struct address_list *addresses, sctp_assoc_t *association)
{
	return sctp_connectx(fd, (struct sockaddr *)addresses->packed, addresses->count, association);
}

int calls_addresses(int fd, sctp_assoc_t association, bool of_peer, struct address_list *addresses)
{
	struct sockaddr *packed = NULL;
	int count = of_peer ? sctp_getpaddrs(fd, association, &packed) : sctp_getladdrs(fd, association, &packed);
	const unsigned char *at = (const unsigned char *)packed;

	*addresses = (struct address_list){ 0 };
	if (count < 0)
		return -1;
	for (int i = 0; i < count && i < MAX_ADDRESSES; i++) {
		socklen_t length = address_length(at);

		memcpy(addresses->packed + addresses->bytes, at, length);
		addresses->bytes += length;
		addresses->count++;
		at += length;
	}
	if (count > 0) {
		if (of_peer)
			sctp_freepaddrs(packed);
		else
			sctp_freeladdrs(packed);
	}
	return 0;
}

int calls_subscribe(int fd)
{
	static const uint16_t types[] = { SCTP_ASSOC_CHANGE,	     SCTP_PEER_ADDR_CHANGE,	 SCTP_SEND_FAILED_EVENT,
					  SCTP_REMOTE_ERROR,	     SCTP_SHUTDOWN_EVENT,	 SCTP_PARTIAL_DELIVERY_EVENT,
					  SCTP_ADAPTATION_INDICATION, SCTP_AUTHENTICATION_EVENT, SCTP_SENDER_DRY_EVENT,
					  SCTP_STREAM_RESET_EVENT,   SCTP_ASSOC_RESET_EVENT,	 SCTP_STREAM_CHANGE_EVENT };
	int on = 1;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct sctp_event event = { .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = types[i], .se_on = 1 };

		if (setsockopt(fd, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof(event)) < 0)
			return -1;
	}
	return setsockopt(fd, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof(on));
}

ssize_t calls_send(int fd, const void *bytes, size_t length, const struct outgoing *info)
{
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = length };
	struct sctp_sndinfo snd = { .snd_sid = info->stream,
				    .snd_flags = info->flags,
				    .snd_ppid = info->ppid,
				    .snd_context = info->context,
				    .snd_assoc_id = info->association };

	return sctp_sendv(fd, &part, length ? 1 : 0, NULL, 0, &snd, sizeof(snd), SCTP_SENDV_SNDINFO,
			  MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * No SCTP_RECVNXTINFO here: sctp_recvv(3) of libsctp 1.0.19 gives the kernel CMSG_SPACE(sizeof rcvinfo + sizeof nxtinfo)
 * bytes of control buffer, 12 fewer than two control messages take, and hands over the tail of its stack as rcv_cumtsn,
 * rcv_context and rcv_assoc_id.
 */
ssize_t calls_receive(int fd, void *bytes, size_t length, struct incoming *info, struct sockaddr_storage *from, int *flags)
{
	struct iovec part = { .iov_base = bytes, .iov_len = length };
	struct sctp_rcvinfo rcv = { 0 };
	socklen_t from_length = sizeof(*from);
	socklen_t rcv_length = sizeof(rcv);
	unsigned int type = SCTP_RECVV_NOINFO;
	ssize_t received;

	memset(from, 0, sizeof(*from));
	*info = (struct incoming){ 0 };
	*flags = MSG_DONTWAIT;
	received = sctp_recvv(fd, &part, 1, (struct sockaddr *)from, &from_length, &rcv, &rcv_length, &type, flags);
	if (received < 0)
		return -1;
	if (type == SCTP_RECVV_RCVINFO)
		*info = (struct incoming){ .present = true,
					   .association = rcv.rcv_assoc_id,
					   .stream = rcv.rcv_sid,
					   .ssn = rcv.rcv_ssn,
					   .flags = rcv.rcv_flags,
					   .ppid = rcv.rcv_ppid,
					   .tsn = rcv.rcv_tsn,
					   .cumulative_tsn = rcv.rcv_cumtsn,
					   .context = rcv.rcv_context };
	return received;
}
