/**
 * A server's data folder: two servers at once would destroy what it holds.
 *
 * @module
 */
import { type Clock, delay } from "../clock.ts";
import { UserError } from "../user_error.ts";
import { runCommand } from "./executable.ts";

/** Where the guard notes the process id of the server that runs on the folder. */
export const PID_FILE_NAME = "orrery.pid";

const PREDECESSOR_POLL_MS = 20;
/** A guard gives its server half of this. */
const PREDECESSOR_TIMEOUT_MS = 10_000;

/** A folder that no other process may claim before it is released, or we die. */
export interface DataFolder {
  release(): void;
}

/**
 * Makes the folder when it is missing and claims it. When the process that had
 * it was killed, its server may still be stopping: then waits for that.
 * @throws {UserError} when another server runs on it.
 */
export async function claimDataFolder(path: string, clock: Clock): Promise<DataFolder> {
  await Deno.mkdir(path, { recursive: true });
  const file = await Deno.open(`${path}/orrery.lock`, { create: true, write: true });
  const isOurs = await file.tryLock(true) && await waitForPredecessor(path, clock);
  if (isOurs) return { release: () => file.close() };
  file.close();
  throw new UserError(`Cannot use data folder "${path}": another server is running on it`);
}

async function waitForPredecessor(path: string, clock: Clock): Promise<boolean> {
  const deadlineMs = clock.now() + PREDECESSOR_TIMEOUT_MS;
  while (await isServerRunning(await readPid(path))) {
    if (clock.now() >= deadlineMs) return false;
    await delay(clock, PREDECESSOR_POLL_MS);
  }
  return true;
}

async function readPid(path: string): Promise<string> {
  return await Deno.readTextFile(`${path}/${PID_FILE_NAME}`).then((text) => text.trim(), () => "");
}

/** Knows a server from another process that has been given its id since, where there is a /proc. */
async function isServerRunning(pid: string): Promise<boolean> {
  if (!/^\d+$/.test(pid)) return false;
  const { code } = await runCommand("sh", ["-c", 'kill -0 "$1"', "sh", pid]);
  if (code !== 0) return false;
  const name = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "nats-server");
  return name.trim() === "nats-server";
}
