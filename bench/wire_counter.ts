/**
 * Counts the bytes of a system's schedules, results and acks, payloads and
 * headers, on their way between a coordinator and its connection.
 *
 * @module
 */
import type { Bus, Headers } from "../lib/bus/bus.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { overlay } from "./overlay.ts";

/** `NATS/1.0\r\n` before the fields, and an empty line after them. */
const HEADER_BYTES = 12;
/** `: ` and `\r\n`. */
const FIELD_BYTES = 4;

export class WireCounter {
  /** Bytes of the messages so far. */
  bytes = 0;
  readonly #schedules: string;
  readonly #results: readonly string[];

  constructor(subjects: Subjects, system: string) {
    this.#schedules = subjects.schedule(system);
    this.#results = [subjects.componentChanged(), subjects.tickDone];
  }

  /** The bus, with what goes over it counted. */
  watch(bus: Bus): Bus {
    return overlay(bus, {
      publish: (subject, data, options) => {
        if (this.#isSchedule(subject)) this.#count(data, options?.headers);
        bus.publish(subject, data, options);
      },
      subscribe: (subject, handler, options) => {
        if (!this.#results.includes(subject)) return bus.subscribe(subject, handler, options);
        return bus.subscribe(subject, (message) => {
          this.#count(message.data, message.headers);
          handler(message);
        }, options);
      },
    });
  }

  #isSchedule(subject: string): boolean {
    return subject === this.#schedules || subject.startsWith(`${this.#schedules}.`);
  }

  #count(data: Uint8Array, headers: Headers = {}): void {
    this.bytes += data.length + HEADER_BYTES;
    for (const [name, value] of Object.entries(headers)) {
      this.bytes += name.length + value.length + FIELD_BYTES;
    }
  }
}
