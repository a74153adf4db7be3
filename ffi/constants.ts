/**
 * Constants of the Linux socket and memory calls, under their C names.
 *
 * The values are those of x86-64 and arm64, which agree on all of these; what differs between the two (`O_DIRECT`,
 * `O_DIRECTORY`, `O_NOFOLLOW`) is not here. The man page named at the head of each group tells more.
 *
 * @module
 */

// Address families: socket(2), address_families(7).

/** No family; as a destination it dissolves the connection of a datagram socket. */
export const AF_UNSPEC = 0;
/** Local sockets, unix(7). */
export const AF_UNIX = 1;
/** IPv4, ip(7). */
export const AF_INET = 2;
/** IPv6, ipv6(7). */
export const AF_INET6 = 10;
/** The kernel's configuration sockets, netlink(7). */
export const AF_NETLINK = 16;
/** Frames below IP, packet(7). */
export const AF_PACKET = 17;
/** Sockets between a virtual machine and its host, vsock(7). */
export const AF_VSOCK = 40;

// Socket types and the flags that may be added to them: socket(2).

/** A stream of bytes without message boundaries. */
export const SOCK_STREAM = 1;
/** Datagrams. */
export const SOCK_DGRAM = 2;
/** Packets as the layer below delivers them. */
export const SOCK_RAW = 3;
/** Messages, in order and reliably, on one socket. */
export const SOCK_SEQPACKET = 5;
/** Flag: calls never wait. */
export const SOCK_NONBLOCK = 0x800;
/** Flag: the descriptor is closed when the process executes another program. */
export const SOCK_CLOEXEC = 0x80000;

// shutdown(2).

/** No more receiving. */
export const SHUT_RD = 0;
/** No more sending. */
export const SHUT_WR = 1;
/** Neither receiving nor sending. */
export const SHUT_RDWR = 2;

/** The largest backlog that listen(2) takes by default. */
export const SOMAXCONN = 4096;

// Protocol numbers, and the levels of options and control messages that bear the same numbers.

/** Level: the socket itself, socket(7). */
export const SOL_SOCKET = 1;
/** Level: IPv4, ip(7). */
export const IPPROTO_IP = 0;
/** ICMP, icmp(7). */
export const IPPROTO_ICMP = 1;
/** TCP, and the level of its options, tcp(7). */
export const IPPROTO_TCP = 6;
/** UDP, and the level of its options, udp(7). */
export const IPPROTO_UDP = 17;
/** Level: IPv6, ipv6(7). */
export const IPPROTO_IPV6 = 41;
/** ICMP for IPv6. */
export const IPPROTO_ICMPV6 = 58;
/** SCTP, sctp(7). */
export const IPPROTO_SCTP = 132;
/** UDP-Lite, udplite(7). */
export const IPPROTO_UDPLITE = 136;
/** Raw IP whose header the sender writes, raw(7). */
export const IPPROTO_RAW = 255;

// Options at SOL_SOCKET: socket(7).

/** Bind although an old connection still lingers on the port. */
export const SO_REUSEADDR = 2;
/** The socket's type; read only. */
export const SO_TYPE = 3;
/** The pending error, which reading clears; read only. */
export const SO_ERROR = 4;
/** How much memory the socket takes, and may take: the words of linux/sock_diag.h; read only. */
export const SO_MEMINFO = 55;
/** Send to neighbours only, around the routing table. */
export const SO_DONTROUTE = 5;
/** Allow sending to broadcast addresses. */
export const SO_BROADCAST = 6;
/** Bytes of the send buffer; the kernel doubles what is set, up to net.core.wmem_max. */
export const SO_SNDBUF = 7;
/** Bytes of the receive buffer; the kernel doubles what is set, up to net.core.rmem_max. */
export const SO_RCVBUF = 8;
/** Probe idle connections. */
export const SO_KEEPALIVE = 9;
/** Leave urgent data in the stream. */
export const SO_OOBINLINE = 10;
/** The queueing priority of packets sent. */
export const SO_PRIORITY = 12;
/** struct linger: wait at close until what was sent is delivered. */
export const SO_LINGER = 13;
/** Let several sockets share an address and the load on it. */
export const SO_REUSEPORT = 15;
/** Receive SCM_CREDENTIALS with each message of a unix socket. */
export const SO_PASSCRED = 16;
/** struct ucred of the peer of a unix socket; read only. */
export const SO_PEERCRED = 17;
/** Bytes that must be there before the socket is readable. */
export const SO_RCVLOWAT = 18;
/** struct timeval: the longest that a blocking receive waits. */
export const SO_RCVTIMEO = 20;
/** struct timeval: the longest that a blocking send waits. */
export const SO_SNDTIMEO = 21;
/** Name of the only interface to use. */
export const SO_BINDTODEVICE = 25;
/** Receive a struct timeval with each message. */
export const SO_TIMESTAMP = 29;
/** Whether the socket listens; read only. */
export const SO_ACCEPTCONN = 30;
/** SO_SNDBUF beyond net.core.wmem_max, needs CAP_NET_ADMIN. */
export const SO_SNDBUFFORCE = 32;
/** SO_RCVBUF beyond net.core.rmem_max, needs CAP_NET_ADMIN. */
export const SO_RCVBUFFORCE = 33;
/** Receive a struct timespec with each message. */
export const SO_TIMESTAMPNS = 35;
/** The mark of packets sent, for routing and filters; needs CAP_NET_ADMIN. */
export const SO_MARK = 36;
/** Flags of what to stamp, in software or hardware. */
export const SO_TIMESTAMPING = 37;
/** The socket's protocol; read only. */
export const SO_PROTOCOL = 38;
/** The socket's address family; read only. */
export const SO_DOMAIN = 39;
/** Receive the count of dropped messages with each message. */
export const SO_RXQ_OVFL = 40;
/** Microseconds to poll the device when there is nothing to receive. */
export const SO_BUSY_POLL = 46;
/** The processor that handles the socket. */
export const SO_INCOMING_CPU = 49;
/** A number that names the socket for ever; read only. */
export const SO_COOKIE = 57;
/** Allow MSG_ZEROCOPY. */
export const SO_ZEROCOPY = 60;

// Types of control messages at SOL_SOCKET: unix(7), socket(7).

/** Descriptors, as 32-bit integers. */
export const SCM_RIGHTS = 1;
/** A struct ucred. */
export const SCM_CREDENTIALS = 2;
/** A struct timeval. */
export const SCM_TIMESTAMP = 29;
/** A struct timespec. */
export const SCM_TIMESTAMPNS = 35;
/** Three struct timespec: software, unused, hardware. */
export const SCM_TIMESTAMPING = 37;

// Flags of send, recv and their kin: send(2), recv(2).

/** Urgent data. */
export const MSG_OOB = 1;
/** Leave the message in the queue. */
export const MSG_PEEK = 2;
/** Send to a neighbour only. */
export const MSG_DONTROUTE = 4;
/** In msg_flags: control messages were cut off for want of room. */
export const MSG_CTRUNC = 8;
/** In msg_flags: the message was cut off. As a flag: return the real length. */
export const MSG_TRUNC = 0x20;
/** This call does not wait. */
export const MSG_DONTWAIT = 0x40;
/** The message ends here. */
export const MSG_EOR = 0x80;
/** Wait until the buffer is full. */
export const MSG_WAITALL = 0x100;
/** The peer answered, so its link-layer address is good. */
export const MSG_CONFIRM = 0x800;
/** Receive from the error queue. */
export const MSG_ERRQUEUE = 0x2000;
/** EPIPE without the signal SIGPIPE. */
export const MSG_NOSIGNAL = 0x4000;
/** More of this message follows. */
export const MSG_MORE = 0x8000;
/** recvmmsg: wait for the first message only. */
export const MSG_WAITFORONE = 0x10000;
/** Send from the caller's memory. */
export const MSG_ZEROCOPY = 0x4000000;
/** TCP: send data with the first packet. */
export const MSG_FASTOPEN = 0x20000000;
/** Descriptors that arrive in SCM_RIGHTS get the close-on-exec flag. */
export const MSG_CMSG_CLOEXEC = 0x40000000;

// Options and control messages at IPPROTO_IP: ip(7).

/** The type-of-service byte: DSCP and ECN. */
export const IP_TOS = 1;
/** The time to live. */
export const IP_TTL = 2;
/** Raw sockets: the sender writes the IP header. */
export const IP_HDRINCL = 3;
/** Receive struct in_pktinfo; as control message also choose source and interface. */
export const IP_PKTINFO = 8;
/** Whether to set DF: one of IP_PMTUDISC_*. */
export const IP_MTU_DISCOVER = 10;
/** Queue ICMP errors for MSG_ERRQUEUE. */
export const IP_RECVERR = 11;
/** Receive the TTL of each packet. */
export const IP_RECVTTL = 12;
/** Receive the TOS of each packet. */
export const IP_RECVTOS = 13;
/** The path MTU of a connected socket; read only. */
export const IP_MTU = 14;
/** Bind to addresses that do not exist yet. */
export const IP_FREEBIND = 15;
/** Drop packets with a lower TTL. */
export const IP_MINTTL = 21;
/** Say in the error queue where the RFC 4884 extensions of an ICMP error begin. */
export const IP_RECVERR_RFC4884 = 26;
/** Bind to an address and leave the port to connect. */
export const IP_BIND_ADDRESS_NO_PORT = 24;
/** The interface of outgoing multicast. */
export const IP_MULTICAST_IF = 32;
/** The TTL of outgoing multicast. */
export const IP_MULTICAST_TTL = 33;
/** Whether this machine hears its own multicast. */
export const IP_MULTICAST_LOOP = 34;
/** Join a group, struct ip_mreqn. */
export const IP_ADD_MEMBERSHIP = 35;
/** Leave a group, struct ip_mreqn. */
export const IP_DROP_MEMBERSHIP = 36;
/** Join a group for one source, struct ip_mreq_source. */
export const IP_ADD_SOURCE_MEMBERSHIP = 39;
/** Leave a group for one source, struct ip_mreq_source. */
export const IP_DROP_SOURCE_MEMBERSHIP = 40;
/** Whether to hear groups that other sockets joined. */
export const IP_MULTICAST_ALL = 49;
/** The range of ports that the kernel chooses from. */
export const IP_LOCAL_PORT_RANGE = 51;
/** Never set DF. */
export const IP_PMTUDISC_DONT = 0;
/** Set DF as the route says. */
export const IP_PMTUDISC_WANT = 1;
/** Always set DF; too large is EMSGSIZE. */
export const IP_PMTUDISC_DO = 2;
/** Set DF and ignore the known path MTU. */
export const IP_PMTUDISC_PROBE = 3;
/** Never set DF, and ignore the path MTU. */
export const IP_PMTUDISC_INTERFACE = 4;
/** Like INTERFACE, and fragment what is too large. */
export const IP_PMTUDISC_OMIT = 5;

// Options and control messages at IPPROTO_IPV6: ipv6(7), RFC 3542.

/** Raw sockets: where in the packet the kernel puts the checksum; -1 for nowhere. */
export const IPV6_CHECKSUM = 7;
/** The hop limit of unicast packets. */
export const IPV6_UNICAST_HOPS = 16;
/** The interface of outgoing multicast. */
export const IPV6_MULTICAST_IF = 17;
/** The hop limit of multicast packets. */
export const IPV6_MULTICAST_HOPS = 18;
/** Whether this machine hears its own multicast. */
export const IPV6_MULTICAST_LOOP = 19;
/** Join a group, struct ipv6_mreq. */
export const IPV6_ADD_MEMBERSHIP = 20;
/** Leave a group, struct ipv6_mreq. */
export const IPV6_DROP_MEMBERSHIP = 21;
/** Whether to fragment at the sender: one of IP_PMTUDISC_*. */
export const IPV6_MTU_DISCOVER = 23;
/** The path MTU of a connected socket. */
export const IPV6_MTU = 24;
/** Queue ICMPv6 errors for MSG_ERRQUEUE. */
export const IPV6_RECVERR = 25;
/** Take no IPv4. */
export const IPV6_V6ONLY = 26;
/** Receive the flow information of each packet. */
export const IPV6_FLOWINFO = 11;
/** Say in the error queue where the RFC 4884 extensions of an ICMPv6 error begin. */
export const IPV6_RECVERR_RFC4884 = 31;
/** Lease and release flow labels, struct in6_flowlabel_req. */
export const IPV6_FLOWLABEL_MGR = 32;
/** Send with the flow label of sin6_flowinfo. */
export const IPV6_FLOWINFO_SEND = 33;
/** Raw sockets: the sender writes the IPv6 header. */
export const IPV6_HDRINCL = 36;
/** Receive struct in6_pktinfo with each packet. */
export const IPV6_RECVPKTINFO = 49;
/** struct in6_pktinfo: source and interface. */
export const IPV6_PKTINFO = 50;
/** Receive the hop limit of each packet. */
export const IPV6_RECVHOPLIMIT = 51;
/** The hop limit of one packet. */
export const IPV6_HOPLIMIT = 52;
/** Receive changes of the path MTU. */
export const IPV6_RECVPATHMTU = 60;
/** The path MTU, struct ip6_mtuinfo. */
export const IPV6_PATHMTU = 61;
/** Do not fragment; too large is EMSGSIZE. */
export const IPV6_DONTFRAG = 62;
/** Receive the traffic class of each packet. */
export const IPV6_RECVTCLASS = 66;
/** The traffic class: DSCP and ECN. */
export const IPV6_TCLASS = 67;
/** Let the kernel choose flow labels. */
export const IPV6_AUTOFLOWLABEL = 70;
/** Bind to addresses that do not exist yet. */
export const IPV6_FREEBIND = 78;
/** Drop packets with a lower hop limit. */
export const IPV6_MINHOPCOUNT = 73;

// Where an error of the error queue comes from: struct sock_extended_err, ip(7).

/** No origin. */
export const SO_EE_ORIGIN_NONE = 0;
/** This machine. */
export const SO_EE_ORIGIN_LOCAL = 1;
/** An ICMP packet. */
export const SO_EE_ORIGIN_ICMP = 2;
/** An ICMPv6 packet. */
export const SO_EE_ORIGIN_ICMP6 = 3;
/** A timestamp of a packet sent. */
export const SO_EE_ORIGIN_TXSTATUS = 4;
/** A MSG_ZEROCOPY send is done. */
export const SO_EE_ORIGIN_ZEROCOPY = 5;
/** Flag of struct sock_ee_data_rfc4884: the extensions are malformed, or their checksum is wrong. */
export const SO_EE_RFC4884_FLAG_INVALID = 1;

// Options of raw ICMP sockets: raw(7), RFC 3542 section 3.2.

/** Level: the options of raw IPv4 sockets. */
export const SOL_RAW = 255;
/** Level: the options of raw ICMPv6 sockets. */
export const SOL_ICMPV6 = 58;
/** At SOL_RAW: a bit set keeps the ICMP type of that number away, struct icmp_filter. */
export const ICMP_FILTER = 1;
/** At SOL_ICMPV6: a bit set keeps the ICMPv6 type of that number away, struct icmp6_filter. */
export const ICMP6_FILTER = 1;

// Options and control messages at IPPROTO_UDP: udp(7).

/** Gather what is sent into one datagram. */
export const UDP_CORK = 1;
/** Bytes per datagram into which the kernel splits one send. */
export const UDP_SEGMENT = 103;
/** Receive several datagrams of one size as one. */
export const UDP_GRO = 104;

// Options at IPPROTO_TCP: tcp(7).

/** Send small segments at once. */
export const TCP_NODELAY = 1;
/** The largest segment, in bytes. */
export const TCP_MAXSEG = 2;
/** Send full segments only. */
export const TCP_CORK = 3;
/** Idle seconds before the first probe. */
export const TCP_KEEPIDLE = 4;
/** Seconds between probes. */
export const TCP_KEEPINTVL = 5;
/** Unanswered probes that end the connection. */
export const TCP_KEEPCNT = 6;
/** struct tcp_info; read only. */
export const TCP_INFO = 11;
/** Acknowledge at once. */
export const TCP_QUICKACK = 12;
/** The name of the congestion control algorithm. */
export const TCP_CONGESTION = 13;
/** Milliseconds that data may stay unacknowledged. */
export const TCP_USER_TIMEOUT = 18;
/** The queue of connections that begin with data. */
export const TCP_FASTOPEN = 23;
/** Send the first data with the first packet. */
export const TCP_FASTOPEN_CONNECT = 30;
/** Unsent bytes below which the socket is writable. */
export const TCP_NOTSENT_LOWAT = 25;

// Open flags that are the same on x86-64 and arm64: open(2).

/** Reading only. */
export const O_RDONLY = 0;
/** Writing only. */
export const O_WRONLY = 1;
/** Reading and writing. */
export const O_RDWR = 2;
/** Create it if it is missing. */
export const O_CREAT = 0x40;
/** With O_CREAT: fail if it exists. */
export const O_EXCL = 0x80;
/** Cut it to length 0. */
export const O_TRUNC = 0x200;
/** Write at the end. */
export const O_APPEND = 0x400;
/** Calls never wait. */
export const O_NONBLOCK = 0x800;
/** Close it when the process executes another program. */
export const O_CLOEXEC = 0x80000;

// fcntl(2).

/** Duplicate onto the lowest number not below the argument. */
export const F_DUPFD = 0;
/** Read the descriptor flags. */
export const F_GETFD = 1;
/** Set the descriptor flags. */
export const F_SETFD = 2;
/** Read the file status flags. */
export const F_GETFL = 3;
/** Set the file status flags. */
export const F_SETFL = 4;
/** Set a pipe's capacity in bytes. */
export const F_SETPIPE_SZ = 1031;
/** Read a pipe's capacity in bytes. */
export const F_GETPIPE_SZ = 1032;
/** F_DUPFD, with close-on-exec set. */
export const F_DUPFD_CLOEXEC = 1030;
/** Seal a memfd. */
export const F_ADD_SEALS = 1033;
/** Read a memfd's seals. */
export const F_GET_SEALS = 1034;
/** Descriptor flag: close on exec. */
export const FD_CLOEXEC = 1;
/** No more seals. */
export const F_SEAL_SEAL = 1;
/** The file can't shrink. */
export const F_SEAL_SHRINK = 2;
/** The file can't grow. */
export const F_SEAL_GROW = 4;
/** The file can't be written. */
export const F_SEAL_WRITE = 8;
/** No new writable mappings. */
export const F_SEAL_FUTURE_WRITE = 0x10;

// openat(2), statx(2).

/** In place of a descriptor: a path is relative to the working directory. */
export const AT_FDCWD: number = -100;
/** A symbolic link is not followed. */
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** With an empty path the descriptor itself is meant. */
export const AT_EMPTY_PATH = 0x1000;

// epoll_ctl(2).

/** Close on exec. */
export const EPOLL_CLOEXEC = 0x80000;
/** Watch a descriptor. */
export const EPOLL_CTL_ADD = 1;
/** Stop watching it. */
export const EPOLL_CTL_DEL = 2;
/** Change what is watched. */
export const EPOLL_CTL_MOD = 3;
/** There is something to receive. */
export const EPOLLIN = 1;
/** There is something urgent. */
export const EPOLLPRI = 2;
/** There is room to send. */
export const EPOLLOUT = 4;
/** An error is pending; always watched. */
export const EPOLLERR = 8;
/** Both directions are closed; always watched. */
export const EPOLLHUP = 0x10;
/** The peer sends no more. */
export const EPOLLRDHUP = 0x2000;
/** Wake one of several waiters. */
export const EPOLLEXCLUSIVE = 0x10000000;
/** Report once, then rest until EPOLL_CTL_MOD. */
export const EPOLLONESHOT = 0x40000000;
/** Report changes only (edge triggered). */
export const EPOLLET = 0x80000000;

// eventfd(2).

/** Close on exec. */
export const EFD_CLOEXEC = 0x80000;
/** Calls never wait. */
export const EFD_NONBLOCK = 0x800;
/** Each read takes one. */
export const EFD_SEMAPHORE = 1;

// memfd_create(2).

/** Close on exec. */
export const MFD_CLOEXEC = 1;
/** Seals may be added. */
export const MFD_ALLOW_SEALING = 2;
/** Use huge pages. */
export const MFD_HUGETLB = 4;

// mmap(2).

/** No access. */
export const PROT_NONE = 0;
/** Reading. */
export const PROT_READ = 1;
/** Writing. */
export const PROT_WRITE = 2;
/** Executing. */
export const PROT_EXEC = 4;
/** Writes are seen by all who map it. */
export const MAP_SHARED = 1;
/** Writes are seen by this process only. */
export const MAP_PRIVATE = 2;
/** Exactly at the given address. */
export const MAP_FIXED = 0x10;
/** Memory without a file. */
export const MAP_ANONYMOUS = 0x20;
/** Reserve nothing for pages that may never be written. */
export const MAP_NORESERVE = 0x4000;
/** Fault all pages in at once. */
export const MAP_POPULATE = 0x8000;
/** Use huge pages. */
export const MAP_HUGETLB = 0x40000;

// futex(2).

/** Sleep while the word has the expected value; the timeout is relative. */
export const FUTEX_WAIT = 0;
/** Wake sleepers. */
export const FUTEX_WAKE = 1;
/** If the word has the expected value, wake some sleepers and move the rest to another word. */
export const FUTEX_CMP_REQUEUE = 4;
/** FUTEX_WAIT with a mask; the timeout is absolute. */
export const FUTEX_WAIT_BITSET = 9;
/** FUTEX_WAKE for sleepers whose mask overlaps. */
export const FUTEX_WAKE_BITSET = 10;
/** futex_waitv(2): a word has 32 bits. */
export const FUTEX_32 = 2;
/** futex_waitv(2): the most words of one call. */
export const FUTEX_WAITV_MAX = 128;
/** Flag: all users are threads of one process. */
export const FUTEX_PRIVATE_FLAG = 0x80;
/** Flag: measure the timeout by the wall clock. */
export const FUTEX_CLOCK_REALTIME = 0x100;
/** The mask that matches every sleeper. */
export const FUTEX_BITSET_MATCH_ANY = 0xffffffff;

// clock_gettime(2).

/** The wall clock. */
export const CLOCK_REALTIME = 0;
/** The clock that never jumps. */
export const CLOCK_MONOTONIC = 1;
