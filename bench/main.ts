/**
 * `deno task bench [case…]`: measures Orrery against floors and peers.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { runProgram } from "../lib/cli.ts";
import { formatTable } from "../lib/text_table.ts";
import { UserError } from "../lib/user_error.ts";
import type { BenchResult } from "./case.ts";
import { CASES } from "./cases.ts";
import { outputOf } from "./child.ts";
import { findLimit, LIMITS } from "./limits.ts";

const CASE_MAIN = fileURLToPath(new URL("./case_main.ts", import.meta.url));
const RESULTS = fileURLToPath(new URL("./results.json", import.meta.url));
const NOT_LESS = { "at most": "≤", "at least": "≥" };

const EPILOGUE = `
Each case runs in a process of its own. It measures both sides in the same run,
turn by turn, and checks what they computed; the figures are medians over the
turns, and the ratio is the median of the turns' ratios, "this" divided by "floor
or peer". Progress goes to stderr, one table to stdout. A run of all cases takes
less than ten minutes on two cores and writes bench/results.json.

It exits with 1 when a case fails, such as by a wrong result; not when a goal is
missed.

Cases:
${CASES.map(describe).join("\n")}

Examples:
  deno task bench
  deno task bench tick_small tick_bulk
  deno task bench --limits`;

async function main(args: string[]): Promise<void> {
  const program = new Command("deno task bench")
    .description("Measure Orrery against floors and peers.")
    .argument("[case...]", "cases to run; all by default")
    .option("--limits", "find how far this machine goes at 60 ticks a second, instead")
    .addHelpText("after", EPILOGUE);
  program.parse(args, { from: "user" });
  if (program.opts<{ limits?: true }>().limits) return await runLimits(program.args);
  const cases = chooseCases(program.args);
  const results: BenchResult[] = [];
  for (const [i, { name }] of cases.entries()) {
    console.error(`${name}: case ${i + 1} of ${cases.length}`);
    const output = await outputOf(CASE_MAIN, [name]);
    if (output !== undefined) results.push(JSON.parse(output));
  }
  console.log(formatResults(results));
  if (results.length < cases.length) {
    throw new UserError(
      `${cases.length - results.length} of ${cases.length} cases failed; see above`,
    );
  }
  if (program.args.length === 0) {
    await Deno.writeTextFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  }
}

async function runLimits(names: readonly string[]): Promise<void> {
  if (names.length > 0) throw new UserError("Cannot take cases with --limits: it has its own");
  const rows: string[][] = [];
  for (const limit of LIMITS) {
    const { name, what, count, periodMs, isOpen } = await findLimit(limit, (count, periodMs) => {
      console.error(`${limit.name}: ${count}: ${formatNumber(periodMs)} ms a tick`);
    });
    rows.push([name, `${isOpen ? "≥ " : ""}${count}`, `${formatNumber(periodMs)} ms`, what]);
  }
  const head = ["limit", "at 60 Hz", "a tick then", "of what"];
  console.log(formatTable({ head, rows }).join("\n"));
}

function describe({ name, what, against, goal, bound = "at most" }: typeof CASES[number]): string {
  return `  ${name.padEnd(14)} ${what}\n${" ".repeat(17)}against ${against}: ${bound} ${goal}`;
}

function chooseCases(names: readonly string[]) {
  for (const name of names) {
    if (CASES.some((bench) => bench.name === name)) continue;
    throw new UserError(
      `Cannot run case "${name}": there are ${CASES.map((bench) => bench.name).join(", ")}`,
    );
  }
  return names.length === 0 ? CASES : CASES.filter(({ name }) => names.includes(name));
}

function formatResults(results: readonly BenchResult[]): string {
  const rows = results.map((result) => [
    result.name,
    `${formatNumber(result.ours)} ${result.unit}`,
    `${formatNumber(result.theirs)} ${result.unit}`,
    result.ratio.toFixed(2),
    `${NOT_LESS[result.bound]} ${result.goal}`,
    result.holds ? "yes" : "no",
  ]);
  const head = ["case", "this", "floor or peer", "ratio", "goal", "holds?"];
  return formatTable({ head, rows }).join("\n");
}

function formatNumber(value: number): string {
  return value.toPrecision(4);
}

if (import.meta.main) await runProgram(() => main(Deno.args));
