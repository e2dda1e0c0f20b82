/**
 * What is asked of those beside the coordinator who serve a world: whoever supervises
 * its systems' processes, and the editor's own process, which knows its past.
 *
 * @module
 */
import * as z from "zod";
import { count, name, notNegative, subject, u64 } from "./values.ts";

export const SERVICE_MESSAGES = {
  /** any → supervisor (request). */
  SupervisorControl: z.object({
    /** `stop` lets it finish what it has; `kill` does not. */
    op: z.enum(["list", "start", "stop", "kill"]),
    /** For `start`: of which system. */
    system: name.optional(),
    /** For `stop` and `kill`: which process. */
    pid: count.optional(),
  }),
  SupervisorReply: z.object({
    processes: z.array(z.object({
      system: name,
      pid: count,
      /** As the coordinator knows it. */
      instance_id: name.optional(),
      /** How long it has been running. */
      since_ms: notNegative,
    })),
  }),

  /** any → editor (request): make a view of the world as it was. */
  PastOpen: z.object({ tick_id: u64 }),
  /** Under `prefix` the view answers queries, until it is closed or not used for a while. */
  PastOpenReply: z.object({ prefix: subject, tick_id: u64, oldest_tick: u64, newest_tick: u64 }),
  /** any → view of the past (request), under its own prefix: it is not needed any more. */
  PastClose: z.object({}),
  PastCloseReply: z.object({}),

  /** any → editor (request): begin another world, under `prefix`, with this one as of a tick. */
  PastFork: z.object({ tick_id: u64, prefix: subject }),
  /** `command` runs it. */
  PastForkReply: z.object({ prefix: subject, tick_id: u64, command: name }),
} as const;
