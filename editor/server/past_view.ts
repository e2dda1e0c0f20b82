/**
 * A world as it was, which answers queries as the coordinator does.
 *
 * @module
 */
import { describeSchema } from "../../coordinator/description.ts";
import { QueryService } from "../../coordinator/query_service.ts";
import type { Replica } from "../../coordinator/replica.ts";
import type { Bus, Message, Subscription } from "../../lib/bus/bus.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Report } from "../../lib/report.ts";
import { decodeMessage, type Encoded, encodeMessage } from "../../lib/wire/codec.ts";
import { answerRequest } from "../../lib/wire/request.ts";
import { createSubjects } from "../../lib/wire/subjects.ts";

export interface PastViewOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly report: Report;
  readonly prefix: string;
  readonly replica: Replica;
  /** Somebody asks for it to be closed. */
  close(): void;
}

export class PastView implements Disposable {
  readonly replica: Replica;
  readonly #options: PastViewOptions;
  readonly #queries: QueryService;
  readonly #subscriptions: readonly Subscription[];
  #usedAt: number;

  constructor(options: PastViewOptions) {
    const { bus, clock, replica } = options;
    this.#options = options;
    this.replica = replica;
    this.#usedAt = clock.now();
    this.#queries = new QueryService({
      world: replica.state.world,
      payloadBytesMax: bus.payloadBytesMax,
    });
    const { queryRequest, querySchema, pastClose } = createSubjects(options.prefix);
    this.#subscriptions = [
      bus.subscribe(queryRequest, (message) => this.#answer(message, () => this.#query(message))),
      bus.subscribe(querySchema, (message) => this.#answer(message, () => this.#schema(message))),
      bus.subscribe(pastClose, (message) => this.#answer(message, () => this.#close(message))),
    ];
  }

  /** When it was last asked something, on the clock. */
  get usedAt(): number {
    return this.#usedAt;
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #answer(message: Message, make: () => Encoded): void {
    this.#usedAt = this.#options.clock.now();
    answerRequest(message, make, this.#options);
  }

  #query(message: Message): Encoded {
    const { tick } = this.replica.state;
    const request = decodeMessage("QueryRequest", message);
    const { response } = this.#queries.answer(request, tick);
    return encodeMessage("QueryResponse", response, { tick });
  }

  #schema(message: Message): Encoded {
    decodeMessage("SchemaRequest", message);
    return encodeMessage("SchemaReply", describeSchema(this.replica.state.world));
  }

  #close(message: Message): Encoded {
    decodeMessage("PastClose", message);
    this.#options.close();
    return encodeMessage("PastCloseReply", {});
  }
}
