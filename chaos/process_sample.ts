/**
 * What a process takes of the machine, as Linux tells it.
 *
 * @module
 */

export interface ProcessSample {
  /** Memory that is resident, in bytes. */
  readonly rssBytes: number;
  /** Open files and sockets. */
  readonly handles: number;
}

const KIBIBYTE = 1024;

/** @throws {Deno.errors.NotFound} when there is no such process. */
export async function sampleProcess(pid: number): Promise<ProcessSample> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  let handles = 0;
  for await (const _ of Deno.readDir(`/proc/${pid}/fd`)) handles++;
  return { rssBytes: Number(rss ?? 0) * KIBIBYTE, handles };
}
