/**
 * The coordinator's ear: subscribes to what others send it, decodes and checks
 * each message, and hands it on. What is malformed, or what a handler cannot
 * take, is refused: counted, told to the sender where one waits, and reported.
 *
 * @module
 */
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { Report } from "../lib/report.ts";
import { decodeMessage, type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";

const REASON_LENGTH_MAX = 4096;

export interface ReceptionOptions {
  readonly bus: Bus;
  readonly report: Report;
  /** Called for each refused message. */
  onRefused(): void;
}

/** Where a message came, and where its refusal is to go, if anywhere. */
type Refusable = Pick<Message, "subject" | "reply">;

export class Reception {
  readonly #options: ReceptionOptions;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Calls `handle` for each good message; it may throw a WireError to refuse one. */
  listen<T extends MessageType>(
    subject: string,
    type: T,
    handle: (value: MessageOf<T>, message: Message) => void,
  ): void {
    this.#options.bus.subscribe(
      subject,
      (message) => this.#guard(message, () => handle(decodeMessage(type, message), message)),
    );
  }

  /** As `listen`, where the reply subject is for somebody else's answer. */
  overhear<T extends MessageType>(
    subject: string,
    type: T,
    handle: (value: MessageOf<T>, message: Message) => void,
  ): void {
    this.#options.bus.subscribe(subject, (message) => {
      const refusable = { subject: message.subject };
      this.#guard(refusable, () => handle(decodeMessage(type, message), message));
    });
  }

  /** Answers a request. */
  reply<T extends MessageType>(message: Pick<Message, "reply">, type: T, value: MessageOf<T>) {
    this.#send(message, encodeMessage(type, value));
  }

  /**
   * Answers a request with what `make` returns now, once `until` resolves; a
   * WireError of `make` refuses the request, and so does an answer that does not
   * fit into a message.
   */
  answer<T extends MessageType>(
    message: Message,
    type: T,
    { make, until }: { make: () => MessageOf<T>; until: Promise<void> },
  ): void {
    this.#guard(message, () => {
      // Encoded now, since by then the world will have gone on.
      const answer = encodeMessage(type, make());
      // Where it rejects, the coordinator ends, and there is nothing to answer.
      until.then(() => this.#guard(message, () => this.#send(message, answer)), () => {});
    });
  }

  /** Answers a request with what `work` resolves with, or refuses it for the reason of its failure. */
  answerLater<T extends MessageType>(
    message: Message,
    type: T,
    work: Promise<MessageOf<T>>,
  ): void {
    work.then(
      (value) => this.#guard(message, () => this.reply(message, type, value)),
      (error) => this.#refuse(message, error instanceof Error ? error.message : String(error)),
    );
  }

  #send({ reply }: Pick<Message, "reply">, { data, options }: Encoded): void {
    if (reply !== undefined) this.#options.bus.publish(reply, data, options);
  }

  #guard(message: Refusable, handle: () => void): void {
    try {
      handle();
    } catch (error) {
      if (!(error instanceof WireError || error instanceof RangeError)) throw error;
      this.#refuse(message, error.message);
    }
  }

  #refuse(message: Refusable, why: string): void {
    const { report, onRefused } = this.#options;
    const reason = why.slice(0, REASON_LENGTH_MAX);
    onRefused();
    report.warn(`refused a message on "${message.subject}": ${reason}`);
    this.reply(message, "Refusal", { reason });
  }
}
