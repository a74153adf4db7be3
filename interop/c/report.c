/* The report: one JSON object per line on standard output. Names of values are those of linux/sctp.h. */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAMED(names, value) ((value) < sizeof(names) / sizeof(names[0]) ? names[value] : "unknown")

static const char *const change_names[] = { "SCTP_COMM_UP", "SCTP_COMM_LOST", "SCTP_RESTART", "SCTP_SHUTDOWN_COMP",
					    "SCTP_CANT_STR_ASSOC" };
static const char *const path_names[] = { "SCTP_ADDR_AVAILABLE", "SCTP_ADDR_UNREACHABLE", "SCTP_ADDR_REMOVED",
					  "SCTP_ADDR_ADDED",	 "SCTP_ADDR_MADE_PRIM",	  "SCTP_ADDR_CONFIRMED",
					  "SCTP_ADDR_POTENTIALLY_FAILED" };
static const char *const key_names[] = { "SCTP_AUTH_NEW_KEY", "SCTP_AUTH_FREE_KEY", "SCTP_AUTH_NO_AUTH" };

const char *association_change_name(unsigned state)
{
	return NAMED(change_names, state);
}

static void print_hex(const char *name, const unsigned char *bytes, size_t length)
{
	printf(",\"%s\":\"", name);
	for (size_t i = 0; i < length; i++)
		printf("%02x", bytes[i]);
	putchar('"');
}

static void print_addresses(const char *name, int fd, sctp_assoc_t association, bool of_peer)
{
	struct address_list list;
	size_t at = 0;

	printf(",\"%s\":[", name);
	if (calls_addresses(fd, association, of_peer, &list) == 0) {
		for (int i = 0; i < list.count; i++) {
			char text[80];

			format_address(list.packed + at, text, sizeof(text));
			printf("%s\"%s\"", i ? "," : "", text);
			at += address_length(list.packed + at);
		}
	}
	putchar(']');
}

void report_ready(int fd)
{
	struct sockaddr_in6 address;
	socklen_t length = sizeof(address);

	memset(&address, 0, sizeof(address));
	getsockname(fd, (struct sockaddr *)&address, &length);
	printf("ready %u\n", ntohs(address.sin6_port));
}

void report_message(const struct incoming *info, const void *from, const unsigned char *bytes, size_t length)
{
	char text[80];

	format_address(from, text, sizeof(text));
	printf("{\"type\":\"message\",\"association\":%d,\"stream\":%u,\"ssn\":%u,\"ppid\":%u,\"tsn\":%u,\"cumTsn\":%u,"
	       "\"unordered\":%s,\"context\":%u,\"length\":%zu,\"fnv\":\"%08x\",\"from\":\"%s\"",
	       info->association, info->stream, info->ssn, ntohl(info->ppid), info->tsn, info->cumulative_tsn,
	       info->flags & SCTP_UNORDERED ? "true" : "false", info->context, length, fnv1a(bytes, length), text);
	if (info->has_next)
		printf(",\"next\":{\"stream\":%u,\"ppid\":%u,\"unordered\":%s,\"notification\":%s,\"length\":%u}",
		       info->next.nxt_sid, ntohl(info->next.nxt_ppid),
		       info->next.nxt_flags & SCTP_UNORDERED ? "true" : "false",
		       info->next.nxt_flags & SCTP_NOTIFICATION ? "true" : "false", info->next.nxt_length);
	puts("}");
}

static void print_head(const char *event, sctp_assoc_t association)
{
	printf("{\"type\":\"notification\",\"event\":\"%s\",\"association\":%d", event, association);
}

static void print_send_failed(const char *event, sctp_assoc_t association, unsigned flags, unsigned error, unsigned stream,
			      uint32_t ppid, uint32_t context, const unsigned char *bytes, size_t length)
{
	print_head(event, association);
	/* An error cause code, in network order as above. */
	printf(",\"sent\":%s,\"error\":%u,\"stream\":%u,\"ppid\":%u,\"context\":%u,\"length\":%zu,\"fnv\":\"%08x\"",
	       flags & SCTP_DATA_SENT ? "true" : "false", ntohs((uint16_t)error), stream, ntohl(ppid), context, length,
	       fnv1a(bytes, length));
}

void report_notification(const void *bytes, size_t length)
{
	const unsigned char *raw = bytes;
	const union sctp_notification *sn = bytes;
	char text[80];

	switch (sn->sn_header.sn_type) {
	case SCTP_ASSOC_CHANGE: {
		const struct sctp_assoc_change *sac = &sn->sn_assoc_change;

		print_head("SCTP_ASSOC_CHANGE", sac->sac_assoc_id);
		/* The kernel copies the error cause code as the ABORT chunk had it, in network order. */
		printf(",\"state\":\"%s\",\"error\":%u,\"outbound\":%u,\"inbound\":%u",
		       association_change_name(sac->sac_state), ntohs(sac->sac_error), sac->sac_outbound_streams,
		       sac->sac_inbound_streams);
		print_hex("info", raw + sizeof(*sac), length - sizeof(*sac));
		break;
	}
	case SCTP_PEER_ADDR_CHANGE: {
		const struct sctp_paddr_change *spc = &sn->sn_paddr_change;

		format_address(&spc->spc_aaddr, text, sizeof(text));
		print_head("SCTP_PEER_ADDR_CHANGE", spc->spc_assoc_id);
		printf(",\"state\":\"%s\",\"error\":%d,\"address\":\"%s\"", NAMED(path_names, (unsigned)spc->spc_state),
		       spc->spc_error, text);
		break;
	}
	case SCTP_SEND_FAILED: {
		const struct sctp_send_failed *ssf = &sn->sn_send_failed;

		print_send_failed("SCTP_SEND_FAILED", ssf->ssf_assoc_id, ssf->ssf_flags, ssf->ssf_error,
				  ssf->ssf_info.sinfo_stream, ssf->ssf_info.sinfo_ppid, ssf->ssf_info.sinfo_context,
				  raw + sizeof(*ssf), length - sizeof(*ssf));
		break;
	}
	case SCTP_SEND_FAILED_EVENT: {
		const struct sctp_send_failed_event *ssf = &sn->sn_send_failed_event;

		print_send_failed("SCTP_SEND_FAILED_EVENT", ssf->ssf_assoc_id, ssf->ssf_flags, ssf->ssf_error,
				  ssf->ssfe_info.snd_sid, ssf->ssfe_info.snd_ppid, ssf->ssfe_info.snd_context,
				  raw + sizeof(*ssf), length - sizeof(*ssf));
		break;
	}
	case SCTP_REMOTE_ERROR: {
		const struct sctp_remote_error *sre = &sn->sn_remote_error;

		print_head("SCTP_REMOTE_ERROR", sre->sre_assoc_id);
		printf(",\"error\":%u", ntohs(sre->sre_error));
		print_hex("info", raw + sizeof(*sre), length - sizeof(*sre));
		break;
	}
	case SCTP_SHUTDOWN_EVENT:
		print_head("SCTP_SHUTDOWN_EVENT", sn->sn_shutdown_event.sse_assoc_id);
		break;
	case SCTP_ADAPTATION_INDICATION:
		print_head("SCTP_ADAPTATION_INDICATION", sn->sn_adaptation_event.sai_assoc_id);
		printf(",\"adaptation\":%u", sn->sn_adaptation_event.sai_adaptation_ind);
		break;
	case SCTP_PARTIAL_DELIVERY_EVENT:
		print_head("SCTP_PARTIAL_DELIVERY_EVENT", sn->sn_pdapi_event.pdapi_assoc_id);
		printf(",\"indication\":%u,\"stream\":%u,\"sequence\":%u", sn->sn_pdapi_event.pdapi_indication,
		       sn->sn_pdapi_event.pdapi_stream, sn->sn_pdapi_event.pdapi_seq);
		break;
	case SCTP_AUTHENTICATION_EVENT:
		print_head("SCTP_AUTHENTICATION_EVENT", sn->sn_authkey_event.auth_assoc_id);
		printf(",\"indication\":\"%s\",\"key\":%u", NAMED(key_names, sn->sn_authkey_event.auth_indication),
		       sn->sn_authkey_event.auth_keynumber);
		break;
	case SCTP_SENDER_DRY_EVENT:
		print_head("SCTP_SENDER_DRY_EVENT", sn->sn_sender_dry_event.sender_dry_assoc_id);
		break;
	case SCTP_STREAM_RESET_EVENT: {
		const struct sctp_stream_reset_event *reset = &sn->sn_strreset_event;
		size_t streams = (length - sizeof(*reset)) / sizeof(reset->strreset_stream_list[0]);

		print_head("SCTP_STREAM_RESET_EVENT", reset->strreset_assoc_id);
		printf(",\"flags\":%u,\"streams\":[", reset->strreset_flags);
		for (size_t i = 0; i < streams; i++)
			printf("%s%u", i ? "," : "", reset->strreset_stream_list[i]);
		putchar(']');
		break;
	}
	case SCTP_ASSOC_RESET_EVENT:
		print_head("SCTP_ASSOC_RESET_EVENT", sn->sn_assocreset_event.assocreset_assoc_id);
		printf(",\"flags\":%u,\"localTsn\":%u,\"remoteTsn\":%u", sn->sn_assocreset_event.assocreset_flags,
		       sn->sn_assocreset_event.assocreset_local_tsn, sn->sn_assocreset_event.assocreset_remote_tsn);
		break;
	case SCTP_STREAM_CHANGE_EVENT:
		print_head("SCTP_STREAM_CHANGE_EVENT", sn->sn_strchange_event.strchange_assoc_id);
		printf(",\"flags\":%u,\"inbound\":%u,\"outbound\":%u", sn->sn_strchange_event.strchange_flags,
		       sn->sn_strchange_event.strchange_instrms, sn->sn_strchange_event.strchange_outstrms);
		break;
	default:
		printf("{\"type\":\"notification\",\"event\":\"unknown\",\"number\":%u", sn->sn_header.sn_type);
		break;
	}
	puts("}");
}

/* Once per association: who is at both ends, what was negotiated, and which path is used. */
void report_up(int fd, sctp_assoc_t association)
{
	struct sctp_status status = { .sstat_assoc_id = association };
	socklen_t length = sizeof(status);
	char text[80] = "";

	printf("{\"type\":\"up\",\"association\":%d", association);
	print_addresses("local", fd, association, false);
	print_addresses("peer", fd, association, true);
	if (getsockopt(fd, IPPROTO_SCTP, SCTP_STATUS, &status, &length) == 0) {
		format_address(&status.sstat_primary.spinfo_address, text, sizeof(text));
		printf(",\"inbound\":%u,\"outbound\":%u,\"primary\":\"%s\"", status.sstat_instrms, status.sstat_outstrms,
		       text);
	}
	puts("}");
}

void report_end(sctp_assoc_t association, const char *how, uint32_t sent, uint32_t received)
{
	printf("{\"type\":\"end\",\"association\":%d,\"how\":\"%s\",\"sent\":%u,\"received\":%u}\n", association, how, sent,
	       received);
}

void report_error(const char *what, int error)
{
	printf("{\"type\":\"error\",\"call\":\"%s\",\"code\":\"%s\"}\n", what, strerrorname_np(error));
}
