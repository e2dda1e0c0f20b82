/**
 * Answers queries from the world between two ticks, page by page, and pushes to
 * each watch the rows that changed since its last push, until its lease ends.
 *
 * @module
 */
import { isSubject } from "../lib/bus/subject.ts";
import type { Query } from "../lib/ecs/query.ts";
import type { World } from "../lib/ecs/world.ts";
import { encodeChunk } from "../lib/wire/chunk.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import type { Chunk, MessageOf } from "../lib/wire/messages.ts";
import { parseQuery } from "../lib/wire/query.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { planShards, type Shard } from "./shards.ts";

const PAGE_ROWS_DEFAULT = 1000;
const PAGE_ROWS_MAX = 100_000;
const WATCHES_MAX = 256;
const LEASE_MS_MAX = 60_000;
const WATCH_ID_LENGTH_MAX = 16_384;
/** Pushed after one tick; to one watch at least, however much that is. */
const PUSH_BYTES_MAX = 4 * 1024 * 1024;

interface Watch {
  readonly query: Query;
  readonly deliver: string;
  expiresAt: number;
  /** Change tick up to which everything was pushed; 0: nothing yet. */
  pushedAt: number;
}

export interface QueryServiceOptions {
  readonly world: World;
  readonly payloadBytesMax: number;
  publish(subject: string, message: Encoded): void;
}

export class QueryService {
  readonly #options: QueryServiceOptions;
  readonly #watches = new Map<string, Watch>();

  constructor(options: QueryServiceOptions) {
    this.#options = options;
  }

  /** @throws {WireError} when the query or its cursor is wrong. */
  answer(request: MessageOf<"QueryRequest">, tick: number): MessageOf<"QueryResponse"> {
    const { world, payloadBytesMax } = this.#options;
    const query = parseQuery(world.schema, request.query);
    const limit = Math.min(request.limit ?? PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX);
    const shards = planShards(world.match(query), query, {
      payloadBytesMax,
      changedSince: 0,
    });
    const { shard, next } = pageAt(shards.flat(), request.cursor, limit);
    return { tick_id: tick, chunks: encodeShard(shard, query), ...(next && { next }) };
  }

  /**
   * Starts a watch, or prolongs the one with the same query and subject.
   * @throws {WireError} when the query is wrong or there are too many watches.
   */
  watch(request: MessageOf<"QueryWatch">, now: number): MessageOf<"QueryWatchReply"> {
    if (!isSubject(request.deliver)) {
      throw new WireError(`Cannot watch: "${request.deliver}" is no subject to deliver to`);
    }
    const id = `${request.deliver} ${JSON.stringify(request.query)}`;
    if (id.length > WATCH_ID_LENGTH_MAX) {
      throw new WireError(
        `Cannot watch: the query is longer than ${WATCH_ID_LENGTH_MAX} characters`,
      );
    }
    const parsed = parseQuery(this.#options.world.schema, request.query);
    if (!this.#watches.has(id) && this.#watches.size >= WATCHES_MAX) {
      throw new WireError(`Cannot watch: ${WATCHES_MAX} watches are open, which is the most`);
    }
    const leaseMs = Math.min(request.lease_ms, LEASE_MS_MAX);
    const query = parsed.changed.length > 0
      ? parsed
      : { ...parsed, changed: parsed.read.map(({ component }) => component) };
    const { pushedAt } = this.#watches.get(id) ?? { pushedAt: 0 };
    this.#watches.set(id, { query, deliver: request.deliver, expiresAt: now + leaseMs, pushedAt });
    return { watch_id: id.slice(0, 256), lease_ms: leaseMs };
  }

  /**
   * Pushes to each watch what changed since its last push. When that gets to be much,
   * the others' turn is after the next tick: what changed until then comes together.
   */
  push(tick: number, now: number): void {
    let bytes = 0;
    for (const [id, watch] of [...this.#watches]) {
      if (now > watch.expiresAt) this.#watches.delete(id);
      if (now > watch.expiresAt || bytes >= PUSH_BYTES_MAX) continue;
      const pushed = this.#pushTo(watch, tick);
      bytes += pushed;
      // Who has been served goes to the end of the row.
      if (pushed > 0) this.#watches.delete(id);
      this.#watches.set(id, watch);
    }
  }

  /** Returns how many bytes were pushed. */
  #pushTo(watch: Watch, tick: number): number {
    const { world, payloadBytesMax, publish } = this.#options;
    const limits = { payloadBytesMax, changedSince: watch.pushedAt };
    let bytes = 0;
    for (const shard of planShards(world.match(watch.query), watch.query, limits)) {
      const chunks = encodeShard(shard, watch.query);
      const message = encodeMessage("QueryResponse", { tick_id: tick, chunks }, { tick });
      publish(watch.deliver, message);
      bytes += message.data.length;
    }
    watch.pushedAt = world.changeTick;
    return bytes;
  }
}

function encodeShard(shard: Shard, query: Query): Chunk[] {
  const accesses = [...query.read, ...query.write, ...query.optional];
  return shard.map((chunk) => encodeChunk(chunk.table, chunk, { accesses, entities: true }));
}

/** Up to `limit` rows of one piece; the cursor is `<piece>.<row>`. */
function pageAt(
  pieces: Shard,
  cursor: string | undefined,
  limit: number,
): { shard: Shard; next: string | undefined } {
  const [piece, row] = parseCursor(cursor);
  const current = pieces[piece];
  if (current === undefined || row >= current.count) return { shard: [], next: undefined };
  const count = Math.min(limit, current.count - row);
  const rows = current.rows?.slice(row, row + count);
  const first = rows ? 0 : current.first + row;
  const page = { table: current.table, first, count, ...(rows && { rows }) };
  const end = row + count;
  const next = end < current.count
    ? `${piece}.${end}`
    : piece + 1 < pieces.length
    ? `${piece + 1}.0`
    : undefined;
  return { shard: [page], next };
}

function parseCursor(cursor = "0.0"): [piece: number, row: number] {
  const match = /^(\d{1,9})\.(\d{1,9})$/.exec(cursor);
  if (match === null) throw new WireError(`Cannot continue at cursor "${cursor.slice(0, 40)}"`);
  return [Number(match[1]), Number(match[2])];
}
