/**
 * The desk where queries wait. They are answered between two ticks, from the world
 * as it is then, and a bounded amount at a time: a flood of them neither holds up
 * the ticks nor piles up in memory, and who comes when the desk is full is refused.
 *
 * @module
 */
import type { Message } from "../lib/bus/bus.ts";
import type { Encoded } from "../lib/wire/codec.ts";

/** An answer, and how many numbers were looked at for it. */
export interface Answer {
  readonly encoded: Encoded;
  readonly work: number;
}

export interface Question {
  readonly message: Message;
  /** The answer as of now; undefined where the query is refused instead. */
  answer(): Answer | undefined;
}

export interface QueryDeskOptions {
  send(message: Message, answer: Encoded): void;
  /** Resolves when what the answers made before show may be told. */
  confirm(): Promise<void>;
  /** Resolves when what was sent is on its way, and no longer here. */
  flush(): Promise<void>;
}

export const QUESTIONS_MAX = 256;
/** Answers made at a time, in bytes and numbers looked at; one at least, however large. */
const ANSWER_COST_MAX = 1024 * 1024;
/** What an answer costs at the least. */
const ANSWER_COST_MIN = 4096;

export class QueryDesk {
  readonly #options: QueryDeskOptions;
  readonly #questions: Question[] = [];
  #isOpen = true;
  /** Answers are made, and have not been sent yet. */
  #isBusy = false;

  constructor(options: QueryDeskOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#questions.length;
  }

  get isFull(): boolean {
    return this.#questions.length >= QUESTIONS_MAX;
  }

  /** Takes a question; not when the desk is full. */
  ask(question: Question): void {
    this.#questions.push(question);
    this.#serve();
  }

  /** The world is between two ticks. */
  open(): void {
    this.#isOpen = true;
    this.#serve();
  }

  /** A tick begins. */
  close(): void {
    this.#isOpen = false;
  }

  async #serve(): Promise<void> {
    while (this.#isOpen && !this.#isBusy && this.#questions.length > 0) {
      this.#isBusy = true;
      const answers = this.#answerSome();
      try {
        await this.#options.confirm();
        for (const { message, encoded } of answers) this.#options.send(message, encoded);
        await this.#options.flush();
      } catch {
        // The coordinator ends, or the connection broke: whoever asked hears nothing, and asks again.
      }
      this.#isBusy = false;
    }
  }

  #answerSome(): { message: Message; encoded: Encoded }[] {
    const answers: { message: Message; encoded: Encoded }[] = [];
    for (let cost = 0; cost < ANSWER_COST_MAX;) {
      const question = this.#questions.shift();
      if (question === undefined) break;
      cost += ANSWER_COST_MIN;
      const answer = question.answer();
      if (answer === undefined) continue;
      const { encoded, work } = answer;
      answers.push({ message: question.message, encoded });
      cost += encoded.data.length + work;
    }
    return answers;
  }
}
