/**
 * Lets others see the supervised processes, and start and end some: the editor, say.
 *
 * @module
 */
import type { Bus, Message, Subscription } from "../lib/bus/bus.ts";
import type { Report } from "../lib/report.ts";
import { decodeMessage, type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { answerRequest } from "../lib/wire/request.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import type { Supervisor } from "./supervisor.ts";

export interface SupervisorServiceOptions {
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly supervisor: Supervisor;
  readonly report: Report;
}

/** Answers until it is disposed. */
export class SupervisorService implements Disposable {
  readonly #options: SupervisorServiceOptions;
  readonly #subscription: Subscription;

  constructor(options: SupervisorServiceOptions) {
    this.#options = options;
    const { bus, subjects } = options;
    this.#subscription = bus.subscribe(
      subjects.supervisorControl,
      (message) => void answerRequest(message, () => this.#answer(message), options),
    );
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }

  async #answer(message: Message): Promise<Encoded> {
    await this.#carryOut(decodeMessage("SupervisorControl", message));
    return encodeMessage("SupervisorReply", this.#list());
  }

  async #carryOut(
    { op, system, pid }: MessageOf<"SupervisorControl">,
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

  #list(): MessageOf<"SupervisorReply"> {
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
