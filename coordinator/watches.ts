/**
 * All watches: each is told what changed since it was last told, until its lease
 * ends. A bounded amount is looked for and pushed at a time; then the others' turn
 * is later, and what changed until then comes together.
 *
 * @module
 */
import { isSubject } from "../lib/bus/subject.ts";
import { MoveJournal } from "../lib/ecs/move_journal.ts";
import type { World } from "../lib/ecs/world.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { parseQuery } from "../lib/wire/query.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { RowFilter } from "./row_filter.ts";
import { Watch } from "./watch.ts";

const WATCHES_MAX = 256;
const LEASE_MS_MAX = 60_000;
const EVERY_MS_MAX = 60_000;
const WATCH_KEY_LENGTH_MAX = 16_384;
/** Pushed at a time; to one watch at least, however much that is. */
const PUSH_BYTES_MAX = 4 * 1024 * 1024;
/** Numbers looked at, at a time, for all watches and for one of them: a few milliseconds' worth. */
const PUSH_WORK_MAX = 1_500_000;
const WATCH_WORK_MAX = 750_000;

interface OpenWatch {
  readonly id: string;
  readonly watch: Watch;
  readonly deliver: string;
  readonly everyMs: number;
  expiresAt: number;
  /** Told again then at the earliest. */
  dueAt: number;
}

export interface WatchesOptions {
  readonly world: World;
  readonly payloadBytesMax: number;
  publish(subject: string, message: Encoded): void;
}

export class Watches {
  readonly #options: WatchesOptions;
  readonly #watches = new Map<string, OpenWatch>();
  #count = 0;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  /**
   * Starts a watch, or prolongs the one of the same request.
   * @throws {WireError} when the request is wrong or there are too many watches.
   */
  open(request: MessageOf<"QueryWatch">, now: number): MessageOf<"QueryWatchReply"> {
    const { deliver, lease_ms, every_ms = 0, restart } = request;
    if (!isSubject(deliver)) {
      throw new WireError(`Cannot watch: "${deliver}" is no subject to deliver to`);
    }
    const key = keyOf(request);
    const known = this.#watches.get(key);
    const leaseMs = Math.min(lease_ms, LEASE_MS_MAX);
    if (known && restart) known.watch.restart();
    const open = known ?? {
      id: `w${++this.#count}`,
      watch: this.#create(request),
      deliver,
      everyMs: Math.min(every_ms, EVERY_MS_MAX),
      dueAt: now,
      expiresAt: 0,
    };
    if (restart) open.dueAt = now;
    open.expiresAt = now + leaseMs;
    this.#watches.set(key, open);
    return { watch_id: open.id, lease_ms: leaseMs };
  }

  /**
   * Tells each watch that is due what changed.
   * @returns when one that is behind is to be told more; undefined where none is
   */
  push(tick: number, now: number): number | undefined {
    let [bytes, work] = [0, 0];
    for (const [key, open] of [...this.#watches]) {
      if (now > open.expiresAt) this.#close(key);
      const isOver = bytes >= PUSH_BYTES_MAX || work >= PUSH_WORK_MAX;
      if (now > open.expiresAt || now < open.dueAt || isOver) continue;
      const pushed = this.#pushTo(open, tick);
      bytes += pushed.bytes;
      work += pushed.work;
      if (pushed.bytes === 0) continue;
      // Who has been served goes to the end of the row.
      this.#watches.delete(key);
      this.#watches.set(key, open);
      open.dueAt = now + open.everyMs;
    }
    return this.#nextDue();
  }

  #create(request: MessageOf<"QueryWatch">): Watch {
    const { world, payloadBytesMax } = this.#options;
    const { query, where, max_rows = Infinity, components } = request;
    const parsed = parseQuery(world.schema, query);
    const filter = where && new RowFilter(world.schema, where);
    if (this.#watches.size >= WATCHES_MAX) {
      throw new WireError(`Cannot watch: ${WATCHES_MAX} watches are open, which is the most`);
    }
    return new Watch({
      world,
      journal: world.journal ??= new MoveJournal(),
      query: parsed,
      filter,
      payloadBytesMax,
      rowsMax: max_rows,
      hasComponents: components === true,
    });
  }

  #close(key: string): void {
    this.#watches.delete(key);
    // Nobody wants to know any more.
    if (this.#watches.size === 0) this.#options.world.journal = undefined;
  }

  #pushTo({ id, watch, deliver }: OpenWatch, tick: number): { bytes: number; work: number } {
    const { delta, work } = watch.next(WATCH_WORK_MAX);
    if (delta === undefined) return { bytes: 0, work };
    const value = { watch_id: id, tick_id: tick, ...delta };
    const message = encodeMessage("QueryDelta", value, { tick });
    this.#options.publish(deliver, message);
    return { bytes: message.data.length, work };
  }

  #nextDue(): number | undefined {
    let next: number | undefined;
    for (const { watch, dueAt } of this.#watches.values()) {
      if (watch.isBehind) next = Math.min(next ?? Infinity, dueAt);
    }
    return next;
  }
}

/** What tells watches apart: all that is asked, and where it is to go. */
function keyOf(request: MessageOf<"QueryWatch">): string {
  const { query, where, deliver, every_ms, max_rows, components } = request;
  const key = JSON.stringify(
    [deliver, query, where, every_ms, max_rows, components],
    (_, value) => typeof value === "bigint" ? `${value}n` : value,
  );
  if (key.length <= WATCH_KEY_LENGTH_MAX) return key;
  throw new WireError(
    `Cannot watch: the query is longer than ${WATCH_KEY_LENGTH_MAX} characters`,
  );
}
