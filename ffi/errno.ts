/**
 * Linux error numbers: their names, their texts, and what the user can do about them.
 *
 * The numbers are those of asm-generic (errno-base.h and errno.h), which x86-64, arm64 and every other architecture but
 * alpha, mips, parisc and sparc share. The texts are glibc's strerror(3) in the C locale.
 *
 * @module
 */

import { SystemError } from "../common/errors.ts";

/**
 * Every Linux error number by its name, aliases (`EWOULDBLOCK`, `EDEADLOCK`, `ENOTSUP`) included; see errno(3).
 *
 * @example
 * ```ts
 * import { ERRNO } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(ERRNO.ECONNREFUSED, 111);
 * assert.equal(ERRNO.EWOULDBLOCK, ERRNO.EAGAIN);
 * ```
 */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  ENOTBLK: 15,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  EDOM: 33,
  ERANGE: 34,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ENOLCK: 37,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENOMSG: 42,
  EIDRM: 43,
  ECHRNG: 44,
  EL2NSYNC: 45,
  EL3HLT: 46,
  EL3RST: 47,
  ELNRNG: 48,
  EUNATCH: 49,
  ENOCSI: 50,
  EL2HLT: 51,
  EBADE: 52,
  EBADR: 53,
  EXFULL: 54,
  ENOANO: 55,
  EBADRQC: 56,
  EBADSLT: 57,
  EBFONT: 59,
  ENOSTR: 60,
  ENODATA: 61,
  ETIME: 62,
  ENOSR: 63,
  ENONET: 64,
  ENOPKG: 65,
  EREMOTE: 66,
  ENOLINK: 67,
  EADV: 68,
  ESRMNT: 69,
  ECOMM: 70,
  EPROTO: 71,
  EMULTIHOP: 72,
  EDOTDOT: 73,
  EBADMSG: 74,
  EOVERFLOW: 75,
  ENOTUNIQ: 76,
  EBADFD: 77,
  EREMCHG: 78,
  ELIBACC: 79,
  ELIBBAD: 80,
  ELIBSCN: 81,
  ELIBMAX: 82,
  ELIBEXEC: 83,
  EILSEQ: 84,
  ERESTART: 85,
  ESTRPIPE: 86,
  EUSERS: 87,
  ENOTSOCK: 88,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  EPROTOTYPE: 91,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  ESOCKTNOSUPPORT: 94,
  EOPNOTSUPP: 95,
  EPFNOSUPPORT: 96,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENETRESET: 102,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ESHUTDOWN: 108,
  ETOOMANYREFS: 109,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
  ESTALE: 116,
  EUCLEAN: 117,
  ENOTNAM: 118,
  ENAVAIL: 119,
  EISNAM: 120,
  EREMOTEIO: 121,
  EDQUOT: 122,
  ENOMEDIUM: 123,
  EMEDIUMTYPE: 124,
  ECANCELED: 125,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
  EOWNERDEAD: 130,
  ENOTRECOVERABLE: 131,
  ERFKILL: 132,
  EHWPOISON: 133,
  EWOULDBLOCK: 11,
  EDEADLOCK: 35,
  ENOTSUP: 95,
} as const;

/** The symbolic name of a Linux error number, for instance `"ECONNREFUSED"`. */
export type ErrnoName = keyof typeof ERRNO;

/** The texts of strerror(3); POSIX or older Unix gave the aliases to numbers that have another name here. */
const MESSAGES: Readonly<Record<Exclude<ErrnoName, "EWOULDBLOCK" | "EDEADLOCK" | "ENOTSUP">, string>> = {
  EPERM: "Operation not permitted",
  ENOENT: "No such file or directory",
  ESRCH: "No such process",
  EINTR: "Interrupted system call",
  EIO: "Input/output error",
  ENXIO: "No such device or address",
  E2BIG: "Argument list too long",
  ENOEXEC: "Exec format error",
  EBADF: "Bad file descriptor",
  ECHILD: "No child processes",
  EAGAIN: "Resource temporarily unavailable",
  ENOMEM: "Cannot allocate memory",
  EACCES: "Permission denied",
  EFAULT: "Bad address",
  ENOTBLK: "Block device required",
  EBUSY: "Device or resource busy",
  EEXIST: "File exists",
  EXDEV: "Invalid cross-device link",
  ENODEV: "No such device",
  ENOTDIR: "Not a directory",
  EISDIR: "Is a directory",
  EINVAL: "Invalid argument",
  ENFILE: "Too many open files in system",
  EMFILE: "Too many open files",
  ENOTTY: "Inappropriate ioctl for device",
  ETXTBSY: "Text file busy",
  EFBIG: "File too large",
  ENOSPC: "No space left on device",
  ESPIPE: "Illegal seek",
  EROFS: "Read-only file system",
  EMLINK: "Too many links",
  EPIPE: "Broken pipe",
  EDOM: "Numerical argument out of domain",
  ERANGE: "Numerical result out of range",
  EDEADLK: "Resource deadlock avoided",
  ENAMETOOLONG: "File name too long",
  ENOLCK: "No locks available",
  ENOSYS: "Function not implemented",
  ENOTEMPTY: "Directory not empty",
  ELOOP: "Too many levels of symbolic links",
  ENOMSG: "No message of desired type",
  EIDRM: "Identifier removed",
  ECHRNG: "Channel number out of range",
  EL2NSYNC: "Level 2 not synchronized",
  EL3HLT: "Level 3 halted",
  EL3RST: "Level 3 reset",
  ELNRNG: "Link number out of range",
  EUNATCH: "Protocol driver not attached",
  ENOCSI: "No CSI structure available",
  EL2HLT: "Level 2 halted",
  EBADE: "Invalid exchange",
  EBADR: "Invalid request descriptor",
  EXFULL: "Exchange full",
  ENOANO: "No anode",
  EBADRQC: "Invalid request code",
  EBADSLT: "Invalid slot",
  EBFONT: "Bad font file format",
  ENOSTR: "Device not a stream",
  ENODATA: "No data available",
  ETIME: "Timer expired",
  ENOSR: "Out of streams resources",
  ENONET: "Machine is not on the network",
  ENOPKG: "Package not installed",
  EREMOTE: "Object is remote",
  ENOLINK: "Link has been severed",
  EADV: "Advertise error",
  ESRMNT: "Srmount error",
  ECOMM: "Communication error on send",
  EPROTO: "Protocol error",
  EMULTIHOP: "Multihop attempted",
  EDOTDOT: "RFS specific error",
  EBADMSG: "Bad message",
  EOVERFLOW: "Value too large for defined data type",
  ENOTUNIQ: "Name not unique on network",
  EBADFD: "File descriptor in bad state",
  EREMCHG: "Remote address changed",
  ELIBACC: "Can not access a needed shared library",
  ELIBBAD: "Accessing a corrupted shared library",
  ELIBSCN: ".lib section in a.out corrupted",
  ELIBMAX: "Attempting to link in too many shared libraries",
  ELIBEXEC: "Cannot exec a shared library directly",
  EILSEQ: "Invalid or incomplete multibyte or wide character",
  ERESTART: "Interrupted system call should be restarted",
  ESTRPIPE: "Streams pipe error",
  EUSERS: "Too many users",
  ENOTSOCK: "Socket operation on non-socket",
  EDESTADDRREQ: "Destination address required",
  EMSGSIZE: "Message too long",
  EPROTOTYPE: "Protocol wrong type for socket",
  ENOPROTOOPT: "Protocol not available",
  EPROTONOSUPPORT: "Protocol not supported",
  ESOCKTNOSUPPORT: "Socket type not supported",
  EOPNOTSUPP: "Operation not supported",
  EPFNOSUPPORT: "Protocol family not supported",
  EAFNOSUPPORT: "Address family not supported by protocol",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  ENETDOWN: "Network is down",
  ENETUNREACH: "Network is unreachable",
  ENETRESET: "Network dropped connection on reset",
  ECONNABORTED: "Software caused connection abort",
  ECONNRESET: "Connection reset by peer",
  ENOBUFS: "No buffer space available",
  EISCONN: "Transport endpoint is already connected",
  ENOTCONN: "Transport endpoint is not connected",
  ESHUTDOWN: "Cannot send after transport endpoint shutdown",
  ETOOMANYREFS: "Too many references: cannot splice",
  ETIMEDOUT: "Connection timed out",
  ECONNREFUSED: "Connection refused",
  EHOSTDOWN: "Host is down",
  EHOSTUNREACH: "No route to host",
  EALREADY: "Operation already in progress",
  EINPROGRESS: "Operation now in progress",
  ESTALE: "Stale file handle",
  EUCLEAN: "Structure needs cleaning",
  ENOTNAM: "Not a XENIX named type file",
  ENAVAIL: "No XENIX semaphores available",
  EISNAM: "Is a named type file",
  EREMOTEIO: "Remote I/O error",
  EDQUOT: "Disk quota exceeded",
  ENOMEDIUM: "No medium found",
  EMEDIUMTYPE: "Wrong medium type",
  ECANCELED: "Operation canceled",
  ENOKEY: "Required key not available",
  EKEYEXPIRED: "Key has expired",
  EKEYREVOKED: "Key has been revoked",
  EKEYREJECTED: "Key was rejected by service",
  EOWNERDEAD: "Owner died",
  ENOTRECOVERABLE: "State not recoverable",
  ERFKILL: "Operation not possible due to RF-kill",
  EHWPOISON: "Memory page has hardware error",
};

const namesByNumber: string[] = [];
for (const name of Object.keys(MESSAGES) as (keyof typeof MESSAGES)[]) namesByNumber[ERRNO[name]] = name;

/**
 * The symbolic name of an error number: `"ECONNREFUSED"` for 111.
 *
 * @param errno An error number as in errno(3).
 * @returns The name, or `"E"` and the number where Linux has no name for it.
 *
 * @example
 * ```ts
 * import { errnoName } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(errnoName(111), "ECONNREFUSED");
 * assert.equal(errnoName(4095), "E4095");
 * ```
 */
export function errnoName(errno: number): string {
  return namesByNumber[errno] ?? `E${errno}`;
}

/**
 * The text of an error number, as strerror(3) gives it: `"Connection refused"` for 111.
 *
 * @param errno An error number as in errno(3).
 * @returns The text, or `"Unknown error N"` where Linux has none.
 *
 * @example
 * ```ts
 * import { errnoMessage } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * assert.equal(errnoMessage(111), "Connection refused");
 * ```
 */
export function errnoMessage(errno: number): string {
  return MESSAGES[namesByNumber[errno] as keyof typeof MESSAGES] ?? `Unknown error ${errno}`;
}

/**
 * The error for a failed system call, with a message that says what was tried, on what, and what helps.
 *
 * @param errno The error number that the call left behind.
 * @param syscall The call that failed, for instance `"bind"`.
 * @param address The address or path that the call was about, already formatted.
 * @param hint What the user can do; without it the usual remedy for this number and call is given, if there is one.
 * @returns The error, not yet thrown.
 *
 * @example
 * ```ts
 * import { ERRNO, systemError } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const error = systemError(ERRNO.EACCES, "bind", "127.0.0.1:80");
 * assert.equal(error.code, "EACCES");
 * assert.equal(error.address, "127.0.0.1:80");
 * assert.match(error.message, /^bind 127\.0\.0\.1:80: permission denied \(EACCES\); ports below 1024 need /);
 * ```
 */
export function systemError(errno: number, syscall: string, address?: string, hint?: string): SystemError {
  const code = errnoName(errno);
  const remedy = hint ?? usualRemedy(errno, syscall, address);
  const subject = address === undefined ? syscall : `${syscall} ${address}`;
  const message = `${subject}: ${asClause(errnoMessage(errno))} (${code})${remedy === undefined ? "" : `; ${remedy}`}`;
  return new SystemError(message, address === undefined ? { code, errno, syscall } : { code, errno, syscall, address });
}

/** "Permission denied" inside a sentence; a leading acronym ("RFS specific error") keeps its capitals. */
function asClause(text: string): string {
  return /^[A-Z][a-z ]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
}

/** A path or an abstract name, which unlike an Internet address does not end in a port. */
function isUnixName(address: string | undefined): boolean {
  return address !== undefined && !/:\d+$/.test(address);
}

function isPrivilegedPort(address: string | undefined): boolean {
  const port = address === undefined ? null : /:(\d+)$/.exec(address);
  return port !== null && Number(port[1]) > 0 && Number(port[1]) < 1024;
}

/** The remedies of the "ERRORS" sections of bind(2), connect(2), send(2), socket(2), ip(7), unix(7) and sctp(7). */
function usualRemedy(errno: number, syscall: string, address: string | undefined): string | undefined {
  switch (errno) {
    case ERRNO.EACCES:
      if (isUnixName(address)) return "check the permissions of the path and of the folders above it";
      if (syscall === "bind" && isPrivilegedPort(address)) {
        return "ports below 1024 need root, CAP_NET_BIND_SERVICE or a lower net.ipv4.ip_unprivileged_port_start";
      }
      if (syscall === "socket") return "raw and packet sockets need root or CAP_NET_RAW";
      if (syscall === "connect" || syscall.startsWith("send")) {
        return "a broadcast address needs the SO_BROADCAST option; a firewall rule or route may also forbid it";
      }
      return undefined;
    case ERRNO.EPERM:
      if (syscall === "socket") return "raw and packet sockets need root or CAP_NET_RAW";
      if (syscall === "setsockopt") return "this option needs root or CAP_NET_ADMIN";
      if (syscall === "connect" || syscall.startsWith("send")) {
        return "a firewall rule of this machine forbids it: look at `nft list ruleset` or `iptables -L`";
      }
      return undefined;
    case ERRNO.ENOENT:
      if (!isUnixName(address)) return undefined;
      return syscall === "bind"
        ? "the folder does not exist: make it, or check the path"
        : "nothing has that name: start the server first, or check the path";
    case ERRNO.EADDRINUSE:
      return isUnixName(address)
        ? "another socket has that name: remove the file if its owner is gone, or choose another"
        : "another socket is bound there: take another port (0: the kernel chooses), or find its owner with `ss -anp`";
    case ERRNO.EADDRNOTAVAIL:
      return syscall === "bind"
        ? "this machine does not have that address: see `ip address`"
        : "no local address or port is left for it: see `ip address` and net.ipv4.ip_local_port_range";
    case ERRNO.EMFILE:
      return "this process has too many descriptors open: close some, or raise the limit with `ulimit -n`";
    case ERRNO.ENFILE:
      return "the machine has too many files open: raise fs.file-max";
    case ERRNO.ENOBUFS:
      return "the kernel has no room for it now: send again later, or raise SO_SNDBUF and net.core.wmem_max";
    case ERRNO.ENOMEM:
      return "the kernel is out of memory or above a limit: ask for less, or see `ulimit -a` and vm.max_map_count";
    case ERRNO.ENOSPC:
      return syscall.startsWith("epoll")
        ? "too many watched descriptors: raise fs.epoll.max_user_watches"
        : "the file system is full: see `df`";
    case ERRNO.EAFNOSUPPORT:
      return "the address must be of the socket's family, and IPv6 must be enabled (net.ipv6.conf.all.disable_ipv6)";
    case ERRNO.EPROTONOSUPPORT:
    case ERRNO.ESOCKTNOSUPPORT:
      return syscall === "socket" ? "the kernel lacks that protocol; for SCTP load it with `modprobe sctp`" : undefined;
    case ERRNO.EPROTOTYPE:
      return isUnixName(address)
        ? "the socket of that name has another type (stream, seqpacket or datagram)"
        : undefined;
    case ERRNO.ENOPROTOOPT:
      return "this kernel or this kind of socket does not have that option";
    case ERRNO.EOPNOTSUPP:
      return "this kind of socket can't do that";
    case ERRNO.ENOSYS:
      return "this kernel does not have that call; a sandbox (seccomp) may also hide it";
    case ERRNO.ECONNREFUSED:
      return "nobody listens there: start the server, or check the address";
    case ERRNO.ECONNRESET:
    case ERRNO.ECONNABORTED:
      return "the peer ended the connection without a goodbye: connect again, and look into the peer's log";
    case ERRNO.EPIPE:
      return "the connection is closed for sending: connect again";
    case ERRNO.ENOTCONN:
      return "connect first, or name the destination with the message";
    case ERRNO.EDESTADDRREQ:
      return "name the destination with the message, or connect first";
    case ERRNO.EISCONN:
      return "the socket is connected already: open another";
    case ERRNO.ETIMEDOUT:
      return "the peer did not answer: check that it runs and that no firewall drops the packets";
    case ERRNO.ENETUNREACH:
    case ERRNO.EHOSTUNREACH:
      return "there is no way to it: see `ip route get ADDRESS`";
    case ERRNO.ENETDOWN:
      return "bring the interface up with `ip link set DEVICE up`";
    case ERRNO.EMSGSIZE:
      return "the message is larger than the protocol or the send buffer takes: send less, or raise SO_SNDBUF";
    case ERRNO.ENAMETOOLONG:
      return "use a shorter name";
    case ERRNO.ETOOMANYREFS:
      return "too many descriptors are on their way in unix sockets: let the receiver take some, or raise `ulimit -n`";
    default:
      return undefined;
  }
}
