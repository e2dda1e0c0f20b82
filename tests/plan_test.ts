import { assertEquals, assertStringIncludes } from "@std/assert";
import { buildGraph } from "../coordinator/graph.ts";
import { planJson, planMermaid, planText } from "../coordinator/plan.ts";
import { access, Frozen, Mass, Position, query, system } from "./graph_fixture.ts";

const OPTIONS = { archetypes: "any archetypes", heading: (text: string) => `# ${text}` };

/** `ai` before `physics` as declared, `wind` ambiguous with `physics`, `sound` on its own. */
const GRAPH = buildGraph([
  system("ai", { read: [access(Position)], write: [access(Mass)] }),
  system("physics", {
    read: [access(Mass)],
    write: [access(Position, "x")],
    without: [Frozen],
    after: ["ai"],
  }),
  system("sound", { broadcast: query({ with: [Frozen] }) }),
  system("wind", { write: [access(Position, "x")] }),
], undefined);

Deno.test("planText() shows each system by level, with what it touches and waits for", () => {
  const text = planText(GRAPH, OPTIONS);
  assertStringIncludes(text, "# 4 systems, for any archetypes\n");
  const levels = [...text.matchAll(/^# Level (\d)\n((?: .*\n)+)/gm)]
    .map(([, level, lines]) => [level, ...lines.matchAll(/^ {2}(\w+)$/gm).map(([, name]) => name)]);
  assertEquals(levels, [["1", "ai", "sound"], ["2", "physics"], ["3", "wind"]]);
  assertStringIncludes(
    text,
    [
      "  physics",
      "    queue      q.physics, 1 instance, deadline 50 ms, on_miss skip",
      "    query      read Mass; write Position.x; without Frozen",
      "    waits for  ai",
    ].join("\n"),
  );
  assertStringIncludes(text, "    broadcast  all: with Frozen\n    waits for  none\n");
});

Deno.test("planText() names the field of each conflict and what decided the order", () => {
  assertStringIncludes(
    planText(GRAPH, OPTIONS),
    [
      "# Order and conflicts",
      "  ai -> physics (after), row by row",
      "    Mass.value: ai writes, physics reads",
      "    Position.x: ai reads, physics writes",
    ].join("\n"),
  );
});

Deno.test("planText() says of every ambiguity how to resolve it", () => {
  assertStringIncludes(
    planText(GRAPH, OPTIONS),
    [
      "# Ambiguities",
      "  physics -> wind by manifest order alone, over Position.x",
      "    add `after: [physics]` to manifests/wind.yaml to keep this order, " +
      "or `after: [wind]` to manifests/physics.yaml to turn it round",
      "  ai -> wind by manifest order alone, over Position.x",
      "    follows when those above keep their order, else add `after: [ai]` to manifests/wind.yaml",
    ].join("\n"),
  );
});

Deno.test("planText() of systems without conflicts says that there are none", () => {
  const text = planText(buildGraph([system("alone")], undefined), OPTIONS);
  assertStringIncludes(text, "# 1 system, ");
  assertStringIncludes(text, "# Order and conflicts\n  none\n\n# Ambiguities\n  none");
});

Deno.test("planMermaid() draws the reduced graph, and what is ambiguous dotted", () => {
  assertEquals(
    planMermaid(GRAPH),
    [
      "flowchart TD",
      '  s0["ai"]',
      '  s1["physics"]',
      '  s2["sound"]',
      '  s3["wind"]',
      '  s0 -->|"Mass.value<br>Position.x"| s1',
      '  s1 -.->|"Position.x"| s3',
    ].join("\n"),
  );
});

Deno.test("planJson() holds the whole graph", () => {
  const plan = JSON.parse(planJson(GRAPH, OPTIONS));
  assertEquals(plan.archetypes, "any archetypes");
  assertEquals(plan.edges, GRAPH.edges);
  assertEquals(
    plan.systems.map(({ name, level }: { name: string; level: number }) => [name, level]),
    [["ai", 1], ["physics", 2], ["sound", 1], ["wind", 3]],
  );
  assertEquals(plan.systems[3].predecessors, ["ai", "physics"]);
  assertEquals(plan.ambiguities.length, 2);
});
