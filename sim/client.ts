/**
 * A client from outside: it commands entities, and asks for rows. What it is
 * answered must be what happened. A command without an answer is sent again under
 * the same id, so it is to take effect once at the most.
 *
 * @module
 */
import { delay } from "../lib/clock.ts";
import type { Schema } from "../lib/ecs/component.ts";
import { decodeMessage } from "../lib/wire/codec.ts";
import { encodeFieldValue } from "../lib/wire/command.ts";
import type { MessageOf, MessageType, WireCommand } from "../lib/wire/messages.ts";
import { requestMessage } from "../lib/wire/request.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import type { Draw } from "./draw.ts";
import type { Observer } from "./observer.ts";
import type { SimulatedProcess } from "./process.ts";
import { valuesOf } from "./program.ts";

export interface ClientOptions {
  readonly process: SimulatedProcess;
  readonly draw: Draw;
  readonly schema: Schema;
  readonly subjects: Subjects;
  readonly observer: Observer;
  /** Between two requests, on average. */
  readonly pauseMs: number;
}

const REQUEST_TIMEOUT_MS = 1000;
const COMMANDS_MAX = 5;
const ENTITIES_MAX = 150;
const SENDS_MAX = 4;
const PAUSE_MS = 100;
const WATCH_MS = 200;
const WATCH_LEASE_MS = 500;
/** How queries are asked. */
const PAGES: readonly Pick<MessageOf<"QueryRequest">, "limit" | "sort" | "count">[] = [
  { limit: 5 },
  { limit: 50, count: true, sort: [{ by: "Entity" }] },
  { limit: 1000, count: true },
];

export class Client {
  readonly #options: ClientOptions;
  #isStopped = false;
  #count = 0;
  answered = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Sends one request after the other until it is stopped. */
  async run(): Promise<void> {
    const { process, draw, pauseMs } = this.#options;
    while (!this.#isStopped) {
      await delay(process.clock, draw.exponential(pauseMs));
      await this.#patiently(() => this.#act(draw.below(20)));
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  #act(dice: number): Promise<void> {
    if (dice < 4) return this.#query();
    if (dice === 4) return this.#watch();
    if (dice === 5) return this.#changeRate();
    if (dice === 6) return this.#pause();
    if (dice === 7) return this.#describe();
    return this.#command();
  }

  async #command(): Promise<void> {
    const { process, draw, observer, subjects } = this.#options;
    const count = draw.between(1, COMMANDS_MAX);
    const value: MessageOf<"EntityCommand"> = {
      id: `${process.name}-${++this.#count}`,
      commands: Array.from({ length: count }, () => this.#draw()),
    };
    for (let sends = 1; !this.#isStopped; sends++) {
      const reply = await this.#patiently(
        () => this.#ask(subjects.entityCommand, "EntityCommand", value, "EntityCommandReply"),
      );
      if (reply !== undefined) return observer.checkReply(value, reply);
      // It may take effect yet; this client does not care any more.
      if (sends === SENDS_MAX) return;
    }
  }

  async #query(): Promise<void> {
    const { draw, observer, subjects } = this.#options;
    const query = { read: ["Entity", observer.viewed.name] };
    const how = draw.pick(PAGES);
    const done = observer.expectPages();
    try {
      let cursor: string | undefined;
      do {
        const page: MessageOf<"QueryResponse"> = await this.#ask(
          subjects.queryRequest,
          "QueryRequest",
          { query, ...how, ...(cursor !== undefined && { cursor }) },
          "QueryResponse",
        );
        observer.checkPage(page, { isFirst: cursor === undefined });
        cursor = page.next;
      } while (cursor !== undefined);
    } finally {
      done();
    }
  }

  /** Keeps the rows of a watch for a while, as long as no delta of it is lost. */
  async #watch(): Promise<void> {
    const { process: { bus, clock }, draw, observer, subjects } = this.#options;
    const deliver = bus.createInbox();
    const done = observer.expectPages();
    const check = observer.deltaChecker();
    const subscription = bus.subscribe(deliver, (message) => {
      check(decodeMessage("QueryDelta", message));
    });
    try {
      const query = { read: [observer.viewed.name] };
      const value = { query, deliver, lease_ms: WATCH_LEASE_MS };
      await this.#ask(subjects.queryWatch, "QueryWatch", value, "QueryWatchReply");
      await delay(clock, draw.exponential(WATCH_MS));
    } finally {
      subscription.unsubscribe();
      done();
    }
  }

  /** What the world is, what it did lately, and how its systems fare. */
  async #describe(): Promise<void> {
    const { querySchema, queryGraph, queryTrace, querySystems } = this.#options.subjects;
    await this.#ask(querySchema, "SchemaRequest", {}, "SchemaReply");
    await this.#ask(queryGraph, "GraphRequest", {}, "GraphReply");
    await this.#ask(queryTrace, "TraceRequest", { ticks: 5 }, "TraceReply");
    await this.#ask(querySystems, "SystemsRequest", {}, "SystemsReply");
  }

  async #changeRate(): Promise<void> {
    const { draw, subjects } = this.#options;
    const value = { op: "rate" as const, hz: draw.between(20, 500) };
    await this.#ask(subjects.control, "Control", value, "ControlReply");
  }

  /** Whatever happens meanwhile, the world goes on in the end. */
  async #pause(): Promise<void> {
    const { process, draw, subjects } = this.#options;
    await this.#patiently(
      () => this.#ask(subjects.control, "Control", { op: "pause" }, "ControlReply"),
    );
    await delay(process.clock, draw.exponential(PAUSE_MS));
    for (let isResumed = false; !isResumed;) {
      const status = await this.#patiently(
        () => this.#ask(subjects.control, "Control", { op: "resume" }, "ControlReply"),
      );
      isResumed = status !== undefined;
    }
  }

  async #ask<T extends MessageType, R extends MessageType>(
    subject: string,
    type: T,
    value: MessageOf<T>,
    replyType: R,
  ): Promise<MessageOf<R>> {
    const { process: { bus } } = this.#options;
    const timeoutMs = REQUEST_TIMEOUT_MS;
    const reply = await requestMessage(bus, subject, { type, value, replyType, timeoutMs });
    this.answered++;
    return reply;
  }

  /** Waits a little after what a client can only try again; undefined then. */
  async #patiently<T>(request: () => Promise<T>): Promise<T | undefined> {
    const { process, draw } = this.#options;
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // Any other refusal is a fault: what this client asks for is right.
      const isRetried = RETRIED.has(error.name) || error.message.endsWith("try again later");
      if (!isRetried) throw error;
      await delay(process.clock, draw.unit() * REQUEST_TIMEOUT_MS);
      return undefined;
    }
  }

  #draw(): WireCommand {
    const { draw, schema } = this.#options;
    const entity = draw.chance(0.1) ? -1 : draw.between(1, ENTITIES_MAX);
    const names = [...schema.keys()];
    const component = draw.pick(names);
    switch (draw.below(5)) {
      case 0:
        return {
          op: "spawn",
          components: Object.fromEntries(
            draw.some(names, 3).map((name) => [name, this.#values(name)]),
          ),
        };
      case 1:
        return { op: "despawn", entity };
      case 2:
        return { op: "remove", entity, component };
      case 3:
        return { op: "add", entity, component, value: this.#values(component) };
      default:
        return { op: "set", entity, component, value: this.#values(component) };
    }
  }

  #values(component: string) {
    const { draw, schema } = this.#options;
    const values = valuesOf(schema, component, { signal: draw.below(2 ** 31) });
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, encodeFieldValue(value)]),
    );
  }
}

/** What a client cannot know better than to try again after. */
const RETRIED = new Set(["RequestTimeoutError", "NoRespondersError"]);
