/**
 * A target of the fuzzing: something that takes input from outside, and must
 * refuse what is wrong with it and nothing worse.
 *
 * @module
 */
import type { Draw } from "../sim/draw.ts";
import type { Corpus } from "./corpus.ts";

/** What became of an input. */
export type Verdict = "taken" | "refused";

/** A target's state over one batch of inputs. */
export interface Session {
  /**
   * Makes one input, and feeds it; `note` is told what it is before it is fed.
   * @throws whatever is no refusal
   */
  feed(draw: Draw, note: (input: Uint8Array) => void): Verdict | Promise<Verdict>;
  /** Checks, at the end, that all is still well. */
  close?(): void | Promise<void>;
}

export interface Target {
  readonly name: string;
  /** Of all inputs, in parts of the shares of all targets. */
  readonly share: number;
  open(corpus: Corpus, draw: Draw): Session | Promise<Session>;
}
