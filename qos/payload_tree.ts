/**
 * Numbered packets by the bytes that their payloads begin with: a radix tree (a trie without nodes that only lead on).
 *
 * Packets come in the order of their numbers and go in that order, oldest first. That is what keeps nodes small: a node
 * stores no bytes, since those of the newest packet below it, which is the last of them to go, begin with the same; and
 * whether all packets below it carry one label is told by the number of the newest that carries another. Nothing here
 * knows what a label is, or an address.
 *
 * @module
 */

/** The packets that nodes refer to by their numbers. */
export interface PacketBytes {
  /** Where the payloads are. */
  readonly bytes: Uint8Array;
  /** The number of the oldest packet that is still there. */
  readonly oldest: number;
  /** Where in `bytes` a packet's payload begins. */
  offsetOf(packet: number): number;
}

/** Where payloads part, or where one ends. */
export class PayloadNode {
  /** How many bytes all payloads below have in common. */
  readonly depth: number;
  /** Where the one byte less deep is looked up; none for the root. */
  parent: PayloadNode | undefined;
  /** What follows, by the next byte. */
  children: Map<number, PayloadNode> | undefined;
  /** How many packets end here. */
  count = 0;
  /** The newest of them; the others are found through the list that its owner keeps. */
  last = -1;
  /** The newest packet here or below. */
  newest = -1;
  /** Its label. */
  label: unknown;
  /** The newest packet here or below whose label is another. */
  newestOther = -1;

  /** Makes an empty node. */
  constructor(parent: PayloadNode | undefined, depth: number) {
    this.parent = parent;
    this.depth = depth;
  }

  /** Whether every packet here and below that is still there carries {@linkcode PayloadNode.label}. */
  isUniform(oldest: number): boolean {
    return this.newestOther < oldest;
  }

  /** Notes a packet that is here or below. */
  note(packet: number, label: unknown): void {
    if (!Object.is(label, this.label)) this.newestOther = this.newest;
    this.label = label;
    this.newest = packet;
  }
}

/**
 * Puts a packet in its place.
 *
 * @param root The tree.
 * @param packet Its number, larger than that of any other packet in the tree.
 * @param length How many bytes of its payload there are.
 * @returns The node where it ends.
 */
export function addPacket(
  root: PayloadNode,
  packets: PacketBytes,
  packet: number,
  length: number,
  label: unknown,
): PayloadNode {
  const { bytes } = packets;
  const start = packets.offsetOf(packet);
  let node = root;
  for (;;) {
    node.note(packet, label);
    if (node.depth === length) return node;
    const byte = bytes[start + node.depth];
    const child = node.children?.get(byte);
    if (child === undefined) {
      const leaf = new PayloadNode(node, length);
      (node.children ??= new Map()).set(byte, leaf);
      leaf.note(packet, label);
      return leaf;
    }
    const other = packets.offsetOf(child.newest);
    const end = Math.min(child.depth, length);
    let depth = node.depth + 1;
    while (depth < end && bytes[start + depth] === bytes[other + depth]) depth++;
    node = depth === child.depth ? child : split(node, byte, child, depth, bytes[other + depth]);
  }
}

/** A new node between two, `depth` bytes deep; `next` is the byte by which it leads to the lower one. */
function split(above: PayloadNode, byte: number, below: PayloadNode, depth: number, next: number): PayloadNode {
  const node = new PayloadNode(above, depth);
  node.newest = below.newest;
  node.label = below.label;
  node.newestOther = below.newestOther;
  node.children = new Map([[next, below]]);
  below.parent = node;
  above.children!.set(byte, node);
  return node;
}

/**
 * Takes nodes away that no packet needs any more.
 *
 * @param node Where a packet was the last one.
 * @param start Where that packet's payload begins in `bytes`.
 */
export function prune(node: PayloadNode, bytes: Uint8Array, start: number): void {
  const { parent } = node;
  if (parent === undefined || node.count > 0) return;
  const branches = node.children?.size ?? 0;
  if (branches > 1) return;
  if (branches === 1) {
    const [child] = node.children!.values();
    child.parent = parent;
    parent.children!.set(bytes[start + parent.depth], child);
    return;
  }
  parent.children!.delete(bytes[start + parent.depth]);
  prune(parent, bytes, start);
}

/**
 * The node at and below which all payloads are that begin with a quotation.
 *
 * @param quoted How many bytes of `quote` are looked at; none of the payloads is longer in the tree.
 * @param passing Told of each node on the way at which shorter payloads end.
 * @returns `undefined` if there is none.
 */
export function findPayloads(
  root: PayloadNode,
  packets: PacketBytes,
  quote: Uint8Array,
  quoted: number,
  passing: (node: PayloadNode) => void,
): PayloadNode | undefined {
  const { bytes } = packets;
  let node = root;
  while (node.depth < quoted) {
    if (node.count > 0) passing(node);
    const child = node.children?.get(quote[node.depth]);
    if (child === undefined) return undefined;
    const start = packets.offsetOf(child.newest);
    const end = Math.min(child.depth, quoted);
    for (let depth = node.depth + 1; depth < end; depth++) {
      if (bytes[start + depth] !== quote[depth]) return undefined;
    }
    node = child;
  }
  return node;
}
