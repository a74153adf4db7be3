/**
 * A filter in the kernel that lets only packets of one channel through: classic BPF, `SO_ATTACH_FILTER` of socket(7).
 *
 * @module
 */

import { SOL_SOCKET } from "../../../ffi/constants.ts";
import { libc } from "../../../ffi/libc.ts";
import { setsockopt } from "../../../ffi/syscalls.ts";

/** asm-generic/socket.h. */
const SO_ATTACH_FILTER = 26;

/** linux/bpf_common.h: what an instruction does, and with what. */
const LOAD_HALF_ABSOLUTE = 0x28;
const LOAD_HALF_INDIRECT = 0x48;
const LOAD_HEADER_LENGTH = 0xb1;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;

const ALL = 0xffffffff;

/** `struct sock_filter`: the operation, how far to jump if it is true or false, and a number. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/**
 * The program. On IPv4 a raw socket sees the packet from its header on, on IPv6 what is behind the headers.
 *
 * @param family The socket's family.
 * @param destination The channel that packets must go to.
 * @param source The channel that they must come from; `undefined` for any.
 */
export function channelProgram(
  family: "inet" | "inet6",
  destination: number,
  source: number | undefined,
): readonly Instruction[] {
  const load = family === "inet" ? LOAD_HALF_INDIRECT : LOAD_HALF_ABSOLUTE;
  const checks: Instruction[] = [[load, 0, 0, 2], [JUMP_IF_EQUAL, 0, source === undefined ? 1 : 3, destination]];
  if (source !== undefined) checks.push([load, 0, 0, 0], [JUMP_IF_EQUAL, 0, 1, source]);
  // A load behind the packet's end ends the program, and the packet.
  const begin: Instruction[] = family === "inet" ? [[LOAD_HEADER_LENGTH, 0, 0, 0]] : [];
  return [...begin, ...checks, [RETURN, 0, 0, ALL], [RETURN, 0, 0, 0]];
}

/**
 * Attaches a program to a socket.
 *
 * @throws {SystemError} As in setsockopt(2).
 */
export function attachFilter(fd: number, program: readonly Instruction[]): void {
  const filter = new DataView(new ArrayBuffer(8 * program.length));
  program.forEach(([code, ifTrue, ifFalse, value], i) => {
    filter.setUint16(8 * i, code, true);
    filter.setUint8(8 * i + 2, ifTrue);
    filter.setUint8(8 * i + 3, ifFalse);
    filter.setUint32(8 * i + 4, value, true);
  });
  // struct sock_fprog: how many, and where.
  const description = new DataView(new ArrayBuffer(16));
  description.setUint16(0, program.length, true);
  description.setBigUint64(8, BigInt(libc().runtime.addressOf(filter.buffer)), true);
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(description.buffer));
  // Used once more, so that it is not collected before the kernel has copied it.
  filter.getUint8(0);
}
