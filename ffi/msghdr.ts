/**
 * Layouts of message headers for sendmsg(2), recvmsg(2), sendmmsg(2) and recvmmsg(2): `struct msghdr` and
 * `struct mmsghdr` of 64-bit little-endian Linux.
 *
 * @module
 */

/** Offsets in `struct msghdr`, sendmsg(2). */
export const MSGHDR: {
  readonly msg_name: 0;
  readonly msg_namelen: 8;
  readonly msg_iov: 16;
  readonly msg_iovlen: 24;
  readonly msg_control: 32;
  readonly msg_controllen: 40;
  readonly msg_flags: 48;
} = {
  msg_name: 0,
  msg_namelen: 8,
  msg_iov: 16,
  msg_iovlen: 24,
  msg_control: 32,
  msg_controllen: 40,
  msg_flags: 48,
};
/** Bytes of `struct msghdr`. */
export const MSGHDR_SIZE = 56;

/** Offsets in `struct mmsghdr`, sendmmsg(2), after the `struct msghdr` that it begins with. */
export const MMSGHDR: { readonly msg_hdr: 0; readonly msg_len: 56 } = { msg_hdr: 0, msg_len: 56 };
/** Bytes of `struct mmsghdr`. */
export const MMSGHDR_SIZE = 64;
