/**
 * Requests and responses over SCTP, in the manner of Diameter (RFC 6733): an identifier joins a response to its request,
 * requests travel on several streams, and none waits for the answer to another.
 *
 *     deno task rig -- deno run -A examples/sctp_request_response.ts
 *
 * @module
 */

import { SctpAssociation, SctpListener, type SctpMessage } from "@sockeye/sockeye/sctp";

/** Diameter in an SCTP DATA chunk, as IANA lists it. */
const PPID = 46;
const STREAMS = 4;
const HEADER_BYTES = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The client's end: any number of requests at a time. */
class Client implements AsyncDisposable {
  readonly #association: SctpAssociation;
  readonly #pending = new Map<number, PromiseWithResolvers<string>>();
  readonly #reading: Promise<void>;
  #nextId = 1;

  constructor(association: SctpAssociation) {
    this.#association = association;
    this.#reading = this.#read();
  }

  /** Sends a request; resolves with its response, rejects with the signal's reason. */
  async request(text: string, signal: AbortSignal): Promise<string> {
    const id = this.#nextId++;
    const response = Promise.withResolvers<string>();
    this.#pending.set(id, response);
    const giveUp = () => response.reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      await this.#association.send(encode(id, text), { streamId: id % STREAMS, ppid: PPID, signal });
      return await response.promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
      this.#pending.delete(id);
    }
  }

  async #read(): Promise<void> {
    // A response to a request that was given up finds nobody, and is dropped.
    for await (const message of this.#association) this.#pending.get(idOf(message))?.resolve(textOf(message));
    for (const { reject } of this.#pending.values()) reject(new Error("the server has shut the association down"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#association.shutdown();
    await this.#reading;
    this.#association.close();
  }
}

using listener = SctpListener.listen("sctp://127.0.0.1:0", { initmsg: { numOstreams: STREAMS } });
const serving = serve();
{
  const association = await SctpAssociation.connect(listener.localAddresses(), {
    initmsg: { numOstreams: STREAMS },
    timeout: 5_000,
  });
  await using client = new Client(association);
  const patience = AbortSignal.timeout(10_000);

  const responses = await Promise.all(["slow", "quick", "quicker"].map((text) => client.request(text, patience)));
  for (const response of responses) console.log("response:", response);

  const impatient = new AbortController();
  const unanswered = client.request("never", impatient.signal);
  impatient.abort(new Error("given up"));
  console.log("response:", await unanswered.catch((error) => error.message));
}
await serving;

/** Answers on the request's stream; the first one last, to show that nobody waits for it. */
async function serve(): Promise<void> {
  using association = await listener.accept({ timeout: 5_000 });
  let held: SctpMessage | undefined;
  for await (const request of association) {
    if (textOf(request) === "never") continue;
    if (textOf(request) === "slow") held = request;
    else await answer(association, request);
    if (held !== undefined && textOf(request) === "quicker") await answer(association, held);
  }
}

async function answer(association: SctpAssociation, request: SctpMessage): Promise<void> {
  const text = textOf(request);
  console.log("answering:", text);
  const { streamId } = request;
  await association.send(encode(idOf(request), `${text} on stream ${streamId}`), { streamId, ppid: PPID });
}

/** A 32-bit identifier, then text. */
function encode(id: number, text: string): Uint8Array {
  const body = encoder.encode(text);
  const message = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(message.buffer).setUint32(0, id);
  message.set(body, HEADER_BYTES);
  return message;
}

function idOf({ data }: SctpMessage): number {
  return new DataView(data.buffer, data.byteOffset).getUint32(0);
}

function textOf({ data }: SctpMessage): string {
  return decoder.decode(data.subarray(HEADER_BYTES));
}
