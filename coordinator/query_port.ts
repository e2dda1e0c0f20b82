/**
 * Where questions about the world and watches of it reach the coordinator, and
 * what these are told leaves it: nothing before the tick that it shows is stored.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { World } from "../lib/ecs/world.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import type { Report } from "../lib/report.ts";
import type { Encoded } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { describeGraph, describeSchema, describeSystems } from "./description.ts";
import type { Engine } from "./engine.ts";
import { QueryDesk } from "./query_desk.ts";
import { QueryService } from "./query_service.ts";
import type { Reception } from "./reception.ts";
import type { RegisteredInstance } from "./registry.ts";
import type { Stats } from "./stats.ts";
import { Watches } from "./watches.ts";

export interface QueryPortOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly report: Report;
  readonly reception: Reception;
  /** Whose world it is, and whose ticks. */
  readonly engine: Engine;
  readonly world: World;
  readonly manifests: Pick<Manifests, "annotations">;
  readonly worldName: string | undefined;
  readonly stats: Stats;
  instancesOf(system: string): readonly RegisteredInstance[];
  /** Resolves when what the world shows now is stored and was the newest; rejects where it is not. */
  confirm(): Promise<void>;
}

/** What asks for something that is not about rows. */
type Description = "SchemaRequest" | "GraphRequest" | "TraceRequest" | "SystemsRequest";

/** What an answer of many parts costs, as numbers looked at: about as long as it takes to write. */
const DESCRIPTION_WORK = 500_000;
/** Between two pushes that no tick is between, so that others get their turn. */
const PUSH_PAUSE_MS = 1;
/** When to try again to push while the log does not answer. */
const PUSH_RETRY_MS = 500;
const FULL = "Cannot take the query: too many wait; try again later";

export class QueryPort {
  readonly #options: QueryPortOptions;
  readonly #service: QueryService;
  readonly #watches: Watches;
  readonly #desk: QueryDesk;
  /** For what does not depend on the world's rows, and is of use above all when a tick hangs. */
  readonly #counter: QueryDesk;
  /** Set while there is more to tell between two ticks. */
  #timer: Timer | undefined;
  #isOpen = true;
  /** There is something to tell that no tick's end will. */
  #isDue = false;
  #isConfirming = false;

  constructor(options: QueryPortOptions) {
    const { bus, engine, world, reception, confirm } = options;
    const { payloadBytesMax } = bus;
    this.#options = options;
    this.#service = new QueryService({ world, payloadBytesMax });
    this.#watches = new Watches({
      world,
      payloadBytesMax,
      publish: (subject, message) =>
        engine.settled().then(() => this.#deliver(subject, message), () => {}),
    });
    const sending = {
      send: reception.send.bind(reception),
      flush: () => bus.flush(),
    };
    this.#desk = new QueryDesk({ ...sending, confirm });
    this.#counter = new QueryDesk({ ...sending, confirm: () => Promise.resolve() });
  }

  /** Queries that wait for their answer. */
  get waiting(): number {
    return this.#desk.length;
  }

  listen(): void {
    const { bus, subjects, reception, engine, world, worldName } = this.#options;
    const { annotations } = this.#options.manifests;
    reception.listen(subjects.queryRequest, "QueryRequest", {
      take: (request, message) =>
        this.#desk.ask({
          message,
          answer: () => {
            let work = 0;
            const encoded = reception.encode(message, "QueryResponse", () => {
              const answer = this.#service.answer(request, engine.tickNumber);
              work = answer.work;
              return answer.response;
            });
            return encoded && { encoded, work };
          },
        }),
      refusal: () => this.#desk.isFull ? FULL : undefined,
    });
    reception.listen(subjects.queryWatch, "QueryWatch", (watch, message) => {
      const reply = this.#watches.open(watch, this.#options.clock.now());
      reception.reply(message, "QueryWatchReply", reply);
      this.refresh();
    });
    this.#describe(
      subjects.querySchema,
      ["SchemaRequest", "SchemaReply"],
      () =>
        describeSchema(world, {
          worldName,
          annotations,
          payloadBytesMax: bus.payloadBytesMax,
        }),
    );
    this.#describe(
      subjects.queryGraph,
      ["GraphRequest", "GraphReply"],
      () => describeGraph(engine.graph),
    );
    this.#describe(
      subjects.queryTrace,
      ["TraceRequest", "TraceReply"],
      (request) => engine.traces.answer(request, bus.payloadBytesMax),
    );
    this.#describe(
      subjects.querySystems,
      ["SystemsRequest", "SystemsReply"],
      () => this.#systems(),
    );
  }

  /** A tick begins: what is asked from now on is answered after it. */
  close(): void {
    this.#isOpen = false;
    this.#timer?.cancel();
    this.#desk.close();
  }

  /** A tick has ended: answers what waits, and tells the watches. */
  open(): void {
    this.#isOpen = true;
    this.#desk.open();
    this.#push();
  }

  /** Something happened that no tick's end tells watches of, which in a paused world does not come. */
  refresh(): void {
    if (this.#isOpen) this.#pushAt(this.#options.clock.now());
  }

  /** Nobody is told anything any more that they do not ask for. */
  stop(): void {
    this.#isOpen = false;
    this.#timer?.cancel();
  }

  #describe<T extends Description, R extends MessageType>(
    subject: string,
    [type, replyType]: readonly [T, R],
    answer: (request: MessageOf<T>) => MessageOf<R>,
  ): void {
    const { reception } = this.#options;
    reception.listen(subject, type, {
      take: (request, message) =>
        this.#counter.ask({
          message,
          answer: () => {
            const encoded = reception.encode(message, replyType, () => answer(request));
            return encoded && { encoded, work: DESCRIPTION_WORK };
          },
        }),
      refusal: () => this.#counter.isFull ? FULL : undefined,
    });
  }

  #systems(): MessageOf<"SystemsReply"> {
    const { engine, stats, clock, instancesOf } = this.#options;
    const { tickNumber: tick, traces } = engine;
    return describeSystems({ tick, now: clock.now(), stats, traces, instancesOf });
  }

  #push(): void {
    const { clock, engine } = this.#options;
    const again = this.#watches.push(engine.tickNumber, clock.now());
    if (again !== undefined) this.#pushAt(again);
  }

  /** A tick that begins before then has its own end to push at. */
  #pushAt(time: number): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    const delayMs = Math.max(PUSH_PAUSE_MS, time - clock.now());
    this.#timer = clock.after(delayMs, () => this.#pushBetween());
  }

  /** There is no commit that would be refused if another coordinator led. */
  async #pushBetween(): Promise<void> {
    this.#isDue = true;
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    try {
      while (this.#isDue && this.#isOpen) {
        this.#isDue = false;
        await this.#options.confirm();
        if (this.#isOpen) this.#push();
      }
    } catch {
      // The log does not answer, or the coordinator ends, and is not open any more then.
      if (this.#isOpen) this.#pushAt(this.#options.clock.now() + PUSH_RETRY_MS);
    } finally {
      this.#isConfirming = false;
    }
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
