/**
 * Carries out what is asked of the coordinator itself: to pause, to go on, to go
 * faster, to take a snapshot or to become one.
 *
 * @module
 */
import type { Message } from "../lib/bus/bus.ts";
import type { EventData } from "../lib/wire/events.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { SerialQueue } from "../lib/wire/serial_queue.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { FencedError } from "./fence.ts";
import type { Pace } from "./pace.ts";
import type { Reception } from "./reception.ts";
import type { SnapshotService } from "./snapshot_service.ts";

/** Slow enough for anyone, and far from where timers and `dt` overflow. */
const HZ_MIN = 0.001;
/** Requests that wait to be begun. */
const WAITING_MAX = 64;

export interface ControlServiceOptions {
  readonly reception: Reception;
  readonly pace: Pace;
  readonly snapshots: SnapshotService;
  /** How the coordinator fares now. */
  status(): MessageOf<"ControlReply">;
  /** Resolves when this coordinator leads; rejects with a FencedError when another does. */
  confirm(): Promise<void>;
  event<T extends ControlTopic>(topic: T, data: EventData<T>): void;
}

type ControlTopic = "control.paused" | "control.resumed" | "control.stepped" | "control.rate";

export class ControlService {
  readonly #options: ControlServiceOptions;
  /** What is asked first is begun first. */
  readonly #turns = new SerialQueue({
    lengthMax: WAITING_MAX,
    busy: "Cannot take the request: too many wait; try again later",
  });

  constructor(options: ControlServiceOptions) {
    this.#options = options;
  }

  /**
   * Answers when it is done, or says why it cannot be. Who leads no more says
   * nothing: the answer is that of who does.
   * @throws {BusyError} when too much is asked at a time.
   */
  handle(control: MessageOf<"Control">, message: Message): void {
    const { reception, status } = this.#options;
    // Of use above all when the log does not answer; its epoch says whose it is.
    if (control.op === "status") return reception.reply(message, "ControlReply", status());
    this.#turns.run(() => this.#leads()).then((leads) => {
      if (leads) reception.answerLater(message, "ControlReply", this.#carryOut(control));
    });
  }

  async #leads(): Promise<boolean> {
    try {
      await this.#options.confirm();
      return true;
    } catch (error) {
      return !(error instanceof FencedError);
    }
  }

  /** @throws {WireError} when it cannot be done. */
  async #carryOut(control: MessageOf<"Control">): Promise<MessageOf<"ControlReply">> {
    const { pace, snapshots, status, event } = this.#options;
    const { op, ticks = 1, hz } = control;
    if (op === "pause") {
      pace.pause();
      event("control.paused", {});
    } else if (op === "resume") {
      pace.resume();
      event("control.resumed", {});
    } else if (op === "step") {
      pace.step(ticks);
      event("control.stepped", { ticks });
    } else if (op === "rate") {
      if (hz === undefined || hz < HZ_MIN) {
        throw new WireError(`Cannot set the rate: it takes an hz from ${HZ_MIN}`);
      }
      pace.setRate(hz);
      event("control.rate", { hz });
    } else if (op === "snapshot" || op === "restore") {
      const snapshot = await snapshots.control(control);
      return { ...status(), snapshot };
    }
    return status();
  }
}
