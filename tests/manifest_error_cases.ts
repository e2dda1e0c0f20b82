/**
 * Mistakes in manifests, each with what is said of it.
 *
 * @module
 */

/** The components that the manifests of the cases are about. */
export const COMPONENTS = `
Position: { value: vec3, name: string }
Velocity: { linear: vec3, angular: vec3 }
Tag: {}
Score: { points: u8, total: i64, target: entity }
`;

/** `[what, text of the file, problems without the file's name]`. */
type Case = readonly [what: string, text: string, ...problems: string[]];

const COMPONENT_CASES: readonly Case[] = [
  [
    "an unknown field type",
    "A:\n  x: f23\n",
    [
      `2:6: "x" takes a field type or { type, default, unit, description }, not "f23"`,
      `, did you mean "f32"?`,
    ].join(""),
  ],
  [
    "an unknown type in the long form",
    "A: { x: { type: vec33 } }",
    `1:17: "type" takes a field type, not "vec33", did you mean "vec3"?`,
  ],
  ["a field without a type", "A: { x: { default: 1 } }", `1:9: "type" is missing`],
  [
    "an unknown key of a field",
    "A: { x: { type: f32, defualt: 1 } }",
    `1:22: unknown key "defualt", did you mean "default"?`,
  ],
  [
    "a unit that is no text",
    "A: { x: { type: f32, unit: 1 } }",
    `1:28: "unit" takes text like m/s of at most 16 characters, without spaces, not 1`,
  ],
  [
    "a unit of several words",
    "A:\n  x:\n    type: f32\n    unit: metres per second",
    [
      `4:11: "unit" takes text like m/s of at most 16 characters, without spaces, `,
      `not "metres per second"`,
    ].join(""),
  ],
  [
    "an empty unit",
    `A: { x: { type: f32, unit: "" } }`,
    `1:28: "unit" takes text like m/s of at most 16 characters, without spaces, not ""`,
  ],
  [
    "a unit with control characters",
    `A: { x: { type: f32, unit: "\\e[2J" } }`,
    `1:28: "unit" takes text like m/s of at most 16 characters, without spaces, not "\\u001b[2J"`,
  ],
  [
    "a unit that is too long",
    `A: { x: { type: f32, unit: ${"m".repeat(17)} } }`,
    [
      `1:28: "unit" takes text like m/s of at most 16 characters, without spaces, `,
      `not "${"m".repeat(17)}"`,
    ].join(""),
  ],
  [
    "a unit of what is no number",
    "A:\n  x: { type: f32, unit: m }\n  y: { type: string, unit: m }\n  z: { type: quat, unit: rad }",
    "3:22: string has no unit, only numbers and vectors have",
    "4:20: quat has no unit, only numbers and vectors have",
  ],
  [
    "a description that is too long",
    `A:\n  description: ${"x".repeat(4097)}`,
    `2:16: "description" takes text of at most 4096 characters, not "${"x".repeat(59)}…`,
  ],
  [
    "a default of the wrong type",
    "A: { x: { type: u8, default: 256 } }",
    `1:30: u8 takes an integer from 0 to 255, not 256`,
  ],
  [
    "a default of the wrong length",
    "A: { x: { type: vec3, default: [1, 2] } }",
    `1:32: vec3 takes a list of 3 numbers, not [1,2]`,
  ],
  [
    "a bad component name",
    "position: { x: f32 }",
    `1:1: "position" is not a component name like Transform3D`,
  ],
  [
    "a reserved name",
    "Entity: { x: f32 }",
    `1:1: "Entity" is reserved: it stands for a row's entity`,
  ],
  ["a bad field name", "A: { X: f32 }", `1:6: "X" is not a field name like maxSpeed or max_speed`],
  ["a component that is no map", "A: [f32]", `1:4: "A" takes a map of fields, not ["f32"]`],
  ["a file that is no map", "- A\n", `1:1: the file takes a map of components, not ["A"]`],
  [
    "a field named description",
    "A: { description: string }",
    `1:6: "description" is text about the component, so no field can have that name`,
  ],
  [
    "too many fields",
    `A: { ${Array.from({ length: 65 }, (_, i) => `f${i}: f32`).join(", ")} }`,
    `1:1: 65 fields, which is more than 64`,
  ],
  [
    "too many components",
    Array.from({ length: 1025 }, (_, i) => `A${i}: {}\n`).join(""),
    `1:1: 1025 components, which is more than 1024`,
  ],
];

const YAML_CASES: readonly Case[] = [
  [
    "broken syntax",
    "A: { x: f32\nB: {}\n",
    "2:1: not valid YAML: flow map in block collection must be sufficiently indented and end with a }",
  ],
  ["a duplicate key", "A: {}\nB: {}\nA: { x: f32 }\n", `3:1: "A" is given twice`],
  ["an unknown tag", "A: !foo {}", "1:4: not valid YAML: unresolved tag: !foo"],
  [
    "a bad !!binary",
    `A: { x: { type: bytes, default: !!binary "?" } }`,
    "1:33: not valid YAML: !!binary takes base64",
  ],
  ["an unknown alias", "A: *a", `1:4: nothing is anchored as "a" above`],
  ["a key that is no text", "[A, B]: {}", "1:1: a key must be text"],
  ["a key that hides an object's own", "__proto__: {}", `1:1: a key cannot be "__proto__"`],
  ["a value nested in itself", "A: &a [*a]", "1:7: nested deeper than 32 levels"],
  ["endless nesting", "[".repeat(50_000), "1:1: nested deeper than 32 levels"],
  [
    "several documents",
    "A: {}\n---\nB: {}\n",
    "2:1: a second document starts: a manifest is one",
  ],
  ["too much text", "#".repeat(2 ** 20 + 1), "1:1: the file is larger than 1048576 bytes"],
];

const SYSTEM_CASES: readonly Case[] = [
  ["an empty file", "", `1:1: the file takes a map, not null`],
  ["missing keys", "description: x", `1:1: "system" is missing`, `1:1: "query" is missing`],
  [
    "another system's name",
    "system: mov\nquery: { with: [Tag] }",
    `1:9: "system" must be "move" as the file's name, not "mov"`,
  ],
  [
    "an unknown key",
    "system: move\nquer: 1\nquery: { with: [Tag] }",
    `2:1: unknown key "quer", did you mean "query"?`,
  ],
  [
    "an unknown key of a query",
    "system: move\nquery:\n  reed: [Tag]\n  with: [Tag]",
    `3:3: unknown key "reed", did you mean "read"?`,
  ],
  [
    "an unknown component",
    "system: move\nquery:\n  read:\n    - Velocty\n",
    `4:7: unknown component "Velocty", did you mean "Velocity"?`,
  ],
  [
    "an unknown component near none",
    "system: move\nquery: { read: [Zzzzz] }",
    `2:17: unknown component "Zzzzz"; there are Position, Velocity, Tag, Score`,
  ],
  [
    "an unknown field",
    "system: move\nquery: { read: [Velocity.linaer] }",
    `2:17: unknown field "linaer" of "Velocity", did you mean "linear"?`,
  ],
  [
    "a field of a tag",
    "system: move\nquery: { read: [Tag.x] }",
    `2:17: unknown field "x" of "Tag", which is a tag`,
  ],
  [
    "reading a tag",
    "system: move\nquery: { read: [Tag] }",
    `2:17: "Tag" is a tag without fields: list it in "with"`,
  ],
  [
    "a field where components go",
    "system: move\nquery: { read: [Score], with: [Velocity.linear] }",
    `2:32: "with" takes whole components, not "Velocity.linear"`,
  ],
  [
    "Entity outside read",
    "system: move\nquery: { write: [Entity] }",
    `2:18: "Entity" can be listed in "read" only`,
  ],
  [
    "an empty query",
    "system: move\nquery: { without: [Tag] }",
    `2:8: the query is empty: it needs an entry in "read" or "write" or "with"`,
  ],
  [
    "a list twice the same",
    "system: move\nquery: { read: [Score, Score] }",
    `2:24: "Score" is listed twice in "read"`,
  ],
  [
    "a component whole and by field",
    "system: move\nquery: { write: [Velocity.linear, Velocity] }",
    `2:35: "Velocity" is listed in "write" both whole and by field`,
  ],
  [
    "a component required and excluded",
    "system: move\nquery: { read: [Score.points], without: [Score] }",
    `2:42: "Score" is excluded here, but asked for by "read"`,
  ],
  [
    "a component required and optional",
    "system: move\nquery: { write: [Score.points], optional: [Score.total] }",
    `2:44: "Score" is required by "write", so it cannot be optional`,
  ],
  [
    "a component optional and excluded",
    "system: move\nquery: { with: [Tag], optional: [Score], without: [Score] }",
    `2:52: "Score" is excluded here, but asked for by "optional"`,
  ],
  [
    "a list that is none",
    "system: move\nquery: { read: Score }",
    `2:16: "read" takes a list of components or their fields, like [Velocity.linear], not "Score"`,
  ],
  [
    "an entry that is no text",
    "system: move\nquery: { read: [1, Score] }",
    `2:17: "read" takes components or their fields, like Velocity.linear, not 1`,
  ],
  ["a query that is null", "system: move\nquery:\n", `2:1: "query" takes a map of lists, not null`],
  [
    "a broadcast that writes",
    "system: move\nquery: { with: [Tag] }\nbroadcast: { all: { write: [Score] } }",
    `3:19: the query is empty: it needs an entry in "read" or "with"`,
    `3:21: unknown key "write"; there are read, with, without`,
  ],
  [
    "a bad broadcast name",
    "system: move\nquery: { with: [Tag] }\nbroadcast: { All: { read: [Score] } }",
    `3:14: "All" is not a name like maxSpeed or max_speed of at most 64 characters`,
  ],
  [
    "a system after itself",
    "system: move\nquery: { with: [Tag] }\nafter: [move]",
    `3:9: "move" cannot run after itself`,
  ],
  [
    "an unknown system",
    "system: move\nquery: { with: [Tag] }\nafter: [reder]",
    `3:9: unknown system "reder", did you mean "render"?`,
  ],
  [
    "a system listed twice",
    "system: move\nquery: { with: [Tag] }\nbefore: [render, render]",
    `3:18: "render" is listed twice in "before"`,
  ],
  [
    "a system before and after",
    "system: move\nquery: { with: [Tag] }\nafter: [render]\nbefore: [render]",
    `4:10: "render" is listed in both "after" and "before"`,
  ],
  [
    "a bad queue",
    "system: move\nqueue: q.*\nquery: { with: [Tag] }",
    `2:8: "queue" takes NATS tokens like q.physics of at most 64 characters, not "q.*"`,
  ],
  [
    "a bad deadline",
    "system: move\ndeadline: 50\nquery: { with: [Tag] }",
    `2:11: "deadline" takes a duration like 50ms or 1.5s, not 50`,
  ],
  [
    "a deadline too long",
    "system: move\ndeadline: 601s\nquery: { with: [Tag] }",
    `2:11: "deadline" takes a duration like 50ms or 1.5s, from 1ms to 600s, not "601s"`,
  ],
  [
    "a bad on_miss",
    "system: move\non_miss: skp\nquery: { with: [Tag] }",
    `2:10: "on_miss" takes "skip" or "hold", not "skp", did you mean "skip"?`,
  ],
  [
    "too many instances",
    "system: move\ninstances: 65\nquery: { with: [Tag] }",
    `2:12: "instances" takes an integer from 1 to 64, not 65`,
  ],
  [
    "an empty script",
    `system: move\nscript: ""\nquery: { with: [Tag] }`,
    `2:9: "script" takes a path, not ""`,
  ],
];

const WORLD_CASES: readonly Case[] = [
  [
    "another world's name",
    "world: b\nentities: []",
    `1:8: "world" must be "a" as the file's name, not "b"`,
  ],
  ["no entities", "world: a", `1:1: "entities" is missing`],
  ["a bad seed", "world: a\nseed: x\nentities: []", `2:7: "seed" takes an integer, not "x"`],
  [
    "an unknown component",
    "world: a\nentities:\n  - components:\n      Postion: {}",
    `4:7: unknown component "Postion", did you mean "Position"?`,
  ],
  [
    "an unknown field",
    "world: a\nentities:\n  - components: { Position: { valeu: [0, 0, 0] } }",
    `3:31: unknown field "valeu" of "Position", did you mean "value"?`,
  ],
  [
    "a value of the wrong type",
    "world: a\nentities:\n  - components: { Score: { points: -1 } }",
    `3:36: u8 takes an integer from 0 to 255, not -1`,
  ],
  [
    "a component that is no map",
    "world: a\nentities:\n  - components: { Score: 3 }",
    `3:26: "Score" takes a map of field values, not 3`,
  ],
  [
    "a bad count",
    "world: a\nentities: [{ count: 0, components: {} }]",
    `2:21: "count" takes an integer from 1 to 10000000, not 0`,
  ],
  [
    "too many entities",
    "world: a\nentities:\n- { count: 10000000, components: {} }\n- { components: {} }",
    `3:1: 10000001 entities, which is more than 10000000`,
  ],
  [
    "a name taken twice",
    "world: a\nentities:\n- { name: x, components: {} }\n- { name: x, components: {} }",
    `4:11: the name "x" is taken above`,
  ],
  [
    "an unknown entity",
    `world: a\nentities:\n- { name: alpha, components: {} }\n- components: { Score: { target: "@alpa" } }`,
    `4:34: unknown entity "@alpa", did you mean "@alpha"?`,
  ],
  [
    "a name of several",
    `world: a\nentities:\n- { name: x, count: 2, components: {} }\n- components: { Score: { target: "@x" } }`,
    `4:34: "@x" stands for several entities: its count must be 1`,
  ],
  [
    "an entity by number",
    "world: a\nentities:\n- components: { Score: { target: 1 } }",
    `3:34: entity takes the @name of an entity, not 1`,
  ],
  [
    "bounds in the wrong order",
    "world: a\nentities:\n- components: { Score: { points: { uniform: [2, 1] } } }",
    `3:34: "uniform" takes the least value first, not [2, 1]`,
  ],
  [
    "one bound",
    "world: a\nentities:\n- components: { Score: { points: { uniform: [2] } } }",
    `3:34: "uniform" takes a list of the least and the greatest u8`,
  ],
  [
    "bounds out of range",
    "world: a\nentities:\n- components: { Score: { points: { uniform: [0, 256] } } }",
    `3:34: u8 takes an integer from 0 to 255, not 256`,
  ],
  [
    "endless bounds",
    "world: a\nentities:\n- components: { Position: { value: { uniform: [0, .inf] } } }",
    `3:36: "uniform" takes finite numbers, not Infinity`,
  ],
  [
    "a sphere of scalars",
    "world: a\nentities:\n- components: { Score: { points: { sphere: 1 } } }",
    `3:34: u8 has no "sphere", only vec3 has`,
  ],
  [
    "a negative radius",
    "world: a\nentities:\n- components: { Position: { value: { sphere: -1 } } }",
    `3:36: "sphere" takes a radius from 0 upwards`,
  ],
];

/** The cases of each file. */
export const ERROR_SUITES: readonly [file: string, cases: readonly Case[]][] = [
  ["components.yaml", COMPONENT_CASES],
  ["components.yaml", YAML_CASES],
  ["move.yaml", SYSTEM_CASES],
  ["worlds/a.yaml", WORLD_CASES],
];
