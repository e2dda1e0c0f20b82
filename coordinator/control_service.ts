/**
 * Carries out what is asked of the coordinator itself: to pause, to go on, to go
 * faster, to take a snapshot or to become one.
 *
 * @module
 */
import type { Message } from "../lib/bus/bus.ts";
import type { EventData } from "../lib/wire/events.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import type { Pace } from "./pace.ts";
import type { Reception } from "./reception.ts";
import type { SnapshotService } from "./snapshot_service.ts";

/** Slow enough for anyone, and far from where timers and `dt` overflow. */
const HZ_MIN = 0.001;

export interface ControlServiceOptions {
  readonly reception: Reception;
  readonly pace: Pace;
  readonly snapshots: SnapshotService;
  /** How the coordinator fares now. */
  status(): MessageOf<"ControlReply">;
  event<T extends ControlTopic>(topic: T, data: EventData<T>): void;
}

type ControlTopic = "control.paused" | "control.resumed" | "control.stepped" | "control.rate";

export class ControlService {
  readonly #options: ControlServiceOptions;

  constructor(options: ControlServiceOptions) {
    this.#options = options;
  }

  /** @throws {WireError} when it cannot be done. */
  handle(control: MessageOf<"Control">, message: Message): void {
    const { reception, pace, snapshots, status, event } = this.#options;
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
      const done = snapshots.control(control);
      const reply = done.then((snapshot) => ({ ...status(), snapshot }));
      return reception.answerLater(message, "ControlReply", reply);
    }
    reception.reply(message, "ControlReply", status());
  }
}
