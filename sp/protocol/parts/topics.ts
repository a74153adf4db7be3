/**
 * The topics of a subscriber.
 *
 * @module
 */

/**
 * A part of topics. The root has an empty label; all others have one byte or more, and two children or a subscription, so
 * that there are at most twice as many as topics.
 *
 * Labels are strings with one byte to a character: they take a fraction of what a typed array does, of which there may be a
 * million.
 */
class TopicNode {
  label: string;
  /** How many subscriptions end here. */
  count: number;
  /** By the first byte of their labels, of which no two are the same; sorted. */
  children: TopicNode[] | undefined;

  constructor(label: string, count: number, children?: TopicNode[]) {
    this.label = label;
    this.count = count;
    this.children = children;
  }
}

/**
 * A set of topics, each subscribed to so many times, that says whether a message begins with one.
 *
 * It is a radix tree: what a look costs depends on the length of the topic that matches, not on how many there are.
 */
export class Topics {
  readonly #root = new TopicNode("", 0);
  #size = 0;

  /** How many different topics there are. */
  get size(): number {
    return this.#size;
  }

  /** Subscribes once more. The empty topic is all messages. */
  add(topic: Uint8Array): void {
    const text = textOf(topic);
    let node = this.#root;
    let at = 0;
    while (at < text.length) {
      const index = indexOf(node.children, text.charCodeAt(at));
      if (index < 0) {
        const leaf = new TopicNode(text.slice(at), 0);
        (node.children ??= []).splice(~index, 0, leaf);
        node = leaf;
        break;
      }
      const child = node.children![index];
      const common = commonLength(child.label, text, at);
      if (common < child.label.length) node.children![index] = split(child, common);
      node = node.children![index];
      at += common;
    }
    if (node.count++ === 0) this.#size++;
  }

  /** Takes one subscription back; false if there is none. */
  delete(topic: Uint8Array): boolean {
    const text = textOf(topic);
    let parent: TopicNode | undefined;
    let node = this.#root;
    for (let at = 0; at < text.length; at += node.label.length) {
      const index = indexOf(node.children, text.charCodeAt(at));
      if (index < 0 || !text.startsWith(node.children![index].label, at)) return false;
      parent = node;
      node = node.children![index];
    }
    if (node.count === 0) return false;
    if (--node.count > 0) return true;
    this.#size--;
    if (parent !== undefined) this.#tidy(parent, node);
    return true;
  }

  /** Whether a message begins with one of the topics. */
  matches(body: Uint8Array): boolean {
    let node = this.#root;
    let at = 0;
    for (;;) {
      if (node.count > 0) return true;
      if (node.children === undefined || at === body.length) return false;
      const index = indexOf(node.children, body[at]);
      if (index < 0) return false;
      node = node.children[index];
      const { label } = node;
      if (label.length > body.length - at) return false;
      for (let offset = 1; offset < label.length; offset++) {
        if (label.charCodeAt(offset) !== body[at + offset]) return false;
      }
      at += label.length;
    }
  }

  /** Removes a node that nobody subscribes to, and joins the ones around it. */
  #tidy(parent: TopicNode, node: TopicNode): void {
    const children = node.children ?? [];
    if (children.length > 1) return;
    if (children.length === 1) {
      join(node);
      return;
    }
    const siblings = parent.children!;
    siblings.splice(siblings.indexOf(node), 1);
    if (siblings.length === 0) parent.children = undefined;
    else if (siblings.length === 1 && parent.count === 0 && parent !== this.#root) join(parent);
  }
}

/** A node with the first characters of another's label, and the rest below it. */
function split(node: TopicNode, length: number): TopicNode {
  const above = new TopicNode(node.label.slice(0, length), 0, [node]);
  node.label = node.label.slice(length);
  return above;
}

/** Makes a node and its only child one. */
function join(node: TopicNode): void {
  const [child] = node.children!;
  node.label += child.label;
  node.count = child.count;
  node.children = child.children;
}

/** Where the child is that begins with a byte; where it would be, complemented, if there is none. */
function indexOf(children: TopicNode[] | undefined, byte: number): number {
  let low = 0;
  let high = children === undefined ? 0 : children.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const first = children![middle].label.charCodeAt(0);
    if (first === byte) return middle;
    if (first < byte) low = middle + 1;
    else high = middle;
  }
  return ~low;
}

/** How many characters a label has in common with what a text has from an offset on. */
function commonLength(label: string, text: string, at: number): number {
  let length = 0;
  while (length < label.length && label.charCodeAt(length) === text.charCodeAt(at + length)) length++;
  return length;
}

/** Bytes as characters. */
function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}
