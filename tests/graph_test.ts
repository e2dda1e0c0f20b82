import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { buildGraph, CycleError, type Graph, reducedEdges } from "../coordinator/graph.ts";
import type { ComponentType } from "../lib/ecs/component.ts";
import {
  access,
  Frozen,
  Mass,
  type Parts,
  Position,
  query,
  system,
  Velocity,
} from "./graph_fixture.ts";

/** Edges as `from>to decidedBy: fields`, for short assertions. */
function edgeTexts(graph: Graph): string[] {
  return graph.edges.map(({ from, to, decidedBy, conflicts }) =>
    `${from}>${to} ${decidedBy}: ` +
    conflicts.map(({ component, field, kind }) => `${component}.${field} ${kind}`).join(", ")
  );
}

function edgesBetween(a: Parts, b: Parts, archetypes?: ReadonlySet<ComponentType>[]): string[] {
  return edgeTexts(buildGraph([system("a", a), system("b", b)], archetypes));
}

Deno.test("buildGraph() joins a writer and a reader of one field, in manifest order", () => {
  const graph = buildGraph([
    system("a", { write: [access(Position, "x")] }),
    system("b", { read: [access(Position)] }),
  ], undefined);
  assertEquals(graph.edges, [{
    from: "a",
    to: "b",
    flow: "rows",
    conflicts: [{ component: "Position", field: "x", kind: "write-read" }],
    decidedBy: "manifest order",
    ambiguous: true,
  }]);
  assertEquals(graph.ambiguities, graph.edges);
  assertEquals(graph.nodes.map((node) => [node.predecessors, node.successors]), [
    [[], ["b"]],
    [["a"], []],
  ]);
});

Deno.test("buildGraph() lets two readers, and writers of different fields, run together", () => {
  assertEquals(edgesBetween({ read: [access(Position)] }, { read: [access(Position)] }), []);
  assertEquals(
    edgesBetween({ write: [access(Position, "x")] }, { write: [access(Position, "y")] }),
    [],
  );
});

Deno.test("buildGraph() counts optional, changed and broadcast reads as access", () => {
  const write = { write: [access(Mass)] };
  const readers: Parts[] = [
    { read: [access(Position)], optional: [access(Mass)] },
    { read: [access(Position)], changed: [Mass] },
    { read: [access(Position)], broadcast: query({ read: [access(Mass)] }) },
  ];
  for (const reader of readers) {
    assertEquals(edgesBetween(write, reader), ["a>b manifest order: Mass.value write-read"]);
    assertEquals(edgesBetween(reader, write), ["a>b manifest order: Mass.value read-write"]);
  }
});

Deno.test("buildGraph() sees no conflict in what with and without only filter by", () => {
  assertEquals(edgesBetween({ write: [access(Mass)] }, { with: [Mass], without: [Frozen] }), []);
});

Deno.test("buildGraph() for any archetypes parts queries that exclude one another only", () => {
  const moving: Parts = { write: [access(Position, "x")], without: [Frozen] };
  assertEquals(edgesBetween(moving, { read: [access(Position)], with: [Frozen] }), []);
  assertEquals(
    edgesBetween(moving, { read: [access(Position)], with: [Velocity] }),
    ["a>b manifest order: Position.x write-read"],
  );
});

Deno.test("buildGraph() for given archetypes parts queries that share none of them", () => {
  const a = { write: [access(Position, "x")], with: [Velocity] };
  const b = { write: [access(Position, "x")], with: [Mass] };
  const apart = [new Set([Position, Velocity]), new Set([Position, Mass])];
  assertEquals(edgesBetween(a, b, apart), []);
  assertEquals(
    edgesBetween(a, b, [...apart, new Set([Position, Velocity, Mass])]),
    ["a>b manifest order: Position.x write-write"],
  );
});

Deno.test("buildGraph() matches a broadcast by its own query, not by its system's", () => {
  const mover = { write: [access(Position, "x")], without: [Frozen] };
  const obstacles = query({ read: [access(Position)], with: [Frozen] });
  assertEquals(edgesBetween(mover, { read: [access(Mass)], broadcast: obstacles }), []);
  const all = query({ read: [access(Position)] });
  assertEquals(
    edgesBetween(mover, { read: [access(Mass)], with: [Frozen], broadcast: all }),
    ["a>b manifest order: Position.x write-read"],
  );
});

Deno.test("buildGraph() takes the direction of after and before, with or without conflict", () => {
  const write = [access(Mass)];
  assertEquals(edgesBetween({ write, after: ["b"] }, { write }), [
    "b>a after: Mass.value write-write",
  ]);
  assertEquals(edgesBetween({ write }, { write, before: ["a"] }), [
    "b>a before: Mass.value write-write",
  ]);
  assertEquals(edgesBetween({ after: ["b"] }, {}), ["b>a after: "]);
});

Deno.test("buildGraph() counts an order over other systems as decided", () => {
  const write = [access(Mass)];
  const graph = buildGraph([
    system("a", { write, after: ["b"] }),
    system("b", { after: ["c"] }),
    system("c", { write }),
  ], undefined);
  assertEquals(graph.nodes.map((node) => node.system.name), ["c", "b", "a"]);
  assertEquals(edgeTexts(graph), [
    "c>b after: ",
    "c>a path: Mass.value write-write",
    "b>a after: ",
  ]);
  assertEquals(graph.ambiguities, []);
});

Deno.test("buildGraph() ignores an after that names a system which is not there", () => {
  assertEquals(edgesBetween({ after: ["gone"] }, {}), []);
});

Deno.test("buildGraph() refuses a cycle and names its systems, manifests and components", () => {
  const error = assertThrows(() =>
    buildGraph([
      system("free", { write: [access(Mass)] }),
      system("ai", { read: [access(Position)], after: ["physics"] }),
      system("physics", { write: [access(Position, "x")], after: ["input"] }),
      system("input", { after: ["ai"] }),
    ], undefined), CycleError);
  assertEquals(error.systems, ["ai", "input", "physics"]);
  assertEquals(
    error.message,
    [
      'Cannot order systems ai -> input -> physics -> ai: "after" and "before" make a cycle',
      '  ai before input: "after: [ai]" in manifests/input.yaml (no conflict)',
      '  input before physics: "after: [input]" in manifests/physics.yaml (no conflict)',
      '  physics before ai: "after: [physics]" in manifests/ai.yaml (conflict over Position.x)',
      "Remove one of these.",
    ].join("\n"),
  );
});

Deno.test("buildGraph() names every declaration of a cycle's step, and a system after itself", () => {
  const two = assertThrows(() =>
    buildGraph([
      system("a", { before: ["b"] }),
      system("b", { after: ["a"], before: ["a"] }),
    ], undefined), CycleError);
  assertStringIncludes(two.message, '"before: [b]" in manifests/a.yaml');
  assertStringIncludes(two.message, '"after: [a]" in manifests/b.yaml');
  const one = assertThrows(
    () => buildGraph([system("a", { after: ["a"] })], undefined),
    CycleError,
  );
  assertMatch(one.message, /^Cannot order systems a -> a: /);
});

Deno.test("reducedEdges() leaves out what a path implies, and keeps the same reachability", () => {
  const write = [access(Mass)];
  const graph = buildGraph(["a", "b", "c"].map((name) => system(name, { write })), undefined);
  assertEquals(graph.edges.map(({ from, to }) => from + to), ["ab", "ac", "bc"]);
  assertEquals(reducedEdges(graph).map(({ from, to }) => from + to), ["ab", "bc"]);
});
