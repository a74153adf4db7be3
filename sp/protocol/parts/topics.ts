/**
 * The topics of a subscriber.
 *
 * @module
 */

/** The basis and the prime of FNV-1a with 32 bits. */
const FNV_BASIS = 0x811c9dc5 | 0, FNV_PRIME = 0x01000193;

/** The words of an entry: where its bytes begin, how many there are, their hash, and how many subscriptions there are. */
const OFFSET = 0, LENGTH = 1, HASH = 2, COUNT = 3;
const ENTRY_WORDS = 4;

/** As many as V8 keeps without a buffer of their own: many subscribers have one topic. */
const LEAST_ENTRIES = 4, LEAST_BYTES = 64;
/** So many topics are compared one by one, which is quicker than hashing. */
const FEW = 8;
/** Slots of the hash table to an entry; a power of two, as the number of entries is. */
const SLOTS_PER_ENTRY = 2;

/**
 * A set of topics, each subscribed to so many times, that says whether a message begins with one.
 *
 * A few are compared one by one. Many are looked up in a hash table, once for each length that a topic has; the hash of a
 * longer prefix goes on from that of a shorter one. What that costs depends on the lengths of topics, not on how many there
 * are. The table, its entries and their bytes are in one typed array each, for there may be a million topics in a process.
 */
export class Topics {
  /** 0, or the number of an entry and one; linear probing. */
  #slots = new Int32Array(LEAST_ENTRIES * SLOTS_PER_ENTRY);
  /** As many entries as topics, and room for more. */
  #entries = new Int32Array(LEAST_ENTRIES * ENTRY_WORDS);
  /** The bytes of all topics, with gaps where some have gone. */
  #bytes = new Uint8Array(LEAST_BYTES);
  /** Where no bytes are any more. */
  #bytesEnd = 0;
  /** Bytes that are not in gaps. */
  #bytesUsed = 0;
  #size = 0;
  /** The lengths that topics have, sorted, and how many have each. */
  readonly #lengths: number[] = [];
  readonly #lengthCounts: number[] = [];

  /** How many different topics there are. */
  get size(): number {
    return this.#size;
  }

  /** Subscribes once more. The empty topic is all messages. */
  add(topic: Uint8Array): void {
    const hash = hashOf(topic);
    const found = this.#find(topic, topic.length, hash);
    if (found >= 0) {
      this.#entries[found * ENTRY_WORDS + COUNT]++;
      return;
    }
    if (this.#size * ENTRY_WORDS === this.#entries.length) this.#resize(this.#size * 2);
    if (this.#bytesEnd + topic.length > this.#bytes.length) this.#pack(topic.length);
    const entry = this.#size++;
    const at = entry * ENTRY_WORDS;
    this.#entries[at + OFFSET] = this.#bytesEnd;
    this.#entries[at + LENGTH] = topic.length;
    this.#entries[at + HASH] = hash;
    this.#entries[at + COUNT] = 1;
    this.#bytes.set(topic, this.#bytesEnd);
    this.#bytesEnd += topic.length;
    this.#bytesUsed += topic.length;
    this.#slots[this.#slotOf(hash, -1)] = entry + 1;
    this.#countLength(topic.length, 1);
  }

  /** Takes one subscription back; false if there is none. */
  delete(topic: Uint8Array): boolean {
    const hash = hashOf(topic);
    const entry = this.#find(topic, topic.length, hash);
    if (entry < 0) return false;
    if (--this.#entries[entry * ENTRY_WORDS + COUNT] > 0) return true;
    this.#free(this.#slotOf(hash, entry));
    const last = --this.#size;
    if (entry !== last) {
      this.#slots[this.#slotOf(this.#entries[last * ENTRY_WORDS + HASH], last)] = entry + 1;
      this.#entries.copyWithin(entry * ENTRY_WORDS, last * ENTRY_WORDS, (last + 1) * ENTRY_WORDS);
    }
    this.#bytesUsed -= topic.length;
    this.#countLength(topic.length, -1);
    const capacity = this.#entries.length / ENTRY_WORDS;
    if (capacity > LEAST_ENTRIES && this.#size <= capacity / 8) {
      this.#resize(capacity / 4);
      this.#pack(0);
    }
    return true;
  }

  /** Whether a message begins with one of the topics. */
  matches(body: Uint8Array): boolean {
    if (this.#size <= FEW) return this.#beginsWithOneOf(body);
    const lengths = this.#lengths;
    let hash = FNV_BASIS;
    let at = 0;
    for (let index = 0; index < lengths.length; index++) {
      const length = lengths[index];
      if (length > body.length) return false;
      for (; at < length; at++) hash = Math.imul(hash ^ body[at], FNV_PRIME);
      if (this.#find(body, length, hash) >= 0) return true;
    }
    return false;
  }

  #beginsWithOneOf(body: Uint8Array): boolean {
    const entries = this.#entries;
    const bytes = this.#bytes;
    const end = this.#size * ENTRY_WORDS;
    next: for (let at = 0; at < end; at += ENTRY_WORDS) {
      const length = entries[at + LENGTH];
      if (length > body.length) continue;
      const offset = entries[at + OFFSET];
      for (let index = 0; index < length; index++) if (bytes[offset + index] !== body[index]) continue next;
      return true;
    }
    return false;
  }

  /** The entry of the topic that the first bytes of `body` are; -1 if they are none. */
  #find(body: Uint8Array, length: number, hash: number): number {
    const slots = this.#slots;
    const entries = this.#entries;
    const bytes = this.#bytes;
    const mask = slots.length - 1;
    next: for (let slot = spread(hash) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const entry = slots[slot] - 1;
      const at = entry * ENTRY_WORDS;
      if (entries[at + HASH] !== hash || entries[at + LENGTH] !== length) continue;
      const offset = entries[at + OFFSET];
      for (let index = 0; index < length; index++) if (bytes[offset + index] !== body[index]) continue next;
      return entry;
    }
    return -1;
  }

  /** The slot that has an entry; with entry -1 the free one where an entry with that hash belongs. */
  #slotOf(hash: number, entry: number): number {
    const mask = this.#slots.length - 1;
    let slot = spread(hash) & mask;
    while (this.#slots[slot] !== entry + 1) slot = (slot + 1) & mask;
    return slot;
  }

  /** Frees a slot, and moves up those behind it that would not be found past a free one. */
  #free(slot: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let gap = slot;
    for (let next = (gap + 1) & mask; slots[next] !== 0; next = (next + 1) & mask) {
      const home = spread(this.#entries[(slots[next] - 1) * ENTRY_WORDS + HASH]) & mask;
      if (((next - home) & mask) < ((next - gap) & mask)) continue;
      slots[gap] = slots[next];
      gap = next;
    }
    slots[gap] = 0;
  }

  /** Gives the table another number of entries. */
  #resize(capacity: number): void {
    const entries = new Int32Array(capacity * ENTRY_WORDS);
    entries.set(this.#entries.subarray(0, this.#size * ENTRY_WORDS));
    this.#entries = entries;
    this.#slots = new Int32Array(capacity * SLOTS_PER_ENTRY);
    for (let entry = 0; entry < this.#size; entry++) {
      this.#slots[this.#slotOf(entries[entry * ENTRY_WORDS + HASH], -1)] = entry + 1;
    }
  }

  /** Closes the gaps between bytes, and makes room for at least as many again as there are, and for those that come. */
  #pack(coming: number): void {
    const bytes = new Uint8Array(Math.max(LEAST_BYTES, (this.#bytesUsed + coming) * 2));
    let end = 0;
    for (let at = 0; at < this.#size * ENTRY_WORDS; at += ENTRY_WORDS) {
      const offset = this.#entries[at + OFFSET];
      const length = this.#entries[at + LENGTH];
      bytes.set(this.#bytes.subarray(offset, offset + length), end);
      this.#entries[at + OFFSET] = end;
      end += length;
    }
    this.#bytes = bytes;
    this.#bytesEnd = end;
  }

  /** One topic more, or less, has a length. */
  #countLength(length: number, change: number): void {
    const lengths = this.#lengths;
    let low = 0;
    let high = lengths.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lengths[middle] < length) low = middle + 1;
      else high = middle;
    }
    if (lengths[low] !== length) {
      lengths.splice(low, 0, length);
      this.#lengthCounts.splice(low, 0, 0);
    }
    this.#lengthCounts[low] += change;
    if (this.#lengthCounts[low] === 0) {
      lengths.splice(low, 1);
      this.#lengthCounts.splice(low, 1);
    }
  }
}

function hashOf(topic: Uint8Array): number {
  let hash = FNV_BASIS;
  for (let at = 0; at < topic.length; at++) hash = Math.imul(hash ^ topic[at], FNV_PRIME);
  return hash;
}

/** Mixes the upper bits of a hash into the lower ones, which choose the slot: in FNV-1a those depend on few bits of the bytes. */
function spread(hash: number): number {
  return hash ^ (hash >>> 16);
}
