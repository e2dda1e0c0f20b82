/**
 * Runs a coordinator over so many bodies as a process of its own, and prints
 * the most memory that it ever had.
 *
 * @module
 */
import { BenchWorld } from "./bench_world.ts";
import { physicsSetting } from "./setting.ts";

const [count, ticks] = Deno.args;
const setting = await physicsSetting(Number(count));
{
  await using world = await BenchWorld.open({ setting });
  await world.run(Number(ticks));
  const peakBytes = await peakMemory();
  console.log(JSON.stringify({ peakBytes, digest: `${world.digest()}` }));
}

/** Of this process, in bytes, as Linux counts it. */
async function peakMemory(): Promise<number> {
  const status = await Deno.readTextFile("/proc/self/status");
  const kilobytes = status.match(/^VmHWM:\s+(\d+) kB$/m)?.[1];
  if (kilobytes === undefined) throw new Error("Cannot read VmHWM from /proc/self/status");
  return Number(kilobytes) * 1024;
}
