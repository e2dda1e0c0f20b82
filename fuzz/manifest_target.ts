/**
 * Fuzzes the manifests: texts of a folder with mistakes in them.
 *
 * @module
 */
import { buildGraph } from "../coordinator/graph.ts";
import { parseManifests } from "../lib/manifest/manifests.ts";
import { UserError } from "../lib/user_error.ts";
import type { Draw } from "../sim/draw.ts";
import type { Corpus } from "./corpus.ts";
import type { Session, Target, Verdict } from "./target.ts";
import { mutateText } from "./text_mutation.ts";

export const manifestTarget: Target = {
  name: "manifest",
  share: 4,
  open: ({ scenario: { files } }: Corpus, draw) =>
    new ManifestSession(draw.chance(RICH_SHARE) ? RICH_FOLDER : files),
};

/** A folder with what the simulation's own worlds do not use. */
const RICH_FOLDER: ReadonlyMap<string, string> = new Map([
  [
    "components.yaml",
    `# yaml-language-server: $schema=schema/components.schema.json
Place: { description: Where it is., at: vec3, turned: { type: quat, default: [0, 0, 0, 1] } }
Mass:
  kg: { type: f32, default: 1, unit: kg, description: Inertia. }
Owner: { of: entity, since: u64 }
Note: { text: { type: string, default: "-" }, raw: bytes, more: { type: any, default: { a: [1] } } }
Frozen:
Small: { a: i8, b: u8, c: i16, d: u16, e: bool, f: f64, g: i64, h: mat4, i: vec2, j: vec4 }
`,
  ],
  [
    "move.yaml",
    `system: move
description: >-
  Moves what is not frozen.
queue: q.move
query:
  read: [Entity, Mass.kg]
  write: [Place.at]
  optional: [Owner]
  without: [Frozen]
broadcast:
  notes: { read: [Note.text, Entity], with: [Mass] }
before: [note]
deadline: 1.5s
on_miss: hold
instances: 2
script: ../systems/move.ts
`,
  ],
  [
    "note.yaml",
    `system: note
query: { write: [Note], read: [Place], changed: [Place], with: [Small] }
after: [move]
deadline: 50ms
`,
  ],
  [
    "worlds/rich.yaml",
    `world: rich
description: Some of all.
seed: 7
entities:
  - { name: home, components: { Place: {}, Mass: { kg: 2 } } }
  - count: 3
    components:
      Place: { at: { sphere: 10 } }
      Mass: { kg: { uniform: [0, 9] } }
      Owner: { of: "@home", since: 12 }
  - &twice { count: 2, components: { Small: { c: { uniform: [-5, 5] }, e: true, i: { uniform: [0, 1] } } } }
  - *twice
  - { components: { Note: { text: "x", more: [null, 1.5, { b: "y" }] }, Frozen: {} } }
`,
  ],
]);

const RICH_SHARE = 0.7;
const ENTITIES_LOOKED_AT_MAX = 100;
const FILE_NAMES = ["s0.yml", "S0.yaml", "sub/s9.yaml", "worlds/a.b.yaml", "__proto__.yaml"];

class ManifestSession implements Session {
  readonly #files: readonly (readonly [string, string])[];
  readonly #texts: readonly string[];

  constructor(files: ReadonlyMap<string, string>) {
    this.#files = [...files];
    this.#texts = this.#files.map(([, text]) => text);
  }

  feed(draw: Draw, note: (input: Uint8Array) => void): Verdict {
    const files = new Map(this.#files);
    const [file, text] = draw.pick(this.#files);
    const mutated = mutateText(text, draw, this.#texts);
    files.set(draw.chance(0.02) ? draw.pick(FILE_NAMES) : file, mutated);
    note(new TextEncoder().encode(mutated));
    try {
      const { systems, worlds } = parseManifests(files, "/fuzz");
      buildGraph(systems, undefined);
      for (const world of worlds.values()) {
        Iterator.from(world.entities()).take(ENTITIES_LOOKED_AT_MAX).toArray();
      }
      return "taken";
    } catch (error) {
      if (error instanceof UserError) return "refused";
      throw error;
    }
  }
}
