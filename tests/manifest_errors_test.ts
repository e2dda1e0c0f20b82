import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseManifests } from "../lib/manifest/manifests.ts";
import { ManifestError } from "../lib/manifest/problem.ts";
import { UserError } from "../lib/user_error.ts";
import { COMPONENTS, ERROR_SUITES } from "./manifest_error_cases.ts";

const SYSTEM = `system: move\nquery: { write: [Position.value] }\n`;

/** The problems of a folder with these files, as lines; a good components.yaml is added. */
function problemsOf(files: Record<string, string>): string[] {
  try {
    parseManifests(new Map(Object.entries({ "components.yaml": COMPONENTS, ...files })), "/game");
  } catch (error) {
    assert(error instanceof ManifestError, String(error));
    return error.problems.map(({ file, line, column, message }) =>
      `${file}:${line}:${column}: ${message}`
    );
  }
  return [];
}

for (const [file, cases] of ERROR_SUITES) {
  for (const [what, text, ...expected] of cases) {
    Deno.test(`parseManifests() reports ${what} in ${file}`, () => {
      const others: Record<string, string> = file === "move.yaml"
        ? { "render.yaml": "system: render\nquery: { with: [Tag] }" }
        : {};
      const problems = problemsOf({ ...others, [file]: text });
      assertEquals(problems, expected.map((problem) => `${file}:${problem}`));
    });
  }
}

Deno.test("parseManifests() reports a missing components.yaml without echoes of it", () => {
  const error = assertThrows(
    () => parseManifests(new Map([["move.yaml", SYSTEM]]), "/game"),
    ManifestError,
  );
  assert(error instanceof UserError);
  assertEquals(
    error.message,
    "Cannot load the manifests in /game:\n" +
      "  components.yaml:1:1: there is no such file: it declares the components",
  );
});

Deno.test("parseManifests() reports files by the wrong name", () => {
  assertEquals(
    problemsOf({ "move.yml": SYSTEM, "Move-It.yaml": "system: x\nquery: { with: [Tag] }" }),
    [
      `Move-It.yaml:1:1: "Move-It" cannot name a manifest: it takes a name like move_boids of at ` +
      `most 64 characters`,
      `Move-It.yaml:1:9: "system" must be "Move-It" as the file's name, not "x"`,
      "move.yml:1:1: a manifest's name ends in .yaml: rename it to move.yaml",
    ],
  );
});

Deno.test("parseManifests() reports all mistakes of all files at once, by place", () => {
  const problems = problemsOf({
    "components.yaml": "Position: { value: vec9 }\nBad_Name: {}\nTag:\n",
    "move.yaml": [
      "system: moove",
      "query:",
      "  read: [Position.value, Tagg]",
      "  reed: []",
      "broadcast:",
      "  tags: { with: [Tog] }",
      "instances: 0",
      "after: [nobody]",
    ].join("\n"),
    "worlds/w.yaml": "world: w\nentities:\n- components: { Tog: {}, Position: { value: 1 } }",
  });
  assertEquals(problems, [
    `components.yaml:1:20: "value" takes a field type or { type, default, unit, description }, ` +
    `not "vec9", did you mean "vec2"?`,
    `components.yaml:2:1: "Bad_Name" is not a component name like Transform3D`,
    `move.yaml:1:9: "system" must be "move" as the file's name, not "moove"`,
    `move.yaml:3:26: unknown component "Tagg", did you mean "Tag"?`,
    `move.yaml:4:3: unknown key "reed", did you mean "read"?`,
    `move.yaml:6:18: unknown component "Tog", did you mean "Tag"?`,
    `move.yaml:7:12: "instances" takes an integer from 1 to 64, not 0`,
    `move.yaml:8:9: unknown system "nobody"`,
    `worlds/w.yaml:3:17: unknown component "Tog", did you mean "Tag"?`,
  ]);
});

Deno.test("ManifestError shows a hundred problems and counts the rest", () => {
  const problems = Array.from({ length: 103 }, (_, i) => ({
    file: "a.yaml",
    line: i + 1,
    column: 1,
    message: "no",
  }));
  const { message } = new ManifestError("/game", problems);
  assertStringIncludes(message, "a.yaml:100:1: no\n  and 3 more");
});

Deno.test("parseManifests() stays small with a bomb of aliases", () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `A${i}: &a${i} [${Array(9).fill(i === 0 ? "x" : `*a${i - 1}`).join(", ")}]`,
  );
  const [problem] = problemsOf({ "components.yaml": levels.join("\n") });
  assertStringIncludes(problem ?? "", "more than 100 aliases");
});

Deno.test("parseManifests() throws nothing but a ManifestError, whatever the text", () => {
  const good = {
    "components.yaml": COMPONENTS,
    "move.yaml": SYSTEM + "broadcast: { all: { read: [Score] } }\nafter: []\ndeadline: 5ms\n",
    "worlds/w.yaml":
      "world: w\nentities:\n- { name: n, components: { Position: { value: { sphere: 2 } } } }\n",
  };
  const snippet = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ":",
      "- ",
      "\n",
      "&a ",
      "*a",
      "!!binary ",
      "? ",
      "null",
      "'",
    ),
    fc.constantFrom(
      "9".repeat(30),
      ".nan",
      "<<: ",
      "|",
      ">",
      "Entity",
      "\t",
      "\u0000",
      "%YAML 1.1",
    ),
  );
  const mutation = fc.record({
    file: fc.constantFrom(...Object.keys(good) as (keyof typeof good)[]),
    at: fc.nat(200),
    cut: fc.nat(20),
    put: snippet,
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const files: Record<string, string> = { ...good };
      for (const { file, at, cut, put } of mutations) {
        const text = files[file] ?? "";
        files[file] = text.slice(0, at) + put + text.slice(at + cut);
      }
      for (const problem of problemsOf(files)) assert(/^[^:]+:\d+:\d+: ./.test(problem), problem);
    }),
    { numRuns: 500 },
  );
});
