/**
 * Fuzzes the codec, and all that takes what it has decoded: chunks, results,
 * patches, broadcast sets, commands and queries.
 *
 * @module
 */
import { QueryService } from "../coordinator/query_service.ts";
import { Watches } from "../coordinator/watches.ts";
import { applyCommands } from "../lib/ecs/command.ts";
import type { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { Broadcasts } from "../lib/runtime/broadcasts.ts";
import { ShardRunner } from "../lib/runtime/run_shard.ts";
import { decodeResult, decodeSelection, mergeResult } from "../lib/wire/chunk.ts";
import { decodePayload } from "../lib/wire/codec.ts";
import type { RowSelection } from "../lib/wire/column.ts";
import { parseCommands } from "../lib/wire/command.ts";
import type { Chunk, MessageOf, MessageType } from "../lib/wire/messages.ts";
import { parseQuery } from "../lib/wire/query.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import type { Draw } from "../sim/draw.ts";
import { Reference } from "../sim/reference.ts";
import type { Corpus } from "./corpus.ts";
import { mutateMessage } from "./mutation.ts";
import type { Session, Target, Verdict } from "./target.ts";

export const codecTarget: Target = {
  name: "codec",
  share: 74,
  open: (corpus) => new CodecSession(corpus),
};

const OTHER_TYPE_SHARE = 0.05;
const PAYLOAD_BYTES_MAX = 64 * 1024;

class CodecSession implements Session {
  readonly #corpus: Corpus;
  readonly #types: readonly MessageType[];
  readonly #world: World;
  readonly #queries: QueryService;
  readonly #watches: Watches;
  readonly #runners = new Map<string, ShardRunner>();
  readonly #broadcasts = new Map<string, Broadcasts>();

  constructor(corpus: Corpus) {
    const { schema, systems } = corpus.scenario.manifests;
    this.#corpus = corpus;
    this.#types = [...corpus.messages.keys()];
    this.#world = new Reference(corpus.scenario).world;
    const options = { world: this.#world, payloadBytesMax: PAYLOAD_BYTES_MAX };
    this.#queries = new QueryService(options);
    this.#watches = new Watches({ ...options, publish: () => {} });
    for (const manifest of systems) {
      this.#runners.set(manifest.name, new ShardRunner({ schema, manifest, run: () => {} }));
      this.#broadcasts.set(manifest.name, new Broadcasts(schema, manifest));
    }
  }

  async feed(draw: Draw, note: (input: Uint8Array) => void): Promise<Verdict> {
    const type = draw.pick(this.#types);
    const samples = this.#corpus.messages.get(type) ?? [];
    const data = mutateMessage(draw.pick(samples).data, draw, samples);
    note(data);
    try {
      await this.#take(draw.chance(OTHER_TYPE_SHARE) ? draw.pick(this.#types) : type, data);
      return "taken";
    } catch (error) {
      if (error instanceof WireError) return "refused";
      throw error;
    }
  }

  /** Whatever was taken, the world is one. */
  close(): void {
    worldDigest(this.#world);
  }

  async #take(type: MessageType, data: Uint8Array): Promise<void> {
    switch (type) {
      case "SystemSchedule":
        return await this.#run(decodePayload(type, data));
      case "ComponentShard":
        return this.#merge(decodePayload(type, data));
      case "ComponentSet": {
        const set = decodePayload(type, data);
        return this.#broadcasts.get(set.system)?.receive(set);
      }
      case "EntityCommand":
        return this.#command(decodePayload(type, data).commands);
      case "QueryRequest":
        return void this.#queries.answer(decodePayload(type, data), 1);
      case "QueryWatch":
        this.#watches.open(decodePayload(type, data), 0);
        return void this.#watches.push(1, 0);
      default:
        decodePayload(type, data);
    }
  }

  async #run(schedule: MessageOf<"SystemSchedule">): Promise<void> {
    const runner = this.#runners.get(schedule.system);
    if (runner) await runner.run(runner.decode(schedule), {});
  }

  #merge({ system, chunks, commands }: MessageOf<"ComponentShard">): void {
    const manifest = this.#corpus.scenario.manifests.systems.find(({ name }) => name === system);
    parseCommands(this.#world.schema, commands);
    for (const chunk of chunks) this.#mergeChunk(chunk, manifest);
  }

  #mergeChunk(chunk: Chunk, manifest: SystemManifest | undefined): void {
    const selection = decodeSelection(chunk);
    const keys = [...Object.keys(chunk.columns), ...Object.keys(chunk.patches ?? {})];
    const accesses = manifest?.query.write ??
      parseQuery(this.#world.schema, { write: keys }).write;
    const result = decodeResult(chunk, accesses);
    const table = this.#world.tableById(chunk.archetype);
    if (table === undefined || !areRowsOf(table, selection)) return;
    mergeResult(table, selection, { accesses, result, tick: ++this.#world.changeTick });
  }

  #command(commands: MessageOf<"EntityCommand">["commands"]): void {
    this.#world.changeTick++;
    applyCommands(this.#world, parseCommands(this.#world.schema, commands));
  }
}

/** As the coordinator checks before it merges. */
function areRowsOf({ count }: { count: number }, { first, count: rows, rows: list }: RowSelection) {
  return list ? list.every((row) => row < count) : first + rows <= count;
}
