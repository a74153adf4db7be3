/**
 * The file of a unix listener: its permissions, what a dead program left behind, and who removes it.
 *
 * @module
 */

import { SystemError } from "../../../common/errors.ts";
import { AF_UNIX, bind, connect, Descriptor, SOCK_DGRAM, SOCK_STREAM, socket } from "../../../ffi/mod.ts";
import {
  type FileIdentity,
  fileIdentity,
  isSocketFile,
  removeOwnFile,
  setFileMode,
  setPathMode,
} from "../../../ffi/files.ts";

/** The file that binding made. */
export class SocketFile {
  readonly #path: string;
  readonly #identity: FileIdentity;

  /** @throws {SystemError} As in statx(2). */
  constructor(path: string) {
    this.#path = path;
    this.#identity = fileIdentity(path);
  }

  /** Removes the file, unless somebody else has put another one there. */
  remove(): void {
    removeOwnFile(this.#path, this.#identity);
  }
}

/**
 * Binds a stream socket to a path. A socket file that nobody listens on is replaced.
 *
 * @param fd The socket.
 * @param path The path.
 * @param mode The permissions of the file, which never has more than these; by default what the umask leaves.
 * @throws {SystemError} As in bind(2); `EADDRINUSE` says what is in the way.
 */
export function bindPath(fd: number, path: string, mode: number | undefined): SocketFile {
  if (mode !== undefined) setFileMode(fd, mode);
  try {
    bind(fd, { family: "unix", path });
  } catch (error) {
    if (!(error instanceof SystemError && error.code === "EADDRINUSE")) throw error;
    removeStale(path, error);
    bind(fd, { family: "unix", path });
  }
  const file = new SocketFile(path);
  try {
    // The umask has taken from the mode, so what it took is given back.
    if (mode !== undefined) setPathMode(path, mode);
    return file;
  } catch (error) {
    file.remove();
    throw error;
  }
}

/** Removes the file if it is a socket that nobody listens on. */
function removeStale(path: string, cause: SystemError): void {
  try {
    const file = new SocketFile(path);
    if (!isSocketFile(path)) throw inTheWay(path, "there is a file that is no socket; choose another path", cause);
    if (isListenedOn(path)) {
      throw inTheWay(path, "another program listens there; end it, or choose another path", cause);
    }
    // Not whatever is there by now: another program may have replaced it already.
    file.remove();
  } catch (error) {
    if (!(error instanceof SystemError && error.code === "ENOENT")) throw error;
  }
}

/**
 * Whether somebody has the file.
 *
 * A socket of another type asks first: it is refused where nobody is, told that the type is wrong where somebody is, unix(7),
 * and never connected. For libnng 1.5 accepts nobody any more after a connection that ends before it has greeted.
 */
function isListenedOn(path: string): boolean {
  return isAnswered(path, SOCK_DGRAM) || isAnswered(path, SOCK_STREAM);
}

/** connect(2) refuses only where nobody listens; whatever else it says, somebody has the file. */
function isAnswered(path: string, type: number): boolean {
  const probe = Descriptor.adopt(socket(AF_UNIX, type), "probe");
  try {
    connect(probe.fd, { family: "unix", path });
    return true;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (error.code === "ENOENT") throw error;
    return error.code !== "ECONNREFUSED";
  } finally {
    probe.close();
  }
}

function inTheWay(path: string, reason: string, cause: SystemError): SystemError {
  const { code, errno, syscall } = cause;
  return new SystemError(`bind ${path}: ${reason}`, { code, errno, syscall, address: path }, { cause });
}
