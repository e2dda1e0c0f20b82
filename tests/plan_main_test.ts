import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../coordinator/plan_main.ts", import.meta.url));

const COMPONENTS = `
Position: { x: f32, y: f32 }
Mass: { value: f32 }
Frozen:
`;
const WORLD = `
world: still
entities:
  - count: 3
    components: { Position: {}, Frozen: {} }
  - components: { Mass: {} }
`;
const MOVE = "system: move\nquery: { write: [Position.x], without: [Frozen] }\n";
const DRAW = "system: draw\nquery: { read: [Position] }\n";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program on a folder with these files, which it then removes. */
async function runPlan(files: Record<string, string>, args: readonly string[]): Promise<Outcome> {
  const folder = await Deno.makeTempDir({ prefix: "orrery-plan-" });
  try {
    await Deno.mkdir(`${folder}/worlds`);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", SCRIPT, "--manifests", folder, ...args],
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const FILES = {
  "components.yaml": COMPONENTS,
  "draw.yaml": DRAW,
  "move.yaml": MOVE,
  "worlds/still.yaml": WORLD,
};

Deno.test("plan prints the systems and an ambiguity's remedy, plainly when piped", async () => {
  const { code, stdout, stderr } = await runPlan(FILES, []);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^2 systems, for any archetypes\n/);
  assertMatch(stdout, /draw -> move by manifest order alone, over Position\.x\n/);
  assertMatch(stdout, /add `after: \[draw\]` to \S*move\.yaml to keep this order/);
  assertEquals(stdout.includes("\x1b"), false);
});

Deno.test("plan --world regards only the archetypes that the world starts with", async () => {
  const { code, stdout } = await runPlan(FILES, ["--world", "still", "--json"]);
  assertEquals(code, 0);
  assertEquals(JSON.parse(stdout).edges, []);
});

Deno.test("plan --world suggests the world that was meant", async () => {
  const { code, stderr } = await runPlan(FILES, ["--world", "stil"]);
  assertEquals(code, 1);
  assertMatch(stderr, /^Cannot plan world "stil": .* did you mean "still"\?\n$/);
});

Deno.test("plan --mermaid prints a flowchart and nothing else", async () => {
  const { code, stdout } = await runPlan(FILES, ["--mermaid"]);
  assertEquals(code, 0);
  assertEquals(
    stdout,
    'flowchart TD\n  s0["draw"]\n  s1["move"]\n  s0 -.->|"Position.x"| s1\n',
  );
});

Deno.test("plan exits with 1 on a cycle and says which manifests make it", async () => {
  const { code, stdout, stderr } = await runPlan({
    ...FILES,
    "draw.yaml": `${DRAW}after: [move]\n`,
    "move.yaml": `${MOVE}after: [draw]\n`,
  }, []);
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^Cannot order systems draw -> move -> draw: /);
  assertMatch(
    stderr,
    /\n {2}draw before move: "after: \[draw\]" in \S*move\.yaml \(conflict over Position\.x\)\n/,
  );
  assertEquals(stderr.includes(" at "), false, "the message has a stack");
});

Deno.test("plan exits with 1 on a mistake in a manifest and says where it is", async () => {
  const { code, stderr } = await runPlan({ ...FILES, "draw.yaml": DRAW.replace("Pos", "Poz") }, []);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "draw.yaml:2:");
});
