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
import { encodeRefusal, reasonOf } from "../lib/wire/request.ts";
import { BusyError, WireError } from "../lib/wire/wire_error.ts";

export interface ReceptionOptions {
  readonly bus: Bus;
  readonly report: Report;
  /** Called for each refused message. */
  onRefused(): void;
}

export interface Listener<T extends MessageType> {
  take(value: MessageOf<T>, message: Message): void;
  /** Why nothing can be taken now, but may be later: then a message is refused without a look at it. */
  refusal?(): string | undefined;
}

/** Where a message came, and where its refusal is to go, if anywhere. */
type Refusable = Pick<Message, "subject" | "reply">;

export class Reception {
  readonly #options: ReceptionOptions;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Takes each good message; the listener may throw a WireError to refuse one. */
  listen<T extends MessageType>(
    subject: string,
    type: T,
    listener: Listener<T> | Listener<T>["take"],
  ): void {
    const { take, refusal } = typeof listener === "function"
      ? { take: listener, refusal: undefined }
      : listener;
    this.#options.bus.subscribe(subject, (message) => {
      const why = refusal?.();
      if (why !== undefined) return this.#refuse(message, new BusyError(why));
      this.#guard(message, () => take(decodeMessage(type, message), message));
    });
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

  /** Encodes what `make` returns; undefined where it throws a WireError, which refuses the request. */
  encode<T extends MessageType>(
    message: Message,
    type: T,
    make: () => MessageOf<T>,
  ): Encoded | undefined {
    let answer: Encoded | undefined;
    this.#guard(message, () => answer = encodeMessage(type, make()));
    return answer;
  }

  /** Sends an answer; one that does not fit into a message is a refusal. */
  send(message: Message, answer: Encoded): void {
    this.#guard(message, () => this.#send(message, answer));
  }

  /** Answers a request with what `work` resolves with, or refuses it for the reason of its failure. */
  answerLater<T extends MessageType>(
    message: Message,
    type: T,
    work: Promise<MessageOf<T>>,
  ): void {
    work.then(
      (value) => this.#guard(message, () => this.reply(message, type, value)),
      (error) => this.#refuse(message, error instanceof Error ? error : new Error(String(error))),
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
      this.#refuse(message, error);
    }
  }

  #refuse(message: Refusable, error: Error): void {
    const { report, onRefused } = this.#options;
    onRefused();
    report.warn(`refused a message on "${message.subject}": ${reasonOf(error)}`);
    this.#send(message, encodeRefusal(error));
  }
}
