/**
 * `deno task bench [case…]`: measures Orrery against floors and peers.
 *
 * @module
 */
import { Command } from "commander";
import { runProgram } from "../lib/cli.ts";
import { UserError } from "../lib/user_error.ts";
import { type BenchResult, runCase } from "./case.ts";
import { tickCases } from "./tick_cases.ts";

const CASES = [...tickCases];
const RESULTS = new URL("./results.json", import.meta.url);

const EPILOGUE = `
Both sides of a case are measured in the same run, turn by turn; the figures are
medians. Cases:
${CASES.map(({ name, what }) => `  ${name.padEnd(14)} ${what}`).join("\n")}`;

async function main(args: string[]): Promise<void> {
  const program = new Command("deno task bench")
    .description("Measure Orrery against floors and peers.")
    .argument("[case...]", "cases to run; all by default")
    .addHelpText("after", EPILOGUE);
  program.parse(args, { from: "user" });
  const results: BenchResult[] = [];
  for (const bench of chooseCases(program.args)) {
    results.push(await runCase(bench, (round) => console.error(`${bench.name}: round ${round}`)));
  }
  console.log(formatTable(results));
  if (program.args.length === 0) {
    await Deno.writeTextFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  }
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

function formatTable(results: readonly BenchResult[]): string {
  const header = ["case", "this", "floor or peer", "ratio", "goal", "holds?"];
  const rows = results.map((result) => [
    result.name,
    `${result.ours.toFixed(3)} ${result.unit}`,
    `${result.theirs.toFixed(3)} ${result.unit}`,
    result.ratio.toFixed(2),
    `≤ ${result.goal}`,
    result.holds ? "yes" : "no",
  ]);
  const widths = header.map((_, i) => Math.max(...[header, ...rows].map((row) => row[i].length)));
  return [header, ...rows]
    .map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd())
    .join("\n");
}

if (import.meta.main) await runProgram(() => main(Deno.args));
