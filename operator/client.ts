/**
 * A client of a running coordinator: it asks, commands and watches, and says in
 * words what to do where that is refused or nobody answers.
 *
 * @module
 */
import {
  type Bus,
  NoRespondersError,
  RequestTimeoutError,
  type Subscription,
} from "../lib/bus/bus.ts";
import { type Clock, delay } from "../lib/clock.ts";
import type { Components } from "../lib/query/path.ts";
import { type ResultRow, rowsOfPage } from "../lib/query/rows.ts";
import type { QuerySpec } from "../lib/query/spec.ts";
import { UserError } from "../lib/user_error.ts";
import { decodeMessage, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType, WireCommand } from "../lib/wire/messages.ts";
import { RefusedError, requestMessage } from "../lib/wire/request.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";

export interface ClientOptions {
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly clock: Clock;
  /** An id that nothing else has. */
  drawId(): string;
}

/** What a query came to. */
export interface QueryResult {
  /** The tick after which the first row was as it is here, and the last. */
  readonly ticks: readonly [first: number, last: number];
  readonly rows: readonly ResultRow[];
  /** Whether more rows match than were asked for. */
  readonly hasMore: boolean;
}

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly everyMs: number;
  /** Returns false when one before was lost, so that the watch has to begin anew. */
  take(delta: MessageOf<"QueryDelta">): boolean;
}

type Pair<T extends MessageType, R extends MessageType> = readonly [type: T, replyType: R];

const TIMEOUT_MS = 10_000;
const PAGE_ROWS = 1000;
const LEASE_MS = 30_000;
/** How often a watch is prolonged, which also finds another coordinator. */
const RENEW_MS = 2000;
/** Commands in one message. */
const COMMANDS_MAX = 1000;
/** For how long commands are sent again that nobody answers, or has room for, */
const PATIENCE_MS = 30_000;
/** and how soon. */
const RETRY_MS = 500;

export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get subjects(): Subjects {
    return this.#options.subjects;
  }

  control(value: MessageOf<"Control">): Promise<MessageOf<"ControlReply">> {
    return this.#ask(this.subjects.control, ["Control", "ControlReply"], value);
  }

  systems(): Promise<MessageOf<"SystemsReply">> {
    return this.#ask(this.subjects.querySystems, ["SystemsRequest", "SystemsReply"], {});
  }

  trace(value: MessageOf<"TraceRequest">): Promise<MessageOf<"TraceReply">> {
    return this.#ask(this.subjects.queryTrace, ["TraceRequest", "TraceReply"], value);
  }

  /** The components of the world. */
  async components(): Promise<Components> {
    const { querySchema } = this.subjects;
    const { components } = await this.#ask(querySchema, ["SchemaRequest", "SchemaReply"], {});
    return new Map(components.map((component) => [component.name, component]));
  }

  /** The rows that a query selects, page by page; at most as many as it wants, or `rowsMax`. */
  async query(
    { query, where, sort, limit }: QuerySpec,
    { components, rowsMax }: { components: Components; rowsMax: number },
  ): Promise<QueryResult> {
    const wanted = Math.min(limit ?? Infinity, rowsMax);
    const rows: ResultRow[] = [];
    let ticks: [number, number] | undefined;
    let cursor: string | undefined;
    do {
      const value: MessageOf<"QueryRequest"> = {
        query,
        where,
        sort: sort && [...sort],
        limit: Math.min(PAGE_ROWS, wanted - rows.length),
        cursor,
        components: true,
      };
      const pair = ["QueryRequest", "QueryResponse"] as const;
      const page: MessageOf<"QueryResponse"> = await this.#ask(
        this.subjects.queryRequest,
        pair,
        withoutUndefined(value),
      );
      rows.push(...rowsOfPage(page, components));
      ticks = [ticks?.[0] ?? page.tick_id, page.tick_id];
      cursor = page.next;
    } while (cursor !== undefined && rows.length < wanted);
    return { ticks, rows, hasMore: cursor !== undefined };
  }

  /** Is told what changes until the signal is aborted. */
  async watch(
    { query, where, limit }: QuerySpec,
    { signal, everyMs, take }: WatchOptions,
  ): Promise<void> {
    const { bus } = this.#options;
    const failed = Promise.withResolvers<never>();
    let broken = new AbortController();
    const deliver = bus.createInbox();
    const subscription = bus.subscribe(deliver, (message) => {
      try {
        if (!take(decodeMessage("QueryDelta", message))) broken.abort();
      } catch (error) {
        failed.reject(error);
      }
    });
    await bus.flush();
    const value = withoutUndefined<MessageOf<"QueryWatch">>({
      query,
      where,
      deliver,
      lease_ms: LEASE_MS,
      every_ms: everyMs,
      max_rows: limit,
      components: true,
    });
    try {
      const renewing = this.#renew(value, {
        signal,
        broken: () => broken.signal,
        mend: () => broken = new AbortController(),
      });
      await Promise.race([failed.promise, renewing]);
    } finally {
      subscription.unsubscribe();
    }
  }

  async #renew(
    value: MessageOf<"QueryWatch">,
    { signal, broken, mend }: {
      signal: AbortSignal;
      broken(): AbortSignal;
      mend(): void;
    },
  ): Promise<void> {
    const { clock } = this.#options;
    const pair = ["QueryWatch", "QueryWatchReply"] as const;
    await this.#ask(this.subjects.queryWatch, pair, value);
    for (;;) {
      await delay(clock, RENEW_MS, AbortSignal.any([signal, broken()]));
      if (signal.aborted) return;
      const isBroken = broken().aborted;
      if (isBroken) mend();
      // Where nobody leads at the moment, somebody will, or the user has seen enough.
      const request = isBroken ? { ...value, restart: true } : value;
      await this.#ask(this.subjects.queryWatch, pair, request).catch((error) => {
        if (!(error instanceof UnansweredError)) throw error;
      });
    }
  }

  /** Events of all topics, as they come. */
  async onEvent(take: (event: MessageOf<"Event">) => void): Promise<Subscription> {
    const { bus, subjects } = this.#options;
    const subscription = bus.subscribe(subjects.event(">"), (message) => {
      try {
        take(decodeMessage("Event", message));
      } catch (error) {
        // Anyone may publish there.
        if (!(error instanceof WireError)) throw error;
      }
    });
    await bus.flush();
    return subscription;
  }

  /**
   * Has commands carried out; undefined where the world is paused, so that they wait
   * for its next tick.
   * @throws {UserError} when nobody answers; it says what became of them, as far as that is known.
   */
  async command(
    commands: readonly WireCommand[],
  ): Promise<MessageOf<"EntityCommandReply"> | undefined> {
    // Where nobody is, there is nobody to be patient with.
    await this.control({ op: "status" });
    let result: MessageOf<"EntityCommandReply"> | undefined = {
      tick_id: 0,
      spawned: [],
      refused: [],
    };
    for (let first = 0; first < commands.length; first += COMMANDS_MAX) {
      const part = commands.slice(first, first + COMMANDS_MAX);
      const reply = await this.#deliver(part, { done: first });
      result = result && reply && {
        tick_id: reply.tick_id,
        spawned: [...result.spawned, ...reply.spawned],
        refused: [
          ...result.refused,
          ...reply.refused.map(({ index, reason }) => ({ index: first + index, reason })),
        ],
      };
    }
    return result;
  }

  /**
   * Sends a buffer again and again until it is answered, or waits in a world that is
   * paused: its id keeps it from counting twice.
   * @param done how many commands came before
   */
  async #deliver(
    commands: readonly WireCommand[],
    { done }: { done: number },
  ): Promise<MessageOf<"EntityCommandReply"> | undefined> {
    const { clock, drawId } = this.#options;
    const value = { id: drawId(), commands: [...commands] };
    const pair = ["EntityCommand", "EntityCommandReply"] as const;
    const giveUpAt = clock.now() + PATIENCE_MS;
    let mayCount = false;
    for (;;) {
      let isSent = false;
      try {
        const { running, epoch } = await this.control({ op: "status" });
        isSent = true;
        if (running) return await this.#ask(this.subjects.entityCommand, pair, value);
        mayCount = true;
        if (await this.#queue(value, epoch)) return undefined;
      } catch (error) {
        if (!mayPass(error)) throw error;
        mayCount ||= isSent && error.cause instanceof RequestTimeoutError;
        if (clock.now() >= giveUpAt) throw explainGivenUp(error, { mayCount, done });
      }
      await delay(clock, RETRY_MS);
    }
  }

  /**
   * Sends a buffer whose answer would not come before the world goes on; false when it
   * may not have reached the coordinator of this epoch.
   */
  async #queue(value: MessageOf<"EntityCommand">, epoch: number): Promise<boolean> {
    const { bus, subjects } = this.#options;
    const { data, options } = encodeMessage("EntityCommand", value);
    bus.publish(subjects.entityCommand, data, options);
    // It takes what it is sent in turn.
    const status = await this.control({ op: "status" });
    return status.epoch === epoch && !status.running;
  }

  async #ask<T extends MessageType, R extends MessageType>(
    subject: string,
    [type, replyType]: Pair<T, R>,
    value: MessageOf<T>,
  ): Promise<MessageOf<R>> {
    const { bus, subjects: { prefix } } = this.#options;
    try {
      return await requestMessage(bus, subject, { type, value, replyType, timeoutMs: TIMEOUT_MS });
    } catch (cause) {
      if (cause instanceof RefusedError) throw new UserError(cause.message, { cause });
      if (cause instanceof NoRespondersError) {
        throw new UnansweredError(
          `Cannot ask the coordinator: none runs under the prefix "${prefix}"; start one with ` +
            "`deno task coord` or `deno task demo`, or pass --prefix and --nats of the one you mean",
          { cause },
        );
      }
      if (!(cause instanceof RequestTimeoutError)) throw cause;
      throw new UnansweredError(
        `Cannot ask the coordinator: it has not answered for ${
          TIMEOUT_MS / 1000
        } s; its tick may ` +
          "be waiting for a system, which it says in its own output",
        { cause },
      );
    }
  }
}

/** Nobody answers, which may change. */
class UnansweredError extends UserError {
  override readonly name = "UnansweredError";
}

/** Whether the same buffer may fare better later. */
function mayPass(error: unknown): error is UserError {
  if (error instanceof UnansweredError) return true;
  return error instanceof UserError && error.cause instanceof RefusedError && error.cause.isBusy;
}

/** What is known of commands that were given up, for whoever would repeat them. */
function explainGivenUp(
  cause: UserError,
  { mayCount, done }: { mayCount: boolean; done: number },
): UserError {
  const others = done === 0 ? "the commands" : `the commands after the first ${done}`;
  const seconds = PATIENCE_MS / 1000;
  const outcome = mayCount
    ? `Cannot tell whether ${others} were applied, after ${seconds} s: they may have been, or may ` +
      "be yet. Look before you repeat them, lest they count twice"
    : `Cannot apply ${others} within ${seconds} s: none of them was, and they can be repeated`;
  return new UserError(`${outcome}\n${cause.message}`, { cause });
}

/** Keys without a value are left out, as the protocol wants it. */
function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}
