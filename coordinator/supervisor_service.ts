/**
 * Lets others see the supervised processes, and start and end some: the editor, say.
 *
 * @module
 */
import type { Bus, Message, Subscription } from "../lib/bus/bus.ts";
import type { Report } from "../lib/report.ts";
import { UserError } from "../lib/user_error.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import {
  createServiceSubjects,
  decodeService,
  encodeService,
  type ServiceMessageOf,
} from "../lib/wire/service_messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import type { Supervisor } from "./supervisor.ts";

export interface SupervisorServiceOptions {
  readonly bus: Bus;
  readonly prefix: string;
  readonly supervisor: Supervisor;
  readonly report: Report;
}

/** Answers until it is disposed. */
export class SupervisorService implements Disposable {
  readonly #options: SupervisorServiceOptions;
  readonly #subscription: Subscription;

  constructor(options: SupervisorServiceOptions) {
    this.#options = options;
    const { supervisor } = createServiceSubjects(options.prefix);
    this.#subscription = options.bus.subscribe(supervisor, (message) => void this.#answer(message));
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }

  async #answer(message: Message): Promise<void> {
    const { bus, report } = this.#options;
    const { reply, subject } = message;
    let encoded;
    try {
      await this.#carryOut(decodeService("SupervisorControl", message));
      encoded = encodeService("SupervisorReply", this.#list());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!(error instanceof UserError || error instanceof WireError)) {
        report.warn(`${subject}: ${reason}`);
      }
      encoded = encodeMessage("Refusal", { reason });
    }
    if (reply) bus.publish(reply, encoded.data, encoded.options);
  }

  async #carryOut(
    { op, system, pid }: ServiceMessageOf<"SupervisorControl">,
  ): Promise<void> {
    const { supervisor } = this.#options;
    if (op === "start") {
      if (system === undefined) throw new WireError("Cannot start an instance: it takes a system");
      supervisor.startInstance(system);
    } else if (op !== "list") {
      if (pid === undefined) throw new WireError(`Cannot ${op} a process: it takes a pid`);
      await (op === "stop" ? supervisor.stopProcess(pid) : supervisor.killProcess(pid));
    }
  }

  #list(): ServiceMessageOf<"SupervisorReply"> {
    return {
      processes: this.#options.supervisor.list().map(({ system, pid, instanceId, sinceMs }) => ({
        system,
        pid,
        instance_id: instanceId,
        since_ms: sinceMs,
      })),
    };
  }
}
