/**
 * Linux error numbers: their names, their texts, and what the user can do about them.
 *
 * The numbers are those of asm-generic (errno-base.h and errno.h), which x86-64, arm64 and every other architecture but
 * alpha, mips, parisc and sparc share. The texts are glibc's strerror(3) in the C locale.
 *
 * @module
 */

import { SystemError } from "../common/errors.ts";

const ERRNO_ROWS = [
  [1, "EPERM", "Operation not permitted"],
  [2, "ENOENT", "No such file or directory"],
  [3, "ESRCH", "No such process"],
  [4, "EINTR", "Interrupted system call"],
  [5, "EIO", "Input/output error"],
  [6, "ENXIO", "No such device or address"],
  [7, "E2BIG", "Argument list too long"],
  [8, "ENOEXEC", "Exec format error"],
  [9, "EBADF", "Bad file descriptor"],
  [10, "ECHILD", "No child processes"],
  [11, "EAGAIN", "Resource temporarily unavailable"],
  [12, "ENOMEM", "Cannot allocate memory"],
  [13, "EACCES", "Permission denied"],
  [14, "EFAULT", "Bad address"],
  [15, "ENOTBLK", "Block device required"],
  [16, "EBUSY", "Device or resource busy"],
  [17, "EEXIST", "File exists"],
  [18, "EXDEV", "Invalid cross-device link"],
  [19, "ENODEV", "No such device"],
  [20, "ENOTDIR", "Not a directory"],
  [21, "EISDIR", "Is a directory"],
  [22, "EINVAL", "Invalid argument"],
  [23, "ENFILE", "Too many open files in system"],
  [24, "EMFILE", "Too many open files"],
  [25, "ENOTTY", "Inappropriate ioctl for device"],
  [26, "ETXTBSY", "Text file busy"],
  [27, "EFBIG", "File too large"],
  [28, "ENOSPC", "No space left on device"],
  [29, "ESPIPE", "Illegal seek"],
  [30, "EROFS", "Read-only file system"],
  [31, "EMLINK", "Too many links"],
  [32, "EPIPE", "Broken pipe"],
  [33, "EDOM", "Numerical argument out of domain"],
  [34, "ERANGE", "Numerical result out of range"],
  [35, "EDEADLK", "Resource deadlock avoided"],
  [36, "ENAMETOOLONG", "File name too long"],
  [37, "ENOLCK", "No locks available"],
  [38, "ENOSYS", "Function not implemented"],
  [39, "ENOTEMPTY", "Directory not empty"],
  [40, "ELOOP", "Too many levels of symbolic links"],
  [42, "ENOMSG", "No message of desired type"],
  [43, "EIDRM", "Identifier removed"],
  [44, "ECHRNG", "Channel number out of range"],
  [45, "EL2NSYNC", "Level 2 not synchronized"],
  [46, "EL3HLT", "Level 3 halted"],
  [47, "EL3RST", "Level 3 reset"],
  [48, "ELNRNG", "Link number out of range"],
  [49, "EUNATCH", "Protocol driver not attached"],
  [50, "ENOCSI", "No CSI structure available"],
  [51, "EL2HLT", "Level 2 halted"],
  [52, "EBADE", "Invalid exchange"],
  [53, "EBADR", "Invalid request descriptor"],
  [54, "EXFULL", "Exchange full"],
  [55, "ENOANO", "No anode"],
  [56, "EBADRQC", "Invalid request code"],
  [57, "EBADSLT", "Invalid slot"],
  [59, "EBFONT", "Bad font file format"],
  [60, "ENOSTR", "Device not a stream"],
  [61, "ENODATA", "No data available"],
  [62, "ETIME", "Timer expired"],
  [63, "ENOSR", "Out of streams resources"],
  [64, "ENONET", "Machine is not on the network"],
  [65, "ENOPKG", "Package not installed"],
  [66, "EREMOTE", "Object is remote"],
  [67, "ENOLINK", "Link has been severed"],
  [68, "EADV", "Advertise error"],
  [69, "ESRMNT", "Srmount error"],
  [70, "ECOMM", "Communication error on send"],
  [71, "EPROTO", "Protocol error"],
  [72, "EMULTIHOP", "Multihop attempted"],
  [73, "EDOTDOT", "RFS specific error"],
  [74, "EBADMSG", "Bad message"],
  [75, "EOVERFLOW", "Value too large for defined data type"],
  [76, "ENOTUNIQ", "Name not unique on network"],
  [77, "EBADFD", "File descriptor in bad state"],
  [78, "EREMCHG", "Remote address changed"],
  [79, "ELIBACC", "Can not access a needed shared library"],
  [80, "ELIBBAD", "Accessing a corrupted shared library"],
  [81, "ELIBSCN", ".lib section in a.out corrupted"],
  [82, "ELIBMAX", "Attempting to link in too many shared libraries"],
  [83, "ELIBEXEC", "Cannot exec a shared library directly"],
  [84, "EILSEQ", "Invalid or incomplete multibyte or wide character"],
  [85, "ERESTART", "Interrupted system call should be restarted"],
  [86, "ESTRPIPE", "Streams pipe error"],
  [87, "EUSERS", "Too many users"],
  [88, "ENOTSOCK", "Socket operation on non-socket"],
  [89, "EDESTADDRREQ", "Destination address required"],
  [90, "EMSGSIZE", "Message too long"],
  [91, "EPROTOTYPE", "Protocol wrong type for socket"],
  [92, "ENOPROTOOPT", "Protocol not available"],
  [93, "EPROTONOSUPPORT", "Protocol not supported"],
  [94, "ESOCKTNOSUPPORT", "Socket type not supported"],
  [95, "EOPNOTSUPP", "Operation not supported"],
  [96, "EPFNOSUPPORT", "Protocol family not supported"],
  [97, "EAFNOSUPPORT", "Address family not supported by protocol"],
  [98, "EADDRINUSE", "Address already in use"],
  [99, "EADDRNOTAVAIL", "Cannot assign requested address"],
  [100, "ENETDOWN", "Network is down"],
  [101, "ENETUNREACH", "Network is unreachable"],
  [102, "ENETRESET", "Network dropped connection on reset"],
  [103, "ECONNABORTED", "Software caused connection abort"],
  [104, "ECONNRESET", "Connection reset by peer"],
  [105, "ENOBUFS", "No buffer space available"],
  [106, "EISCONN", "Transport endpoint is already connected"],
  [107, "ENOTCONN", "Transport endpoint is not connected"],
  [108, "ESHUTDOWN", "Cannot send after transport endpoint shutdown"],
  [109, "ETOOMANYREFS", "Too many references: cannot splice"],
  [110, "ETIMEDOUT", "Connection timed out"],
  [111, "ECONNREFUSED", "Connection refused"],
  [112, "EHOSTDOWN", "Host is down"],
  [113, "EHOSTUNREACH", "No route to host"],
  [114, "EALREADY", "Operation already in progress"],
  [115, "EINPROGRESS", "Operation now in progress"],
  [116, "ESTALE", "Stale file handle"],
  [117, "EUCLEAN", "Structure needs cleaning"],
  [118, "ENOTNAM", "Not a XENIX named type file"],
  [119, "ENAVAIL", "No XENIX semaphores available"],
  [120, "EISNAM", "Is a named type file"],
  [121, "EREMOTEIO", "Remote I/O error"],
  [122, "EDQUOT", "Disk quota exceeded"],
  [123, "ENOMEDIUM", "No medium found"],
  [124, "EMEDIUMTYPE", "Wrong medium type"],
  [125, "ECANCELED", "Operation canceled"],
  [126, "ENOKEY", "Required key not available"],
  [127, "EKEYEXPIRED", "Key has expired"],
  [128, "EKEYREVOKED", "Key has been revoked"],
  [129, "EKEYREJECTED", "Key was rejected by service"],
  [130, "EOWNERDEAD", "Owner died"],
  [131, "ENOTRECOVERABLE", "State not recoverable"],
  [132, "ERFKILL", "Operation not possible due to RF-kill"],
  [133, "EHWPOISON", "Memory page has hardware error"],
] as const satisfies readonly (readonly [number, string, string])[];

/** Names that POSIX or older Unix give to a number that already has one (errno(3)). */
const ERRNO_ALIASES = { EWOULDBLOCK: 11, EDEADLOCK: 35, ENOTSUP: 95 } as const;

/** The symbolic name of a Linux error number, for instance `"ECONNREFUSED"`. */
export type ErrnoName = (typeof ERRNO_ROWS)[number][1] | keyof typeof ERRNO_ALIASES;

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
export const ERRNO: Readonly<Record<ErrnoName, number>> = Object.freeze({
  ...Object.fromEntries(ERRNO_ROWS.map(([number, name]) => [name, number])) as Record<ErrnoName, number>,
  ...ERRNO_ALIASES,
});

const namesByNumber: string[] = [];
const messagesByNumber: string[] = [];
for (const [number, name, message] of ERRNO_ROWS) {
  namesByNumber[number] = name;
  messagesByNumber[number] = message;
}

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
  return messagesByNumber[errno] ?? `Unknown error ${errno}`;
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
      return isUnixName(address) ? "nothing has that name: start the server first, or check the path" : undefined;
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
