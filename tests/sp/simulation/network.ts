/**
 * A network that is slow, loses, doubles, reorders, and breaks.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Engine } from "../../../sp/protocol/engine.ts";
import type { Pipe } from "../../../sp/protocol/pipe.ts";
import type { Random } from "./random.ts";
import type { Simulation } from "./simulation.ts";

/** How a network behaves; it may be changed at any time. */
export interface Conditions {
  /** How long a message takes at most, in milliseconds. */
  latency: number;
  /** How many messages a pipe takes that have not been delivered yet. */
  capacity: number;
  /** The probability that a message is lost. */
  loss: number;
  /** How long a connection lasts on average, in milliseconds, and how long it is away then. */
  lifetime: number;
  /** Whether messages by one pipe overtake each other, as datagrams do. */
  isReordering: boolean;
  /** The probability that a message comes twice. */
  duplication: number;
}

/** A network where nothing goes wrong. */
export const FINE: Conditions = {
  latency: 5,
  capacity: 4,
  loss: 0,
  lifetime: Infinity,
  isReordering: false,
  duplication: 0,
};

/** A message at the other end. What comes a second time takes no room from the sender. */
interface Arrival {
  bytes: Uint8Array;
  isCopy: boolean;
}

/** One end of a connection. */
class SimulatedPipe implements Pipe {
  readonly maxSendSize = Infinity;
  readonly id: number;
  state: unknown;
  peer!: SimulatedPipe;
  /** False once the connection is broken, which the engine may not know yet. */
  isOpen = true;
  isAttached = false;
  /** Called when it breaks. */
  onBroken: () => void = () => {};
  /** Messages that were taken and not delivered yet. */
  inFlight = 0;
  readonly #network: Network;
  readonly #engine: Engine;
  /** What was taken last, and is not on its way yet. */
  #staged: Uint8Array[] = [];
  #arrived: Arrival[] = [];
  #isPaused = false;
  #isRefused = false;
  #lastArrival = 0;

  constructor(network: Network, engine: Engine, id: number) {
    this.#network = network;
    this.#engine = engine;
    this.id = id;
  }

  send(header: Uint8Array, body: Uint8Array): boolean {
    assert.ok(this.isAttached, "a message for a pipe that is not attached");
    if (this.inFlight >= this.#network.conditions.capacity) {
      this.#isRefused = true;
      return false;
    }
    const bytes = new Uint8Array(header.length + body.length);
    bytes.set(header);
    bytes.set(body, header.length);
    this.inFlight++;
    this.#staged.push(bytes);
    if (this.#staged.length === 1) this.#network.simulation.after(0.1, () => this.#depart());
    return true;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#network.simulation.after(0, () => this.#deliver());
  }

  close(): void {
    this.#network.simulation.after(0, () => this.break());
  }

  reclaim(): Uint8Array[] {
    const staged = this.#staged;
    this.#staged = [];
    return staged;
  }

  attach(): boolean {
    this.isAttached = true;
    this.isAttached = this.#engine.attach(this, this.#network.simulation.now);
    return this.isAttached;
  }

  /** Ends the connection. Each engine learns of it in its own time, and what is on its way is lost. */
  break(): void {
    if (!this.isOpen) return;
    this.onBroken();
    this.peer.onBroken();
    for (const end of [this, this.peer]) {
      end.isOpen = false;
      this.#network.simulation.after(this.#network.random.integer(0, 20), () => end.detach());
    }
  }

  detach(): void {
    if (!this.isAttached) return;
    this.#engine.detach(this, this.#network.simulation.now);
    this.isAttached = false;
    this.#network.lost += this.#arrived.length;
    this.#arrived = [];
  }

  #depart(): void {
    const { simulation, random, conditions } = this.#network;
    for (const bytes of this.#staged) {
      if (!this.isOpen || random.chance(conditions.loss)) {
        this.#network.lost++;
        this.peer.#free();
        continue;
      }
      const arrival = simulation.now + random.next() * conditions.latency;
      this.#lastArrival = conditions.isReordering ? arrival : Math.max(this.#lastArrival, arrival);
      simulation.at(this.#lastArrival, () => this.peer.#arrive({ bytes, isCopy: false }));
      if (!random.chance(conditions.duplication)) continue;
      this.#network.duplicated++;
      const copy = { bytes: bytes.slice(), isCopy: true };
      simulation.at(this.#lastArrival + random.next() * conditions.latency, () => this.peer.#arrive(copy));
    }
    this.#staged = [];
  }

  #arrive(arrival: Arrival): void {
    if (!this.isOpen || !this.isAttached) {
      this.#network.lost++;
      return;
    }
    this.#arrived.push(arrival);
    this.#deliver();
  }

  #deliver(): void {
    while (!this.#isPaused && this.isOpen && this.isAttached && this.#arrived.length > 0) {
      const { bytes, isCopy } = this.#arrived.shift()!;
      if (!isCopy) this.#free();
      this.#engine.receive(this, bytes, this.#network.simulation.now);
    }
  }

  /** The peer has room for one more. */
  #free(): void {
    const { peer } = this;
    peer.inFlight--;
    if (!peer.#isRefused) return;
    peer.#isRefused = false;
    this.#network.simulation.after(0, () => {
      if (peer.isAttached) peer.#engine.writable(peer, this.#network.simulation.now);
    });
  }
}

/** Connections between engines, under conditions. */
export class Network {
  readonly simulation: Simulation;
  readonly random: Random;
  conditions: Conditions;
  /** How many messages were lost, by chance or with their connections. */
  lost = 0;
  /** How many came twice. */
  duplicated = 0;
  #nextId = 1;

  constructor(simulation: Simulation, random: Random, conditions: Partial<Conditions> = {}) {
    this.simulation = simulation;
    this.random = random;
    this.conditions = { ...FINE, ...conditions };
  }

  /** Connects two engines, and does so again after the connection has broken, or was refused. */
  connect(a: Engine, b: Engine): void {
    const ends = [new SimulatedPipe(this, a, this.#nextId++), new SimulatedPipe(this, b, this.#nextId++)];
    [ends[0].peer, ends[1].peer] = [ends[1], ends[0]];
    ends[0].onBroken = () => this.simulation.after(this.random.integer(30, 200), () => this.connect(a, b));
    const areAttached = ends.map((end) => end.attach());
    if (areAttached.includes(false)) {
      ends[0].break();
      return;
    }
    const { lifetime } = this.conditions;
    if (lifetime === Infinity) return;
    this.simulation.after(this.random.integer(1, 2 * lifetime), () => {
      if (this.conditions.lifetime !== Infinity) ends[0].break();
    });
  }
}
