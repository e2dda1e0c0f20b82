/**
 * `deno task plan`: prints in what order the systems of a manifests folder run,
 * and why. It needs no NATS and runs no system.
 *
 * @module
 */
import { Command, Option } from "commander";
import type { ComponentType, Schema } from "../lib/ecs/component.ts";
import { runProgram } from "../lib/cli.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import type { Manifests, WorldManifest } from "../lib/manifest/manifest.ts";
import { suggestion } from "../lib/manifest/nearest.ts";
import { UserError } from "../lib/user_error.ts";
import type { Archetype } from "./conflict.ts";
import { buildGraph } from "./graph.ts";
import { planJson, planMermaid, planText } from "./plan.ts";

interface Flags {
  readonly manifests: string;
  readonly world?: string;
  readonly mermaid?: true;
  readonly json?: true;
}

const DESCRIPTION = `Print in what order the systems run within a tick, and why.

Two systems conflict where one writes a field that the other reads or writes, on
an archetype that both match; only those, and systems that \`after\` or \`before\`
order, wait for one another. All others run at the same time.`;

const EPILOGUE = `
An ambiguity is a conflict whose order no \`after\` or \`before\` decides: the order of
the file names does. Exits with 1 when the manifests hold a mistake or make a cycle.

Examples:
  deno task plan
  deno task plan --world flock
  deno task plan --mermaid > plan.mmd`;

async function main(args: string[]): Promise<void> {
  const program = new Command("deno task plan")
    .description(DESCRIPTION)
    .option("--manifests <dir>", "folder of the manifests", "manifests")
    .option("--world <name>", "regard only the archetypes that this world starts with")
    .addOption(new Option("--mermaid", "print a Mermaid flowchart").conflicts("json"))
    .option("--json", "print one JSON object")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false);
  program.parse(args, { from: "user" });
  const flags = program.opts<Flags>();
  console.log(plan(await loadManifests(flags.manifests), flags));
}

function plan(manifests: Manifests, flags: Flags): string {
  const world = flags.world === undefined ? undefined : worldOf(manifests, flags.world);
  const graph = buildGraph(manifests.systems, world && archetypesOf(world, manifests.schema));
  const archetypes = world
    ? `the archetypes that world "${world.name}" starts with`
    : "any archetypes";
  if (flags.mermaid) return planMermaid(graph);
  if (flags.json) return planJson(graph, { archetypes });
  const isStyled = Deno.stdout.isTerminal() && !Deno.noColor;
  return planText(graph, { archetypes, heading: isStyled ? bold : (text) => text });
}

function worldOf({ worlds, folder }: Manifests, name: string): WorldManifest {
  const world = worlds.get(name);
  if (world !== undefined) return world;
  throw new UserError(
    `Cannot plan world "${name}": ${folder} has none of that name${
      suggestion(name, worlds.keys())
    }`,
  );
}

/** The distinct component sets of the world's entities. */
function archetypesOf(world: WorldManifest, schema: Schema): Archetype[] {
  const archetypes = new Map<string, Archetype>();
  for (const entity of world.entities()) {
    const names = Object.keys(entity).sort();
    const key = names.join();
    if (archetypes.has(key)) continue;
    archetypes.set(key, new Set(names.map((name) => componentNamed(schema, name))));
  }
  return [...archetypes.values()];
}

function componentNamed(schema: Schema, name: string): ComponentType {
  const component = schema.get(name);
  if (component === undefined) throw new Error(`Cannot plan: no component "${name}" in the schema`);
  return component;
}

function bold(text: string): string {
  return `\x1b[1m${text}\x1b[22m`;
}

if (import.meta.main) await runProgram(() => main(Deno.args));
