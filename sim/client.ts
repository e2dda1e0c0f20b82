/**
 * A client from outside: it commands entities, and asks for rows. What it is
 * answered must be what happened. A command without an answer is sent again under
 * the same id, so it is to take effect once at the most.
 *
 * @module
 */
import { delay } from "../lib/clock.ts";
import type { Schema } from "../lib/ecs/component.ts";
import { encodeFieldValue } from "../lib/wire/command.ts";
import type { MessageOf, WireCommand } from "../lib/wire/messages.ts";
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
      await this.#command();
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #command(): Promise<void> {
    const { process, draw, subjects, observer } = this.#options;
    const count = draw.between(1, COMMANDS_MAX);
    const value: MessageOf<"EntityCommand"> = {
      id: `${process.name}-${++this.#count}`,
      commands: Array.from({ length: count }, () => this.#draw()),
    };
    for (let sends = 0; sends < SENDS_MAX && !this.#isStopped; sends++) {
      try {
        const reply = await requestMessage(process.bus, subjects.entityCommand, {
          type: "EntityCommand",
          replyType: "EntityCommandReply",
          value,
          timeoutMs: REQUEST_TIMEOUT_MS,
        });
        this.answered++;
        return observer.checkReply(value, reply);
      } catch (error) {
        if (!(error instanceof Error) || !RETRIED.has(error.name)) throw error;
        await delay(process.clock, draw.unit() * REQUEST_TIMEOUT_MS);
      }
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
