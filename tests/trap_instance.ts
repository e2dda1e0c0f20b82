/**
 * An instance of a system `trap` that writes `Trap.value`, played by a test: it
 * knows nothing but the protocol, and returns forged results as long as it is
 * told to.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Message } from "../lib/bus/bus.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { signatureText, systemSignature } from "../lib/manifest/signature.ts";
import { decodeMessage } from "../lib/wire/codec.ts";
import type { Chunk, MessageOf } from "../lib/wire/messages.ts";
import { PROTOCOL_VERSION } from "../lib/wire/protocol.ts";
import { requestMessage } from "../lib/wire/request.ts";
import type { Onlooker } from "./e2e.ts";
import { encodeRaw } from "./malformed.ts";

const REQUEST_TIMEOUT_MS = 10_000;

/** As many 32-bit words of zeros. */
export function word(length: number): Uint8Array {
  return new Uint8Array(4 * length);
}

/** Plays an instance of `trap`, written from the protocol alone. */
export class TrapInstance {
  forged = 0;
  readonly #onlooker: Onlooker;
  readonly #manifest: SystemManifest;
  readonly #forgeriesMax: number;

  /** @param forgeriesMax how many forged results to return before good ones */
  constructor(onlooker: Onlooker, manifest: SystemManifest, forgeriesMax = 0) {
    this.#onlooker = onlooker;
    this.#forgeriesMax = forgeriesMax;
    this.#manifest = manifest;
  }

  async start(): Promise<void> {
    const { bus, subjects } = this.#onlooker;
    const reply = await requestMessage(bus, subjects.register, {
      type: "SystemDescriptor",
      value: {
        protocol: PROTOCOL_VERSION,
        name: "trap",
        instance_id: "trapper",
        query: signatureText(this.#manifest),
        schema_hash: systemSignature(this.#manifest),
        credits: 1,
      },
      replyType: "RegisterReply",
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
    assert(reply.accepted, reply.reason);
    this.#offerCredit();
  }

  #offerCredit(): void {
    const { bus, subjects } = this.#onlooker;
    const { queue } = this.#manifest;
    bus.subscribe(subjects.schedule("trap"), (message) => this.#take(message), { queue, max: 1 });
  }

  /** Answers with a forged result as long as there are some, then with good ones. */
  #take(message: Message): void {
    const { bus, subjects } = this.#onlooker;
    const { sets: _sets, dt: _dt, chunks, ...attempt } = decodeMessage("SystemSchedule", message);
    const good = { ...attempt, instance_id: "trapper", compute_ms: 0, chunks, commands: [] };
    const forgeries = forgeriesOf(good);
    const result = this.forged < this.#forgeriesMax
      ? forgeries[this.forged++ % forgeries.length]
      : good;
    const raw = encodeRaw("ComponentShard", result);
    this.#offerCredit();
    bus.publish(subjects.componentChanged("trap"), raw.data, { headers: raw.headers });
  }
}

type Result = MessageOf<"ComponentShard">;

/** Results of an open attempt that claim what they may not. */
function forgeriesOf(good: Result): Result[] {
  const [chunk] = good.chunks;
  const withChunk = (change: Partial<Chunk>) => ({ ...good, chunks: [{ ...chunk, ...change }] });
  const columns = chunk.columns;
  const withPatch = (key: string, patch: { rows: Uint8Array; values: Uint8Array | number[] }) =>
    withChunk({ columns: {}, patches: { [key]: patch } });
  return [
    { ...good, chunks: [] },
    { ...good, chunks: [chunk, chunk] },
    withChunk({ archetype: chunk.archetype + 1n }),
    withChunk({ first: 1 }),
    withChunk({ count: 2 ** 32 - 1 }),
    withChunk({ rows: word(1) }),
    withPatch("Trap.value", { rows: word(1), values: word(2) }),
    withPatch("Trap.value", { rows: Uint8Array.of(1, 0, 0, 0), values: word(1) }),
    withPatch("Trap.value", { rows: Uint8Array.of(0), values: word(0) }),
    withPatch("Trap.value", { rows: word(2), values: word(2) }),
    withPatch("Trap.value", { rows: word(1), values: [1] }),
    withPatch("Position.value", { rows: word(1), values: word(3) }),
    withChunk({ columns: { "Trap.value": word(2) } }),
    withChunk({ columns: { "Trap.value": [1] } }),
    withChunk({ columns: { ...columns, "Position.value": word(3) } }),
    withChunk({ columns: { ...columns, constructor: word(1) } }),
    { ...good, commands: [{ op: "spawn", components: { Nonsense: {} } }] },
    { ...good, commands: [{ op: "set", entity: 1, component: "Trap", value: { value: "x" } }] },
  ];
}
