/**
 * What the programs that command entities have in common.
 *
 * @module
 */
import { UserError } from "../lib/user_error.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Context } from "./terminal.ts";

/** Reasons that are shown; the others are alike. */
const REFUSED_SHOWN_MAX = 10;

/** @throws {UserError} when it is no entity's number. */
export function parseEntity(text: string): number {
  const entity = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(entity) && entity > 0) return entity;
  throw new UserError(`Cannot find entity "${text}": entities are numbers from 1`);
}

/**
 * Says what became of commands.
 * @param result undefined where they wait for the world to go on
 * @throws {UserError} when one of them had no effect.
 */
export function answerCommands(
  { answer }: Pick<Context, "answer">,
  result: MessageOf<"EntityCommandReply"> | undefined,
  { text, value }: { text: string; value: Readonly<Record<string, unknown>> },
): void {
  if (result === undefined) {
    const text = "queued: the world is paused, and its next tick takes this; it is lost if the " +
      "coordinator ends before that";
    return answer(text, { queued: true });
  }
  const { tick_id, refused } = result;
  if (refused.length > 0) {
    const reasons = refused.slice(0, REFUSED_SHOWN_MAX).map(({ reason }) => reason);
    const more = refused.length - reasons.length;
    throw new UserError([...reasons, ...more > 0 ? [`and ${more} more`] : []].join("\n"));
  }
  answer(`${text} in tick ${tick_id}`, { tick: tick_id, ...value });
}
