/**
 * Runs one case in a process of its own, so that none runs on a heap or in code
 * that another has shaped, and prints its result as JSON.
 *
 * @module
 */
import { runCase } from "./case.ts";
import { CASES } from "./cases.ts";

const [name] = Deno.args;
const bench = CASES.find((bench) => bench.name === name);
if (bench === undefined) throw new RangeError(`Cannot run case "${name}": there is none`);
const result = await runCase(bench, (round, { ours, theirs, note = "" }) => {
  console.error(
    `${name}: round ${round}: ${ours.toFixed(3)} to ${theirs.toFixed(3)} ${bench.unit} ${note}`,
  );
});
console.log(JSON.stringify(result));
