/**
 * Where queries and watches reach the coordinator, and what these are told leaves
 * it: nothing before the tick that it shows is stored.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Clock } from "../lib/clock.ts";
import type { World } from "../lib/ecs/world.ts";
import type { Report } from "../lib/report.ts";
import type { Encoded } from "../lib/wire/codec.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { QueryDesk } from "./query_desk.ts";
import { QueryService } from "./query_service.ts";
import type { Reception } from "./reception.ts";

export interface QueryPortOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly report: Report;
  readonly reception: Reception;
  readonly world: World;
  /** Number of the newest tick. */
  tick(): number;
  /** Resolves when that tick is stored. */
  settled(): Promise<void>;
}

export class QueryPort {
  readonly #options: QueryPortOptions;
  readonly #service: QueryService;
  readonly #desk: QueryDesk;

  constructor(options: QueryPortOptions) {
    const { bus, world, reception, tick, settled } = options;
    this.#options = options;
    this.#service = new QueryService({
      world,
      payloadBytesMax: bus.payloadBytesMax,
      publish: (subject, message) =>
        settled().then(() => this.#deliver(subject, message), () => {}),
    });
    this.#desk = new QueryDesk({
      answer: ({ request, message }) =>
        reception.encode(message, "QueryResponse", () => this.#service.answer(request, tick())),
      send: ({ message }, answer) => reception.send(message, answer),
      settled,
      flush: () => bus.flush(),
    });
  }

  listen(): void {
    const { clock, subjects, reception } = this.#options;
    reception.listen(subjects.queryRequest, "QueryRequest", {
      take: (request, message) => this.#desk.ask({ request, message }),
      refusal: () =>
        this.#desk.isFull ? "Cannot take the query: too many wait; try again later" : undefined,
    });
    reception.listen(
      subjects.queryWatch,
      "QueryWatch",
      (watch, message) =>
        reception.reply(message, "QueryWatchReply", this.#service.watch(watch, clock.now())),
    );
  }

  /** A tick begins: what is asked from now on is answered after it. */
  close(): void {
    this.#desk.close();
  }

  /** A tick has ended: answers what waits, and tells the watches. */
  open(): void {
    const { clock, tick } = this.#options;
    this.#desk.open();
    this.#service.push(tick(), clock.now());
  }

  /** What does not fit into a message is lost, rather than the coordinator. */
  #deliver(subject: string, { data, options }: Encoded): void {
    try {
      this.#options.bus.publish(subject, data, options);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#options.report.warn(error.message);
    }
  }
}
