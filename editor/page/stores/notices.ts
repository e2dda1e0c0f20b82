/**
 * What the page has to say, for a while: one line at a time, read out where that is on.
 *
 * @module
 */
import { type Signal, signal } from "@preact/signals";
import type { Timer } from "../../../lib/clock.ts";
import { errorMessage } from "../../../lib/error_message.ts";
import { after } from "../browser.ts";

export interface Notice {
  readonly kind: "info" | "error";
  readonly text: string;
}

const SHOWN_MS = 8000;

export class Notices {
  readonly current: Signal<Notice | undefined> = signal(undefined);
  #timer: Timer | undefined;

  info(text: string): void {
    this.#show({ kind: "info", text });
  }

  error(error: unknown): void {
    this.#show({ kind: "error", text: errorMessage(error) });
  }

  clear(): void {
    this.#timer?.cancel();
    this.current.value = undefined;
  }

  #show(notice: Notice): void {
    this.#timer?.cancel();
    this.current.value = notice;
    this.#timer = after(SHOWN_MS, () => this.current.value = undefined);
  }
}
