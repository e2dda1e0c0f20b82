/**
 * Where commands from outside reach the coordinator, and wait for the next tick.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Schema } from "../lib/ecs/component.ts";
import { parseCommands } from "../lib/wire/command.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import type { CommandQueue } from "./command_queue.ts";
import type { Reception } from "./reception.ts";

/** Share of the largest message that commands may take: the commit lists them, and more than that. */
export const COMMIT_SHARE_MAX = 0.5;

export interface CommandPortOptions {
  readonly bus: Pick<Bus, "payloadBytesMax">;
  readonly subjects: Subjects;
  readonly schema: Schema;
  readonly reception: Reception;
  readonly queue: CommandQueue;
}

/** Queues what comes; what a commit has no room for is refused, and all while too many wait. */
export function listenForCommands(
  { bus, subjects, schema, reception, queue }: CommandPortOptions,
): void {
  const bytesMax = bus.payloadBytesMax * COMMIT_SHARE_MAX;
  reception.listen(subjects.entityCommand, "EntityCommand", {
    take: ({ id, commands }, { data, reply }) => {
      if (data.length > bytesMax) {
        throw new WireError(
          `Cannot queue the commands: ${data.length} bytes are more than ${bytesMax}, ` +
            "the most that a commit has room for; send them in several messages",
        );
      }
      const parsed = parseCommands(schema, commands);
      queue.push({ id, data: new Uint8Array(data), commands: parsed, reply });
    },
    refusal: () =>
      queue.isFull ? "Cannot queue the commands: too many wait; try again later" : undefined,
  });
}
