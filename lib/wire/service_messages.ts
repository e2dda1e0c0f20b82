/**
 * What is asked of those beside the coordinator who serve a world: whoever supervises
 * its systems' processes, and the editor's own process, which knows its past. They use
 * the envelope of all other messages.
 *
 * @module
 */
import * as z from "zod";
import type { Bus, Message } from "../bus/bus.ts";
import { decodeAs, decodeMessage, encodeAs, type Encoded } from "./codec.ts";
import { RefusedError } from "./request.ts";
import { count, name, notNegative, subject, u64 } from "./values.ts";

const SERVICE_MESSAGES = {
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
  /**
   * Under `prefix` it answers queries, requests for its schema, and the one to close, until
   * it is not used for a while. Nobody else has it.
   */
  PastReply: z.object({ prefix: subject, tick_id: u64, oldest_tick: u64, newest_tick: u64 }),
  /** any → view (request): it is not needed any more. */
  PastClose: z.object({}),
  PastClosed: z.object({}),

  /** any → editor (request): begin another world, under `prefix`, with this one as of a tick. */
  Fork: z.object({ tick_id: u64, prefix: subject }),
  /** `command` runs it. */
  ForkReply: z.object({ prefix: subject, tick_id: u64, command: name }),
} as const;

export type ServiceMessageType = keyof typeof SERVICE_MESSAGES;

export type ServiceMessageOf<T extends ServiceMessageType> = z.output<(typeof SERVICE_MESSAGES)[T]>;

export interface ServiceSubjects {
  readonly supervisor: string;
  readonly past: string;
  readonly fork: string;
  /** Where a view of the past answers, as a prefix. */
  view(id: string): string;
}

export function createServiceSubjects(prefix: string): ServiceSubjects {
  return {
    supervisor: `${prefix}.supervisor.control`,
    past: `${prefix}.editor.past`,
    fork: `${prefix}.editor.fork`,
    view: (id) => `${prefix}.past.${id}`,
  };
}

export function encodeService<T extends ServiceMessageType>(
  type: T,
  value: ServiceMessageOf<T>,
): Encoded {
  const data = encodeAs(SERVICE_MESSAGES[type] as z.ZodType, value);
  return { data, options: { headers: { "msg-type": type } } };
}

/** @throws {WireError} saying what is wrong with it. */
export function decodeService<T extends ServiceMessageType>(
  type: T,
  message: Pick<Message, "data">,
): ServiceMessageOf<T> {
  const schema = SERVICE_MESSAGES[type] as z.ZodType;
  return decodeAs(schema, type, message.data) as ServiceMessageOf<T>;
}

export interface ServiceRequest<T extends ServiceMessageType, R extends ServiceMessageType> {
  readonly type: T;
  readonly value: ServiceMessageOf<T>;
  readonly replyType: R;
  readonly timeoutMs: number;
}

/**
 * Sends a request and resolves with the decoded answer.
 * @throws {RefusedError} when the receiver refuses it.
 * @throws {WireError} when the answer is malformed.
 * @throws {NoRespondersError} when nobody listens.
 * @throws {RequestTimeoutError} when no answer came in time.
 */
export async function requestService<T extends ServiceMessageType, R extends ServiceMessageType>(
  bus: Pick<Bus, "request">,
  subject: string,
  { type, value, replyType, timeoutMs }: ServiceRequest<T, R>,
): Promise<ServiceMessageOf<R>> {
  const { data, options } = encodeService(type, value);
  const reply = await bus.request(subject, data, { ...options, timeoutMs });
  if (reply.headers["msg-type"] === "Refusal") {
    throw new RefusedError(decodeMessage("Refusal", reply));
  }
  return decodeService(replyType, reply);
}
