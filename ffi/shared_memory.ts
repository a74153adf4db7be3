/**
 * Memory that several processes see: memfd_create(2), shm_open(3), mmap(2).
 *
 * It owns the mapping and its descriptor. What lies in the memory is its users' business.
 *
 * @module
 */

import { ArgumentError, ClosedError, StateError, SystemError } from "../common/errors.ts";
import { checkInteger } from "./arguments.ts";
import {
  F_ADD_SEALS,
  F_GET_SEALS,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MFD_ALLOW_SEALING,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
} from "./constants.ts";
import { Descriptor } from "./descriptor.ts";
import { allocateFile, fileSize, setFileMode } from "./files.ts";
import { closeWords } from "./futex.ts";
import { checked, libc } from "./libc.ts";
import { fcntl, ftruncate, memfdCreate, mmap, munmap, shmOpen, shmUnlink } from "./syscalls.ts";

/** How shared memory is made. */
export interface SharedMemoryOptions {
  /**
   * The name under which other processes open it, up to 254 bytes without `/`. Without a name it is shared by handing over
   * the descriptor.
   */
  name?: string;
  /**
   * The permissions of named memory, whatever the umask.
   *
   * @default {0o600}
   */
  mode?: number;
  /**
   * Whether the size of memory without a name is fixed for ever, so that whoever it is handed to knows that it can't be
   * cut off under their feet: `F_SEAL_SHRINK` of fcntl(2).
   *
   * @default {true}
   */
  sealed?: boolean;
}

/** What {@linkcode SharedMemory.adopt} asks of memory that somebody else made. */
export interface AdoptMemoryOptions {
  /**
   * Refuses memory whose maker can shrink it: touching what is cut off would end this process with SIGBUS. For makers
   * that aren't trusted.
   *
   * @default {false}
   */
  sealed?: boolean;
}

interface Mapping {
  readonly address: number;
  readonly length: number;
}

const NO_OPTIONS = Object.freeze({});
const READ_WRITE = PROT_READ | PROT_WRITE;
const SIZE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
/** What the runtimes take as the length of an `ArrayBuffer`. */
const MAX_SIZE = 0x1_0000_0000;

/** Unmaps once nobody can reach a buffer any more. */
const unreachable = new FinalizationRegistry<Mapping>(({ address, length }) => munmap(address, length));

/** For handles that nobody closed: their buffer may still be in use. */
const abandoned = new FinalizationRegistry<{ mapping: Mapping; buffer: ArrayBuffer }>(
  ({ mapping, buffer }) => unmapWhenUnreachable(mapping, buffer),
);

/** A buffer that was transferred lives on as another object, which nothing leads to from here: its memory stays. */
function unmapWhenUnreachable(mapping: Mapping, buffer: ArrayBuffer): void {
  if (buffer.byteLength > 0) unreachable.register(buffer, mapping);
}

/**
 * Memory that is mapped here and wherever else it is opened, as an `ArrayBuffer` on which `Atomics` works between
 * processes.
 *
 * Other processes get at it by its name, or by its descriptor, handed over with `encodeDescriptors` or
 * `writeWithDescriptors`. Views on `buffer` hold the mapping; it must not be transferred to a Worker or detached. Once
 * closed, what views are left see zeros, and what they write goes nowhere: touching them is a mistake, but never a crash.
 *
 * @example Two views on the same memory
 * ```ts
 * import { SharedMemory } from "@sockeye/sockeye/ffi";
 * import assert from "node:assert/strict";
 *
 * const name = `example-${crypto.randomUUID()}`;
 * using ours = SharedMemory.create(4096, { name });
 * using theirs = SharedMemory.open(name); // as another process would
 * ours.unlink();
 *
 * Atomics.store(new Int32Array(ours.buffer), 0, 42);
 * assert.equal(Atomics.load(new Int32Array(theirs.buffer), 0), 42);
 * ```
 */
export class SharedMemory implements Disposable, AsyncDisposable {
  /** The name under which it was made or opened; `undefined` for memory without one. */
  readonly name: string | undefined;
  /** Its size in bytes. */
  readonly size: number;

  readonly #descriptor: Descriptor;
  readonly #mapping: Mapping;
  #buffer: ArrayBuffer | undefined;

  private constructor(descriptor: Descriptor, size: number, name: string | undefined) {
    this.#descriptor = descriptor;
    this.size = size;
    this.name = name;
    this.#mapping = { address: mmap(size, READ_WRITE, MAP_SHARED, descriptor.fd), length: size };
    try {
      this.#buffer = libc().runtime.viewOf(this.#mapping.address, size);
    } catch (error) {
      munmap(this.#mapping.address, size);
      throw error;
    }
    abandoned.register(this, { mapping: this.#mapping, buffer: this.#buffer }, this);
  }

  /**
   * Makes memory, filled with zeros.
   *
   * @param size Bytes, 1 to 4 GiB.
   * @param options Its name, or that its size may change.
   * @throws {ArgumentError} When the size or an option is not allowed.
   * @throws {SystemError} `EEXIST` when the name is taken; `ENOSPC` when /dev/shm is full; as in memfd_create(2),
   * shm_open(3), mmap(2).
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static create(size: number, options: SharedMemoryOptions = NO_OPTIONS): SharedMemory {
    const { name, mode = 0o600, sealed = name === undefined } = options;
    checkInteger("size", size, 1, MAX_SIZE);
    checkInteger("options.mode", mode, 0, 0o777);
    if (name === undefined) return SharedMemory.#createUnnamed(size, sealed);
    if (sealed) {
      throw new ArgumentError("options.sealed", "named memory can't be sealed; leave out the name or the seal");
    }

    const path = pathOf(name, "options.name");
    const descriptor = Descriptor.adopt(shmOpen(path, O_RDWR | O_CREAT | O_EXCL, mode), "shared memory");
    try {
      // The umask has taken from the mode, so what it took is given back.
      setFileMode(descriptor.fd, mode);
      // A page that /dev/shm has no room for would be a SIGBUS when it is touched; asked for now it is an error.
      allocateFile(descriptor.fd, size);
      return new SharedMemory(descriptor, size, name);
    } catch (error) {
      descriptor.close();
      shmUnlink(path);
      throw error;
    }
  }

  static #createUnnamed(size: number, sealed: boolean): SharedMemory {
    const descriptor = Descriptor.adopt(memfdCreate("sockeye", sealed ? MFD_ALLOW_SEALING : 0), "shared memory");
    try {
      ftruncate(descriptor.fd, size);
      if (sealed) fcntl(descriptor.fd, F_ADD_SEALS, SIZE_SEALS);
      return new SharedMemory(descriptor, size, undefined);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  /**
   * Opens memory that another process made under a name.
   *
   * @param name The name.
   * @throws {ArgumentError} When the name is not allowed.
   * @throws {StateError} When it is only just being made and has no size yet; try again.
   * @throws {SystemError} As in shm_open(3): `ENOENT`, `EACCES`, …
   * @throws {UnsupportedError} Where there is no libc to call.
   */
  static open(name: string): SharedMemory {
    const path = pathOf(name, "name");
    return SharedMemory.#map(Descriptor.adopt(shmOpen(path, O_RDWR), "shared memory"), name);
  }

  /**
   * Maps memory by its descriptor, which it owns from now on, also when this fails; for instance one that came over a unix
   * socket.
   *
   * @param descriptor The descriptor.
   * @param options What is asked of it.
   * @throws {ArgumentError} When it should be sealed and isn't.
   * @throws {ClosedError} When the descriptor is closed.
   * @throws {StateError} When it has no size yet.
   * @throws {SystemError} As in mmap(2): `EACCES` when it is open for reading only, …
   */
  static adopt(descriptor: Descriptor, options: AdoptMemoryOptions = NO_OPTIONS): SharedMemory {
    if (options.sealed && !isSealed(descriptor)) {
      descriptor.close();
      throw new ArgumentError("descriptor", "can be shrunk by its maker, who should make it with `sealed`");
    }
    return SharedMemory.#map(descriptor, undefined);
  }

  static #map(descriptor: Descriptor, name: string | undefined): SharedMemory {
    try {
      const size = fileSize(descriptor.fd);
      if (size === 0) throw new StateError("shared memory: it has no size yet; try again when its maker is done");
      if (size > MAX_SIZE) throw new ArgumentError("descriptor", `has ${size} bytes, ${MAX_SIZE} can be mapped`);
      return new SharedMemory(descriptor, size, name);
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  /**
   * The memory.
   *
   * @throws {ClosedError} When it is closed.
   */
  get buffer(): ArrayBuffer {
    if (this.#buffer === undefined) throw new ClosedError("the shared memory is closed; map it anew");
    return this.#buffer;
  }

  /**
   * The descriptor, to hand over.
   *
   * @throws {ClosedError} When it is closed.
   */
  get fd(): number {
    return this.#descriptor.fd;
  }

  /** True once it is closed. */
  get isClosed(): boolean {
    return this.#buffer === undefined;
  }

  /**
   * Removes the name. Whoever has opened the memory keeps it; it goes when the last one closes it.
   *
   * @throws {StateError} When it has no name.
   * @throws {SystemError} `ENOENT` when the name was removed before.
   */
  unlink(): void {
    if (this.name === undefined) throw new StateError("unlink: this memory has no name; closing it is enough");
    shmUnlink(pathOf(this.name, "name"));
  }

  /**
   * Gives the memory back. Waits on its words get a `ClosedError`, views that are left see zeros; does nothing the second
   * time. A name stays until {@linkcode SharedMemory.unlink}.
   */
  close(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.#buffer = undefined;
    abandoned.unregister(this);
    closeWords(buffer, new ClosedError("the shared memory was closed; map it anew"));
    try {
      // Views can't be taken back, so the addresses stay valid, with nothing behind them, until no view is left.
      const { address, length } = this.#mapping;
      const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
      checked(libc().symbols.mmap(address, length, READ_WRITE, flags, -1, 0), "mmap");
    } finally {
      unmapWhenUnreachable(this.#mapping, buffer);
      this.#descriptor.close();
    }
  }

  /** The same as {@linkcode SharedMemory.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The same as {@linkcode SharedMemory.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

/** shm_open(3): a slash, then up to `NAME_MAX` (255) bytes without another, of which the slash counts as one. */
function pathOf(name: string, argument: string): string {
  const bytes = new TextEncoder().encode(name);
  if (
    bytes.length >= 1 && bytes.length <= 254 && !name.includes("/") && !name.includes("\0") && !/^\.\.?$/.test(name)
  ) {
    return `/${name}`;
  }
  throw new ArgumentError(argument, `must have 1 to 254 bytes without "/", got ${JSON.stringify(name.slice(0, 300))}`);
}

function isSealed(descriptor: Descriptor): boolean {
  try {
    return (fcntl(descriptor.fd, F_GET_SEALS) & F_SEAL_SHRINK) !== 0;
  } catch (error) {
    // fcntl(2): only memfds have seals.
    if (error instanceof SystemError && error.code === "EINVAL") return false;
    descriptor.close();
    throw error;
  }
}
