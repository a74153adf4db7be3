/**
 * Datagrams between processes of one machine, unix(7): by a path, an abstract name, or over a pair.
 *
 * @module
 */

import { ArgumentError, SystemError } from "../common/errors.ts";
import { checkInteger } from "../ffi/arguments.ts";
import { controlSpace } from "../ffi/cmsg.ts";
import { AF_UNIX, SOCK_DGRAM } from "../ffi/constants.ts";
import { Descriptor } from "../ffi/descriptor.ts";
import { DESCRIPTORS_CONTROL_BYTES, encodeDescriptors } from "../ffi/fd_passing.ts";
import {
  type FileIdentity,
  fileIdentity,
  isSocketFile,
  removeFile,
  removeOwnFile,
  setFileMode,
  setPathMode,
} from "../ffi/files.ts";
import { MessageSocket } from "../ffi/message_socket.ts";
import type { UnixAddress } from "../ffi/sockaddr.ts";
import { bind, connect, socket, socketpair } from "../ffi/syscalls.ts";
import { TIMESPEC_SIZE } from "../ffi/timespec.ts";
import { UCRED_SIZE } from "../ffi/ucred.ts";
import { type Destination, DestinationTable, unixAddress, unixTarget } from "./destination.ts";
import {
  applyPacketSocketOptions,
  checkPacketSocketOptions,
  messageSocketOptions,
  type PacketSocketOptions,
} from "./socket_options.ts";
import type { PacketControl } from "./packet_control.ts";
import type { PacketOptions } from "./packet_options.ts";
import { PacketSocket } from "./packet_socket.ts";
import type { PacketSocketKind } from "./packet_socket_kind.ts";
import type { SendOptions } from "./send_options.ts";
import { SocketErrors } from "./socket_errors.ts";

/** How a {@linkcode UnixDatagramSocket} is set up. */
export interface UnixDatagramOptions extends PacketSocketOptions {
  /**
   * Whether descriptors that arrive are kept, in {@linkcode Datagram.descriptors}. Otherwise they are closed at once, so
   * that a peer can't make this process run out of them.
   *
   * @default {false}
   */
  descriptors?: boolean;
}

/** How a {@linkcode UnixDatagramSocket} is bound. */
export interface UnixBindOptions extends UnixDatagramOptions {
  /**
   * The permissions of the file, for instance `0o600`; the file never has more than these. To send there takes permission
   * to write.
   *
   * @default what the process's umask leaves of `0o777`
   */
  mode?: number;
  /**
   * Whether a socket's file that a program left behind is replaced. One that somebody has open is never replaced, nor is any
   * other kind of file.
   *
   * @default {false}
   */
  replace?: boolean;
}

/** How a {@linkcode UnixDatagramSocket} is set up that is connected from the beginning. */
export interface UnixConnectOptions extends UnixBindOptions {
  /** The socket's own path or abstract name. @default an abstract name that the kernel chooses */
  bind?: string | UnixAddress;
}

const NO_OPTIONS = Object.freeze({});
const LABEL = "unix datagram socket";
const UNNAMED: UnixAddress = Object.freeze({ family: "unix", unnamed: true });
const DEFAULT_PAYLOAD_BYTES = 262144;
/** Room for as many descriptors as the kernel takes, beside all that can be asked for. */
const CONTROL_BYTES = DESCRIPTORS_CONTROL_BYTES + controlSpace(UCRED_SIZE) + controlSpace(TIMESPEC_SIZE);

/**
 * A unix datagram socket: reliable and ordered, with the sender's credentials and open descriptors on request.
 *
 * The name decides who can send there: a path's file has permissions, an abstract name (`"@name"`) is open to everybody in
 * the same network namespace, and a pair has no name. Closing a socket removes its file.
 *
 * @example With the credentials of the sender
 * ```ts
 * import { UnixDatagramSocket } from "@sockeye/sockeye/qos";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * await using server = UnixDatagramSocket.bind(`@clock-${crypto.randomUUID()}`, { info: ["credentials"] });
 * await using client = UnixDatagramSocket.connect(server.localAddress());
 * await client.send(new TextEncoder().encode("time?"));
 *
 * const question = await server.receive({ timeout: 1000 });
 * assert.equal(question.credentials?.pid, process.pid);
 * await server.send(new TextEncoder().encode("noon"), question.from);
 * assert.equal((await client.receive({ timeout: 1000 })).text(), "noon");
 * ```
 */
export class UnixDatagramSocket extends PacketSocket {
  readonly #file: OwnFile | undefined;

  private constructor(descriptor: Descriptor, options: UnixDatagramOptions, isConnected: boolean, file?: OwnFile) {
    const errors = new SocketErrors();
    const messages = MessageSocket.adopt(descriptor, {
      ...messageSocketOptions(options),
      payloadBytes: options.payloadBytes ?? DEFAULT_PAYLOAD_BYTES,
      descriptors: options.descriptors,
      controlBytes: CONTROL_BYTES,
    });
    errors.attach(messages);
    super(messages, kind(), errors, isConnected);
    this.#file = file;
  }

  /**
   * Opens a socket and gives it a name.
   *
   * @param address A path, `"@"` and an abstract name, or an address object. The default is an abstract name that the
   * kernel chooses.
   * @param options How it is set up.
   * @throws {AddressError} When the name is empty or too long.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {SystemError} As in bind(2): `EADDRINUSE` when the name is taken, `EACCES` when the folder may not be written,
   * `ENOENT` when there is none, …
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static override bind(address?: string | UnixAddress, options: UnixBindOptions = NO_OPTIONS): UnixDatagramSocket {
    const name = address === undefined ? UNNAMED : unixAddress(address, "address");
    checkPacketSocketOptions(options, "unix");
    checkInteger("options.mode", options.mode, 0, 0o777);
    if (options.mode !== undefined && !("path" in name)) {
      throw new ArgumentError("options.mode", "is for sockets with a path: others have no file");
    }
    const descriptor = Descriptor.adopt(socket(AF_UNIX, SOCK_DGRAM), LABEL);
    let file: OwnFile | undefined;
    try {
      applyPacketSocketOptions(descriptor.fd, "unix", options);
      if ("path" in name) file = bindPath(descriptor.fd, name.path, options);
      else bind(descriptor.fd, name);
      return new UnixDatagramSocket(descriptor, options, false, file);
    } catch (error) {
      descriptor.close();
      if (file !== undefined) removeOwnFile(file.path, file.identity);
      throw error;
    }
  }

  /**
   * Opens a socket that is connected: datagrams go to the one peer, and nobody else is heard. It has a name of its own, so
   * that the peer can answer.
   *
   * @param to The peer's path, `"@"` and its abstract name, or an address object.
   * @param options How it is set up.
   * @throws {AddressError} When a name is empty or too long.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {SystemError} As in connect(2): `ENOENT` when there is no such path, `ECONNREFUSED` when nobody listens there,
   * `EACCES` when it may not be written, …
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static connect(to: string | UnixAddress, options: UnixConnectOptions = NO_OPTIONS): UnixDatagramSocket {
    unixTarget(to, "to");
    const opened = UnixDatagramSocket.bind(options.bind, options);
    try {
      opened.connect(to);
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /**
   * Opens two sockets without names that are connected to each other, socketpair(2).
   *
   * @param options How both are set up.
   * @throws {ArgumentError} When an option is out of range.
   * @throws {SystemError} As in socketpair(2).
   * @throws {UnsupportedError} Where there is no libc to call.
   *
   * @example Hand over a descriptor
   * ```ts
   * import { UnixDatagramSocket } from "@sockeye/sockeye/qos";
   * import assert from "node:assert/strict";
   *
   * const [left, right] = UnixDatagramSocket.pair({ descriptors: true });
   * await left.send(new TextEncoder().encode("myself"), undefined, { descriptors: [left] });
   *
   * const { descriptors } = await right.receive({ timeout: 1000 });
   * assert.equal(descriptors.length, 1);
   * descriptors[0].close();
   * await using _ = left, __ = right;
   * ```
   */
  static pair(options: UnixDatagramOptions = NO_OPTIONS): [UnixDatagramSocket, UnixDatagramSocket] {
    checkPacketSocketOptions(options, "unix");
    const descriptors = socketpair(AF_UNIX, SOCK_DGRAM).map((fd) => Descriptor.adopt(fd, LABEL));
    try {
      const [left, right] = descriptors.map((descriptor) => {
        applyPacketSocketOptions(descriptor.fd, "unix", options);
        return new UnixDatagramSocket(descriptor, options, true);
      });
      return [left, right];
    } catch (error) {
      for (const descriptor of descriptors) descriptor.close();
      throw error;
    }
  }

  /**
   * The socket's path or abstract name, getsockname(2).
   *
   * @throws {ClosedError} When the socket is closed.
   */
  override localAddress(): UnixAddress {
    return super.localAddress() as UnixAddress;
  }

  /** The name of the peer; `undefined` when the socket is not connected, or its peer has no name. */
  override remoteAddress(): UnixAddress | undefined {
    return super.remoteAddress() as UnixAddress | undefined;
  }

  /** Closes the socket, and removes its file. What is pending gets a `ClosedError`; does nothing the second time. */
  override close(): void {
    if (this.isClosed) return;
    try {
      if (this.#file !== undefined) removeOwnFile(this.#file.path, this.#file.identity);
    } finally {
      super.close();
    }
  }
}

/** The file that binding made. */
interface OwnFile {
  readonly path: string;
  readonly identity: FileIdentity;
}

function bindPath(fd: number, path: string, { mode, replace = false }: UnixBindOptions): OwnFile {
  if (mode !== undefined) setFileMode(fd, mode);
  try {
    bind(fd, { family: "unix", path });
  } catch (error) {
    if (!(error instanceof SystemError && error.code === "EADDRINUSE")) throw error;
    const owner = ownerOf(path);
    if (!(replace && owner === "nobody")) throw inTheWay(error, path, owner);
    removeFile(path);
    bind(fd, { family: "unix", path });
  }
  const identity = fileIdentity(path);
  try {
    // The umask has taken from the mode, so what it took is given back.
    if (mode !== undefined) setPathMode(path, mode);
    return { path, identity };
  } catch (error) {
    removeOwnFile(path, identity);
    throw error;
  }
}

/** Who has the socket of a path open: connect(2) refuses only where nobody has. */
function ownerOf(path: string): "somebody" | "nobody" | "another kind of file" {
  // Not with `using`, which Node 20 doesn't know.
  const probe = Descriptor.adopt(socket(AF_UNIX, SOCK_DGRAM), LABEL);
  try {
    if (!isSocketFile(path)) return "another kind of file";
    connect(probe.fd, { family: "unix", path });
  } catch (error) {
    if (error instanceof SystemError && error.code === "ECONNREFUSED") return "nobody";
    // EPROTOTYPE: a listener for connections; EPERM: a socket that hears its peer only; EACCES: not for us to know.
    if (!(error instanceof SystemError)) throw error;
  } finally {
    probe.close();
  }
  return "somebody";
}

function inTheWay(cause: SystemError, path: string, owner: ReturnType<typeof ownerOf>): SystemError {
  const reason = {
    "somebody": "somebody has a socket open there; end that program, or choose another path",
    "nobody": "a program left its socket behind there; remove the file, or bind with `replace: true`",
    "another kind of file": "there is a file that is no socket; choose another path",
  }[owner];
  const { code, errno, syscall } = cause;
  return new SystemError(`bind ${path}: ${reason}`, { code, errno, syscall, address: path }, { cause });
}

const IP_OPTIONS: readonly (keyof PacketOptions)[] = [
  "ttl",
  "tos",
  "dscp",
  "ecn",
  "dontFragment",
  "flowLabel",
  "source",
  "interface",
];
const PLAIN: PacketControl = Object.freeze({ control: undefined, mode: 0 });

function encode(options: SendOptions, argument: string): PacketControl {
  for (const name of IP_OPTIONS) {
    if (options[name] === undefined) continue;
    throw new ArgumentError(`${argument}.${name}`, "is for IP packets; what unix sockets carry has no such field");
  }
  const { descriptors } = options;
  return descriptors === undefined
    ? PLAIN
    : { control: encodeDescriptors(descriptors, `${argument}.descriptors`), mode: 0 };
}

function kind(): PacketSocketKind {
  return {
    label: LABEL,
    destinations: new DestinationTable((destination: Destination, argument) => unixTarget(destination, argument)),
    encode: (options, _family, argument) => encode(options, argument),
  };
}
