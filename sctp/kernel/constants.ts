/**
 * The numbers of linux/sctp.h, under their C names; the interop suite compares each with the header.
 *
 * @module
 */

// Association identifiers that stand for sets, on one-to-many sockets; RFC 6458, section 7.2.

/** The associations to come. */
export const SCTP_FUTURE_ASSOC = 0;
/** The associations there are. */
export const SCTP_CURRENT_ASSOC = 1;
/** Both. */
export const SCTP_ALL_ASSOC = 2;

// Socket options of level IPPROTO_SCTP; RFC 6458, section 8.

/** struct sctp_rtoinfo. */
export const SCTP_RTOINFO = 0;
/** struct sctp_assocparams. */
export const SCTP_ASSOCINFO = 1;
/** struct sctp_initmsg. */
export const SCTP_INITMSG = 2;
/** int. */
export const SCTP_NODELAY = 3;
/** int, seconds. */
export const SCTP_AUTOCLOSE = 4;
/** struct sctp_setpeerprim; set only. */
export const SCTP_SET_PEER_PRIMARY_ADDR = 5;
/** struct sctp_prim. */
export const SCTP_PRIMARY_ADDR = 6;
/** struct sctp_setadaptation. */
export const SCTP_ADAPTATION_LAYER = 7;
/** int. */
export const SCTP_DISABLE_FRAGMENTS = 8;
/** struct sctp_paddrparams. */
export const SCTP_PEER_ADDR_PARAMS = 9;
/** int. */
export const SCTP_I_WANT_MAPPED_V4_ADDR = 12;
/** struct sctp_assoc_value. */
export const SCTP_MAXSEG = 13;
/** struct sctp_status; get only. */
export const SCTP_STATUS = 14;
/** struct sctp_paddrinfo; get only. */
export const SCTP_GET_PEER_ADDR_INFO = 15;
/** struct sctp_sack_info. */
export const SCTP_DELAYED_SACK = 16;
/** struct sctp_assoc_value. */
export const SCTP_CONTEXT = 17;
/** int. */
export const SCTP_FRAGMENT_INTERLEAVE = 18;
/** int. */
export const SCTP_PARTIAL_DELIVERY_POINT = 19;
/** struct sctp_assoc_value. */
export const SCTP_MAX_BURST = 20;
/** struct sctp_authchunk; set only. */
export const SCTP_AUTH_CHUNK = 21;
/** struct sctp_hmacalgo. */
export const SCTP_HMAC_IDENT = 22;
/** struct sctp_authkey; set only. */
export const SCTP_AUTH_KEY = 23;
/** struct sctp_authkeyid. */
export const SCTP_AUTH_ACTIVE_KEY = 24;
/** struct sctp_authkeyid; set only. */
export const SCTP_AUTH_DELETE_KEY = 25;
/** struct sctp_authchunks; get only. */
export const SCTP_PEER_AUTH_CHUNKS = 26;
/** struct sctp_authchunks; get only. */
export const SCTP_LOCAL_AUTH_CHUNKS = 27;
/** unsigned int; get only. */
export const SCTP_GET_ASSOC_NUMBER = 28;
/** struct sctp_assoc_ids; get only. */
export const SCTP_GET_ASSOC_ID_LIST = 29;
/** int. */
export const SCTP_AUTO_ASCONF = 30;
/** int. */
export const SCTP_RECVRCVINFO = 32;
/** int. */
export const SCTP_RECVNXTINFO = 33;
/** struct sctp_sndinfo. */
export const SCTP_DEFAULT_SNDINFO = 34;
/** struct sctp_authkeyid; set only. */
export const SCTP_AUTH_DEACTIVATE_KEY = 35;
/** int. */
export const SCTP_REUSE_PORT = 36;
/** struct sctp_paddrthlds_v2. */
export const SCTP_PEER_ADDR_THLDS_V2 = 37;

// Socket options of Linux that stand behind functions of RFC 6458, section 9, and those of later RFCs.

/** Packed socket addresses; set only. */
export const SCTP_SOCKOPT_BINDX_ADD = 100;
/** Packed socket addresses; set only. */
export const SCTP_SOCKOPT_BINDX_REM = 101;
/** struct sctp_getaddrs; get only. */
export const SCTP_GET_PEER_ADDRS = 108;
/** struct sctp_getaddrs; get only. */
export const SCTP_GET_LOCAL_ADDRS = 109;
/** Packed socket addresses; set only. */
export const SCTP_SOCKOPT_CONNECTX = 110;
/** struct sctp_assoc_stats; get only. */
export const SCTP_GET_ASSOC_STATS = 112;
/** struct sctp_assoc_value. */
export const SCTP_PR_SUPPORTED = 113;
/** struct sctp_default_prinfo. */
export const SCTP_DEFAULT_PRINFO = 114;
/** struct sctp_prstatus; get only. */
export const SCTP_PR_ASSOC_STATUS = 115;
/** struct sctp_prstatus; get only. */
export const SCTP_PR_STREAM_STATUS = 116;
/** struct sctp_assoc_value. */
export const SCTP_RECONFIG_SUPPORTED = 117;
/** struct sctp_assoc_value. */
export const SCTP_ENABLE_STREAM_RESET = 118;
/** struct sctp_reset_streams; set only. */
export const SCTP_RESET_STREAMS = 119;
/** sctp_assoc_t; set only. */
export const SCTP_RESET_ASSOC = 120;
/** struct sctp_add_streams; set only. */
export const SCTP_ADD_STREAMS = 121;
/** sctp_peeloff_flags_arg_t; get only. */
export const SCTP_SOCKOPT_PEELOFF_FLAGS = 122;
/** struct sctp_assoc_value. */
export const SCTP_STREAM_SCHEDULER = 123;
/** struct sctp_stream_value. */
export const SCTP_STREAM_SCHEDULER_VALUE = 124;
/** struct sctp_assoc_value. */
export const SCTP_INTERLEAVING_SUPPORTED = 125;
/** struct sctp_event. */
export const SCTP_EVENT = 127;
/** struct sctp_assoc_value. */
export const SCTP_ASCONF_SUPPORTED = 128;
/** struct sctp_assoc_value. */
export const SCTP_AUTH_SUPPORTED = 129;
/** struct sctp_assoc_value. */
export const SCTP_ECN_SUPPORTED = 130;
/** struct sctp_assoc_value. */
export const SCTP_EXPOSE_POTENTIALLY_FAILED_STATE = 131;
/** struct sctp_udpencaps. */
export const SCTP_REMOTE_UDP_ENCAPS_PORT = 132;
/** struct sctp_probeinterval. */
export const SCTP_PLPMTUD_PROBE_INTERVAL = 133;

// Control messages of level IPPROTO_SCTP (`enum sctp_cmsg_type`); RFC 6458, section 5.3.

/** struct sctp_initmsg; sending. */
export const SCTP_INIT = 0;
/** struct sctp_sndrcvinfo; deprecated, and still what SCTP_DATA_IO_EVENT gives. */
export const SCTP_SNDRCV = 1;
/** struct sctp_sndinfo; sending. */
export const SCTP_SNDINFO = 2;
/** struct sctp_rcvinfo; receiving. */
export const SCTP_RCVINFO = 3;
/** struct sctp_nxtinfo; receiving. */
export const SCTP_NXTINFO = 4;
/** struct sctp_prinfo; sending. */
export const SCTP_PRINFO = 5;
/** struct sctp_authinfo; sending. */
export const SCTP_AUTHINFO = 6;
/** struct in_addr; sending, a further address of a new peer. */
export const SCTP_DSTADDRV4 = 7;
/** struct in6_addr; sending, a further address of a new peer. */
export const SCTP_DSTADDRV6 = 8;

// Flags of a message (`snd_flags`, `rcv_flags`, `nxt_flags`), and the flag in `msg_flags`; RFC 6458, section 5.3.

/** Regardless of the order within the stream. */
export const SCTP_UNORDERED = 1 << 0;
/** To the address given, not the primary path. */
export const SCTP_ADDR_OVER = 1 << 1;
/** Abort the association, with the data as the reason. */
export const SCTP_ABORT = 1 << 2;
/** Have it acknowledged at once; RFC 7053. */
export const SCTP_SACK_IMMEDIATELY = 1 << 3;
/** To all associations of the socket. */
export const SCTP_SENDALL = 1 << 6;
/** Shut down; the data has to be empty. */
export const SCTP_EOF = 0x200;
/** What comes next is a notification. */
export const SCTP_NOTIFICATION = 0x8000;
/** What was received is a notification, not a message. */
export const MSG_NOTIFICATION = 0x8000;

// PR-SCTP policies; RFC 7496, section 4.

/** Fully reliable. */
export const SCTP_PR_SCTP_NONE = 0;
/** By lifetime. */
export const SCTP_PR_SCTP_TTL = 0x10;
/** By number of retransmissions. */
export const SCTP_PR_SCTP_RTX = 0x20;
/** By priority. */
export const SCTP_PR_SCTP_PRIO = 0x30;
/** In a status request: of all policies together. */
export const SCTP_PR_SCTP_ALL = 1 << 7;

// Notifications (`enum sctp_sn_type`); RFC 6458, section 6.1, and RFC 6525, section 6.1.

/** Not a notification: gives each message SCTP_SNDRCV. */
export const SCTP_DATA_IO_EVENT = 0x8000;
/** struct sctp_assoc_change. */
export const SCTP_ASSOC_CHANGE = 0x8001;
/** struct sctp_paddr_change. */
export const SCTP_PEER_ADDR_CHANGE = 0x8002;
/** struct sctp_send_failed; deprecated. */
export const SCTP_SEND_FAILED = 0x8003;
/** struct sctp_remote_error. */
export const SCTP_REMOTE_ERROR = 0x8004;
/** struct sctp_shutdown_event. */
export const SCTP_SHUTDOWN_EVENT = 0x8005;
/** struct sctp_pdapi_event. */
export const SCTP_PARTIAL_DELIVERY_EVENT = 0x8006;
/** struct sctp_adaptation_event. */
export const SCTP_ADAPTATION_INDICATION = 0x8007;
/** struct sctp_authkey_event. */
export const SCTP_AUTHENTICATION_EVENT = 0x8008;
/** struct sctp_sender_dry_event. */
export const SCTP_SENDER_DRY_EVENT = 0x8009;
/** struct sctp_stream_reset_event. */
export const SCTP_STREAM_RESET_EVENT = 0x800a;
/** struct sctp_assoc_reset_event. */
export const SCTP_ASSOC_RESET_EVENT = 0x800b;
/** struct sctp_stream_change_event. */
export const SCTP_STREAM_CHANGE_EVENT = 0x800c;
/** struct sctp_send_failed_event. */
export const SCTP_SEND_FAILED_EVENT = 0x800d;

// States and flags within notifications.

/** `sac_state`: the association is up. */
export const SCTP_COMM_UP = 0;
/** `sac_state`: it failed, or was aborted. */
export const SCTP_COMM_LOST = 1;
/** `sac_state`: the peer restarted. */
export const SCTP_RESTART = 2;
/** `sac_state`: it ended gracefully. */
export const SCTP_SHUTDOWN_COMP = 3;
/** `sac_state`: it never came up. */
export const SCTP_CANT_STR_ASSOC = 4;
/** `spc_state`: the path works again. */
export const SCTP_ADDR_AVAILABLE = 0;
/** `spc_state`: the path has failed. */
export const SCTP_ADDR_UNREACHABLE = 1;
/** `spc_state`: the peer removed the address. */
export const SCTP_ADDR_REMOVED = 2;
/** `spc_state`: the peer added the address. */
export const SCTP_ADDR_ADDED = 3;
/** `spc_state`: the path is the primary one now. */
export const SCTP_ADDR_MADE_PRIM = 4;
/** `spc_state`: the peer answered there. */
export const SCTP_ADDR_CONFIRMED = 5;
/** `spc_state`: the path may have failed. */
export const SCTP_ADDR_POTENTIALLY_FAILED = 6;
/** `ssf_flags`: never put on the wire. */
export const SCTP_DATA_UNSENT = 0;
/** `ssf_flags`: put on the wire. */
export const SCTP_DATA_SENT = 1;
/** `pdapi_indication`: the rest will not come. */
export const SCTP_PARTIAL_DELIVERY_ABORTED = 0;
/** `auth_indication`: the peer uses a new key. */
export const SCTP_AUTH_NEW_KEY = 0;
/** `auth_indication`: nothing uses the key any more. */
export const SCTP_AUTH_FREE_KEY = 1;
/** `auth_indication`: the peer does not support AUTH. */
export const SCTP_AUTH_NO_AUTH = 2;
/** `strreset_flags`: streams that we receive on. */
export const SCTP_STREAM_RESET_INCOMING_SSN = 1;
/** `strreset_flags`: streams that we send on. */
export const SCTP_STREAM_RESET_OUTGOING_SSN = 2;
/** `strreset_flags`, `assocreset_flags`, `strchange_flags`: the peer refused. */
export const SCTP_STREAM_RESET_DENIED = 4;
/** `strreset_flags`, `assocreset_flags`, `strchange_flags`: it failed. */
export const SCTP_STREAM_RESET_FAILED = 8;

// Flags of `spp_flags`; RFC 6458, section 8.1.12.

/** Send heartbeats. */
export const SPP_HB_ENABLE = 1 << 0;
/** Send none. */
export const SPP_HB_DISABLE = 1 << 1;
/** Send one now. */
export const SPP_HB_DEMAND = 1 << 2;
/** Discover the path MTU. */
export const SPP_PMTUD_ENABLE = 1 << 3;
/** Do not. */
export const SPP_PMTUD_DISABLE = 1 << 4;
/** Delay acknowledgements. */
export const SPP_SACKDELAY_ENABLE = 1 << 5;
/** Do not. */
export const SPP_SACKDELAY_DISABLE = 1 << 6;
/** The heartbeat interval is zero, not left out. */
export const SPP_HB_TIME_IS_ZERO = 1 << 7;
/** The flow label is given. */
export const SPP_IPV6_FLOWLABEL = 1 << 8;
/** The DSCP is given. */
export const SPP_DSCP = 1 << 9;

// States of a path (`enum sctp_spinfo_state`) and of an association (`enum sctp_sstat_state`).

/** The path has failed. */
export const SCTP_INACTIVE = 0;
/** The path may have failed. */
export const SCTP_PF = 1;
/** The path works. */
export const SCTP_ACTIVE = 2;
/** The peer has not answered there yet. */
export const SCTP_UNCONFIRMED = 3;
/** No association. */
export const SCTP_EMPTY = 0;
/** Not set up. */
export const SCTP_CLOSED = 1;
/** INIT is sent. */
export const SCTP_COOKIE_WAIT = 2;
/** COOKIE ECHO is sent. */
export const SCTP_COOKIE_ECHOED = 3;
/** Up. */
export const SCTP_ESTABLISHED = 4;
/** Our shutdown waits for data to be acknowledged. */
export const SCTP_SHUTDOWN_PENDING = 5;
/** SHUTDOWN is sent. */
export const SCTP_SHUTDOWN_SENT = 6;
/** SHUTDOWN has come. */
export const SCTP_SHUTDOWN_RECEIVED = 7;
/** SHUTDOWN ACK is sent. */
export const SCTP_SHUTDOWN_ACK_SENT = 8;

// Chunk authentication, reconfiguration and schedulers.

/** HMAC with SHA-1. */
export const SCTP_AUTH_HMAC_ID_SHA1 = 1;
/** HMAC with SHA-256. */
export const SCTP_AUTH_HMAC_ID_SHA256 = 3;
/** Streams may be reset. */
export const SCTP_ENABLE_RESET_STREAM_REQ = 0x01;
/** The association may be reset. */
export const SCTP_ENABLE_RESET_ASSOC_REQ = 0x02;
/** Streams may be added. */
export const SCTP_ENABLE_CHANGE_ASSOC_REQ = 0x04;
/** Reset streams that we receive on. */
export const SCTP_STREAM_RESET_INCOMING = 0x01;
/** Reset streams that we send on. */
export const SCTP_STREAM_RESET_OUTGOING = 0x02;
/** The oldest message first. */
export const SCTP_SS_FCFS = 0;
/** By the stream's priority. */
export const SCTP_SS_PRIO = 1;
/** The streams in turn. */
export const SCTP_SS_RR = 2;
