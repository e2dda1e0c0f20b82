/**
 * A scenario is what a seed is about before anything goes wrong: a small world,
 * its manifests and scripts, and how many instances run them. It goes through
 * YAML like any other world, so that a failing one can be read.
 *
 * @module
 */
import { FIELD_TYPES, type FieldType } from "../lib/ecs/field_type.ts";
import type { Manifests, SystemManifest, WorldManifest } from "../lib/manifest/manifest.ts";
import { parseManifests } from "../lib/manifest/manifests.ts";
import type { SystemFunction } from "../lib/runtime/system.ts";
import type { SnapshotPolicy } from "../coordinator/snapshotter.ts";
import { Draw } from "./draw.ts";
import { type CommandKind, type CommandRule, createScript, type Program } from "./program.ts";

export interface Scenario {
  /** The manifests' texts by path, as in a folder. */
  readonly files: ReadonlyMap<string, string>;
  readonly manifests: Manifests;
  readonly world: WorldManifest;
  readonly programs: ReadonlyMap<string, Program>;
  readonly scripts: ReadonlyMap<string, SystemFunction>;
  /** Ticks a second; Infinity: no waiting between ticks. */
  readonly hz: number;
  readonly ticks: number;
  /** Shards that each instance takes at a time. */
  readonly credits: number;
  readonly isResident: boolean;
  readonly payloadBytesMax: number;
  /** When snapshots are taken; undefined: never, and nobody asks for one. */
  readonly snapshots: SnapshotPolicy | undefined;
}

/** What is known of a component while manifests are written. */
interface Sketch {
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: FieldType }[];
}

const FOLDER = "/sim/manifests";
const COMPONENTS_MAX = 6;
const SYSTEMS_MAX = 5;
const COMMON_TYPES: readonly FieldType[] = ["u32", "i32", "f32", "vec3", "u8"];
const COMMAND_KINDS: readonly CommandKind[] = [
  "spawn",
  "family",
  "despawn",
  "add",
  "remove",
  "set",
];
const HZ = [Infinity, 20, 60, 200];
const SNAPSHOT_PERIODS_MS = [20, 100, 500];
const PAYLOAD_BYTES_MAX = [8 * 1024, 16 * 1024, 64 * 1024];

export function createScenario(seed: number): Scenario {
  const draw = new Draw(seed, "scenario");
  const components = sketchComponents(draw);
  const names = Array.from({ length: draw.between(1, SYSTEMS_MAX) }, (_, i) => `s${i}`);
  // A random order that `after` and `before` follow, so that they never make a cycle.
  const order = draw.shuffled(names);
  const programs = new Map<string, Program>();
  const files = new Map([
    ["components.yaml", componentsYaml(components)],
    ["worlds/small.yaml", worldYaml(draw, components)],
  ]);
  for (const name of names) {
    const { text, program } = writeSystem(draw, { name, order, components });
    files.set(`${name}.yaml`, text);
    programs.set(name, program);
  }
  const manifests = parseManifests(files, FOLDER);
  const [world] = manifests.worlds.values();
  return {
    files,
    manifests,
    world,
    programs,
    scripts: new Map(
      manifests.systems.map((manifest) => [manifest.name, scriptOf(manifest, programs, manifests)]),
    ),
    hz: draw.pick(HZ),
    ticks: draw.between(8, 32),
    credits: draw.between(1, 4),
    isResident: draw.chance(0.8),
    payloadBytesMax: draw.pick(PAYLOAD_BYTES_MAX),
    snapshots: drawSnapshots(new Draw(seed, "snapshots")),
  };
}

function drawSnapshots(draw: Draw): SnapshotPolicy | undefined {
  if (draw.chance(0.5)) return undefined;
  const every = draw.chance(0.7)
    ? { ticks: draw.between(3, 10) }
    : { ms: draw.pick(SNAPSHOT_PERIODS_MS) };
  return { every, kept: draw.between(1, 3) };
}

function scriptOf(
  manifest: SystemManifest,
  programs: ReadonlyMap<string, Program>,
  { schema }: Manifests,
): SystemFunction {
  const program = programs.get(manifest.name);
  if (program === undefined) throw new RangeError(`Cannot find the program of "${manifest.name}"`);
  return createScript(program, { manifest, schema });
}

function sketchComponents(draw: Draw): Sketch[] {
  return Array.from({ length: draw.between(2, COMPONENTS_MAX) }, (_, i) => ({
    name: `C${i}`,
    fields: Array.from({ length: i === 0 ? draw.between(1, 3) : draw.between(0, 3) }, (_, k) => ({
      name: "abc"[k],
      type: draw.pick(draw.chance(0.7) ? COMMON_TYPES : FIELD_TYPES),
    })),
  }));
}

function componentsYaml(components: readonly Sketch[]): string {
  const lines = components.map(({ name, fields }) => {
    const layout = fields.map(({ name, type }) => `${name}: ${type}`).join(", ");
    return fields.length === 0 ? `${name}:` : `${name}: { ${layout} }`;
  });
  return `${lines.join("\n")}\n`;
}

/** Values that can be drawn from a range; the others start at their defaults. */
const RANGED: readonly FieldType[] = ["u8", "u16", "u32", "i8", "i16", "i32", "f32", "f64"];

function worldYaml(draw: Draw, components: readonly Sketch[]): string {
  const lines = ["world: small", `seed: ${draw.between(1, 1000)}`, "entities:"];
  // Now and then enough rows for several shards.
  const countMax = draw.chance(0.1) ? 400 : 60;
  for (let group = draw.between(1, 5); group > 0; group--) {
    const chosen = [...new Set([components[0], ...draw.some(components, components.length)])];
    const having = draw.chance(0.85) ? chosen : chosen.slice(1);
    const values = having.map(({ name, fields }) => {
      const ranged = fields.filter(({ type }) => RANGED.includes(type));
      return `${name}: { ${ranged.map(({ name }) => `${name}: { uniform: [0, 99] }`).join(", ")} }`;
    });
    lines.push(
      `  - { count: ${draw.between(1, countMax)}, components: { ${values.join(", ")} } }`,
    );
  }
  return `${lines.join("\n")}\n`;
}

interface SystemContext {
  readonly name: string;
  readonly order: readonly string[];
  readonly components: readonly Sketch[];
}

function writeSystem(
  draw: Draw,
  { name, order, components }: SystemContext,
): { text: string; program: Program } {
  const place = order.indexOf(name);
  const isHeld = draw.chance(0.75);
  const query = writeQuery(draw, components);
  const throws = draw.chance(0.15);
  const lines = [
    `system: ${name}`,
    `query: ${query}`,
    `after: [${draw.some(order.slice(0, place), 2).join(", ")}]`,
    `before: [${draw.some(order.slice(place + 1), 1).join(", ")}]`,
    `deadline: ${draw.pick([40, 100, 400])}ms`,
    `on_miss: ${isHeld ? "hold" : "skip"}`,
    `instances: ${draw.between(1, 3)}`,
  ];
  const sets = draw.chance(0.4) ? draw.between(1, 2) : 0;
  if (sets > 0) lines.push("broadcast:");
  for (let set = 0; set < sets; set++) lines.push(`  b${set}: ${writeBroadcast(draw, components)}`);
  const program: Program = {
    salt: draw.below(2 ** 31),
    changeEvery: draw.pick([1, 1, 2, 5, 20]),
    throwEvery: throws ? draw.between(20, 400) : 0,
    commands: Array.from(
      { length: draw.chance(0.5) ? draw.between(1, 2) : 0 },
      () => writeCommandRule(draw, components),
    ),
  };
  return { text: `${lines.join("\n")}\n`, program };
}

function writeCommandRule(draw: Draw, components: readonly Sketch[]): CommandRule {
  const named = draw.some(components, 2);
  return {
    kind: draw.pick(COMMAND_KINDS),
    every: draw.between(60, 300),
    components: (named.length > 0 ? named : [components[0]]).map(({ name }) => name),
  };
}

/** Each component in one list at the most, but for those that are read or written and `changed`. */
function writeQuery(draw: Draw, components: readonly Sketch[]): string {
  const rest = draw.shuffled(components);
  const takeFielded = (max: number) => takeSome(draw, rest, { max, isFit: hasFields });
  const write = takeFielded(2);
  const read = takeFielded(2);
  const optional = takeFielded(1);
  const having = takeSome(draw, rest, { max: 1 });
  const without = takeSome(draw, rest, { max: 1 });
  if (write.length + read.length + having.length === 0) read.push(components[0]);
  const lists: Record<string, string[]> = {
    read: [...(draw.chance(0.5) ? ["Entity"] : []), ...accesses(draw, read)],
    write: accesses(draw, write),
    optional: accesses(draw, optional.filter((each) => !read.includes(each))),
    with: having.map(({ name }) => name),
    without: without.filter((each) => !read.includes(each)).map(({ name }) => name),
    changed: draw.chance(0.2) ? draw.some([...read, ...write], 1).map(({ name }) => name) : [],
  };
  return yamlMap(lists);
}

function writeBroadcast(draw: Draw, components: readonly Sketch[]): string {
  const rest = draw.shuffled(components);
  const read = takeSome(draw, rest, { max: 2, isFit: hasFields });
  const having = takeSome(draw, rest, { max: 1 });
  const without = takeSome(draw, rest, { max: 1 });
  if (read.length + having.length === 0) having.push(components[0]);
  return yamlMap({
    read: [...(draw.chance(0.5) ? ["Entity"] : []), ...accesses(draw, read)],
    with: having.map(({ name }) => name),
    without: without.filter((each) => !having.includes(each)).map(({ name }) => name),
  });
}

function hasFields({ fields }: Sketch): boolean {
  return fields.length > 0;
}

/** Takes up to `max` fitting ones out of `rest`. */
function takeSome(
  draw: Draw,
  rest: Sketch[],
  { max, isFit = () => true }: { max: number; isFit?: (sketch: Sketch) => boolean },
): Sketch[] {
  const taken = rest.filter(isFit).slice(0, draw.between(0, max));
  for (const each of taken) rest.splice(rest.indexOf(each), 1);
  return taken;
}

/** Each component whole, or by one of its fields. */
function accesses(draw: Draw, components: readonly Sketch[]): string[] {
  return components.map(({ name, fields }) =>
    draw.chance(0.6) ? name : `${name}.${draw.pick(fields).name}`
  );
}

function yamlMap(lists: Readonly<Record<string, readonly string[]>>): string {
  const entries = Object.entries(lists).filter(([, items]) => items.length > 0);
  return `{ ${entries.map(([list, items]) => `${list}: [${items.join(", ")}]`).join(", ")} }`;
}
