/**
 * What it costs a world to be looked at.
 *
 * @module
 */
import type { Browser, CDPSession, Page } from "playwright-core";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { Program } from "../chaos/program.ts";
import { connectNats } from "../lib/bus/nats_bus.ts";
import { denoRunArguments } from "../lib/deno_run.ts";
import { startNatsServer } from "../lib/nats_server/nats_server.ts";
import { delay, systemClock } from "../lib/clock.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { requestMessage } from "../lib/wire/request.ts";
import { launchChromium } from "../tests/chromium.ts";
import { type BenchCase, openSession } from "./case.ts";

const ENTITIES = 100_000;
/** A pace that leaves the machine some time: a tick of so many entities takes half of its period. */
const HZ = 30;
/** The coordinator's percentiles are of as many ticks. */
const TICKS = 120;
const REQUEST_TIMEOUT_MS = 10_000;
/** Until the page has loaded, and its code is warm. */
const SETTLE_MS = 3000;
const WINDOW = { width: 1440, height: 900 };
const MIB = 2 ** 20;
const KIB_PER_MIB = 1024;
const MS_PER_S = 1000;

/** Runs in the page. */
const COUNT_FRAMES = `
  globalThis.frameCount = 0;
  const count = () => requestAnimationFrame(() => { frameCount++; count(); });
  count();`;

const WORLDS = fileURLToPath(new URL("./worlds", import.meta.url));
const path = (file: string) => fileURLToPath(new URL(`../${file}`, import.meta.url));

export const editorCases: readonly BenchCase[] = [{
  name: "editor",
  what: `the median tick of ${ENTITIES} entities at ${HZ} Hz with the editor's page open`,
  against: "the same world with a blank page open",
  unit: "ms",
  goal: 1.05,
  open: openEditor,
}];

function openEditor() {
  return openSession(async (stack) => {
    const folder = await Deno.makeTempDir({ prefix: "orrery-bench-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    await writeProject(folder);
    const server = stack.use(await startNatsServer({ progress: () => {} }));
    const start = (program: string, args: readonly string[], ready: RegExp) =>
      startProgram(path(program), [...args, "--nats", server.url], ready);
    const inFolder = ["--manifests", join(folder, "manifests")];
    const coordinator = await start("coordinator/main.ts", [
      ...inFolder,
      ...["--hz", `${HZ}`, "--snapshot-every", "never"],
    ], /is up at/);
    stack.use(coordinator);
    stack.use(await start("lib/runtime/main.ts", ["move", ...inFolder], /registered/));
    const editor = stack.use(await start("editor/main.ts", ["--port", "0"], /editor at/));
    const url = editor.stdout.join("\n").match(/editor at (\S+)/)?.[1] ?? "";
    const { bus } = await connectNats({ servers: server.url, name: "bench", onError: () => {} });
    stack.defer(() => bus.close());
    const browser: Browser = await launchChromium();
    stack.defer(() => browser.close());
    const page = await browser.newPage({ viewport: WINDOW });
    await page.addInitScript(COUNT_FRAMES);
    return async () => {
      await page.goto("about:blank");
      const theirs = await medianTick(bus);
      await page.goto(url);
      await page.getByText(`${ENTITIES} found`).or(page.getByText("100,000 found")).waitFor();
      await delay(systemClock, SETTLE_MS);
      const session = await page.context().newCDPSession(page);
      await session.send("Performance.enable");
      const before = await metricsOf(page, session);
      const ours = await medianTick(bus);
      const after = await metricsOf(page, session);
      await session.detach();
      const memory = await pageMemory(browser);
      return { ours, theirs, note: `${noteOf(before, after)}, page ${memory.toFixed(0)} MiB` };
    };
  });
}

async function writeProject(folder: string): Promise<void> {
  await Deno.mkdir(join(folder, "manifests/worlds"), { recursive: true });
  for (const file of ["components.yaml", "move.yaml"]) {
    const text = await Deno.readTextFile(join(WORLDS, "manifests", file));
    const placed = text.replace("system: move", `system: move\nscript: ${WORLDS}/systems/move.ts`);
    await Deno.writeTextFile(join(folder, "manifests", file), placed);
  }
  const spread = "{ uniform: [[-50, -50, -50], [50, 50, 50]] }";
  await Deno.writeTextFile(
    join(folder, "manifests/worlds/many.yaml"),
    `world: many
entities:
  - count: ${ENTITIES}
    components: { Position: { value: ${spread} }, Velocity: { linear: { sphere: 1 } } }
`,
  );
}

async function startProgram(
  script: string,
  args: readonly string[],
  ready: RegExp,
): Promise<Program> {
  const program = new Program(Deno.execPath(), denoRunArguments(script, args), { name: script });
  await program.line(ready);
  return program;
}

/** Lets as many ticks go by, and asks for their median. */
async function medianTick(bus: Awaited<ReturnType<typeof connectNats>>["bus"]): Promise<number> {
  await delay(systemClock, (TICKS / HZ) * MS_PER_S);
  const { tick_ms_p50 } = await requestMessage(bus, createSubjects().querySystems, {
    type: "SystemsRequest",
    value: {},
    replyType: "SystemsReply",
    timeoutMs: REQUEST_TIMEOUT_MS,
  });
  return tick_ms_p50;
}

interface PageMetrics {
  readonly at: number;
  readonly frames: number;
  readonly scriptMs: number;
  readonly heapBytes: number;
}

async function metricsOf(page: Page, session: CDPSession): Promise<PageMetrics> {
  const { metrics } = await session.send("Performance.getMetrics");
  const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  const frames = Number(await page.evaluate("frameCount"));
  return {
    at: systemClock.now(),
    frames,
    scriptMs: value("ScriptDuration") * MS_PER_S,
    heapBytes: value("JSHeapUsedSize"),
  };
}

function noteOf(before: PageMetrics, after: PageMetrics): string {
  const frames = after.frames - before.frames;
  const perSecond = frames / (after.at - before.at) * MS_PER_S;
  const scriptMs = (after.scriptMs - before.scriptMs) / Math.max(1, frames);
  return `${perSecond.toFixed(0)} frames/s, ${scriptMs.toFixed(1)} ms of script each, ` +
    `heap ${(after.heapBytes / MIB).toFixed(0)} MiB`;
}

/** Memory of the process that runs the page, in MiB: what it shares with others counts by its share. */
async function pageMemory(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  const sizes = await Promise.all(renderers.map(async ({ id }) => {
    const rollup = await Deno.readTextFile(`/proc/${id}/smaps_rollup`);
    return Number(rollup.match(/^Pss:\s+(\d+) kB/m)?.[1] ?? 0) / KIB_PER_MIB;
  }));
  return Math.max(...sizes);
}
