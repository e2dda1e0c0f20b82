/**
 * Properties of the schedule graph, over random systems. The model that they are
 * held against shares no code with the graph: it looks at every archetype and
 * writes down which of its cells each system reads and writes.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { buildGraph, CycleError, type Edge, type Graph } from "../coordinator/graph.ts";
import type { ComponentType } from "../lib/ecs/component.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { access, COMPONENTS, query, system } from "./graph_fixture.ts";

/** All 16 sets of the components, for the graph of "any archetypes". */
const ALL_ARCHETYPES = Array.from(
  { length: 1 << COMPONENTS.length },
  (_, bits) => new Set(COMPONENTS.filter((_, index) => bits & (1 << index))),
);

interface Cells {
  readonly reads: Set<string>;
  readonly writes: Set<string>;
}

function cellsOf(system: SystemManifest, archetypes: readonly Set<ComponentType>[]): Cells {
  const cells: Cells = { reads: new Set(), writes: new Set() };
  for (const [index, archetype] of archetypes.entries()) {
    for (const each of [system.query, ...system.broadcast.values()]) {
      const { read, write, optional, changed } = each;
      const required = [...each.with, ...changed, ...[...read, ...write].map((a) => a.component)];
      if (required.some((component) => !archetype.has(component))) continue;
      if (each.without.some((component) => archetype.has(component))) continue;
      const addAll = (to: Set<string>, component: ComponentType, fields = component.fields) => {
        if (!archetype.has(component)) return;
        for (const field of fields) to.add(`${index} ${component.name}.${field.name}`);
      };
      for (const { component, fields } of read) addAll(cells.reads, component, fields);
      for (const { component, fields } of optional) addAll(cells.reads, component, fields);
      for (const component of changed) addAll(cells.reads, component);
      for (const { component, fields } of write) addAll(cells.writes, component, fields);
    }
  }
  return cells;
}

function cellsConflict(a: Cells, b: Cells): boolean {
  for (const cell of a.writes) if (b.writes.has(cell) || b.reads.has(cell)) return true;
  for (const cell of b.writes) if (a.reads.has(cell)) return true;
  return false;
}

const anyAccess = fc.constantFrom(
  ...COMPONENTS.flatMap((component) => [
    access(component),
    ...component.fields.map(({ name }) => access(component, name)),
  ]),
);
const anyAccesses = fc.uniqueArray(anyAccess, { maxLength: 2, selector: (a) => a.component });
const someComponents = fc.subarray(COMPONENTS, { maxLength: 1 });
const anyQuery = fc.record({
  read: anyAccesses,
  write: anyAccesses,
  optional: anyAccesses,
  with: someComponents,
  without: someComponents,
  changed: someComponents,
}).map(query);
const anyBroadcast = fc.option(anyQuery.map((each) => ({ ...each, write: [] })), {
  nil: undefined,
});
const anyArchetypes = fc.option(
  fc.uniqueArray(fc.subarray(COMPONENTS).map((list) => new Set(list)), {
    maxLength: 6,
    selector: (archetype) => Array.from(archetype, ({ name }) => name).join(),
  }),
  { nil: undefined },
);

interface Scenario {
  readonly systems: readonly SystemManifest[];
  readonly archetypes: readonly Set<ComponentType>[] | undefined;
}

/** Systems whose `after` and `before` agree with one random order, so that they make no cycle. */
const anyScenario: fc.Arbitrary<Scenario> = fc.integer({ min: 2, max: 7 }).chain((count) => {
  const names = Array.from({ length: count }, (_, index) => `s${index}`);
  const pair = fc.record({
    indices: fc.tuple(fc.nat(count - 1), fc.nat(count - 1)).filter(([a, b]) => a !== b),
    by: fc.constantFrom("after", "before"),
  });
  return fc.record({
    queries: fc.array(anyQuery, { minLength: count, maxLength: count }),
    broadcasts: fc.array(anyBroadcast, { minLength: count, maxLength: count }),
    order: fc.shuffledSubarray(names, { minLength: count }),
    pairs: fc.array(pair, { maxLength: 3 }),
    archetypes: anyArchetypes,
  }).map(({ queries, broadcasts, order, pairs, archetypes }) => {
    const declared = pairs.map(({ indices, by }) => ({
      earlier: order[Math.min(...indices)],
      later: order[Math.max(...indices)],
      by,
    }));
    const systems = names.map((name, index) =>
      system(name, {
        ...queries[index],
        ...(broadcasts[index] && { broadcast: broadcasts[index] }),
        after: declared.filter((d) => d.by === "after" && d.later === name).map((d) => d.earlier),
        before: declared.filter((d) => d.by === "before" && d.earlier === name)
          .map((d) => d.later),
      })
    );
    return { systems, archetypes };
  });
});

function isDeclared(earlier: SystemManifest, later: SystemManifest): boolean {
  return later.after.includes(earlier.name) || earlier.before.includes(later.name);
}

function hasPath(edges: readonly Edge[], from: string, to: string): boolean {
  return edges.some((edge) =>
    edge.from === from && (edge.to === to || hasPath(edges, edge.to, to))
  );
}

interface Interval {
  readonly system: SystemManifest;
  readonly start: number;
  readonly end: number;
}

/** Starts each system the moment its predecessors are done, as the scheduler does. */
function simulate(graph: Graph, durations: readonly number[]): Interval[] {
  const waiting = new Set(graph.nodes);
  const running = new Map<string, Interval>();
  const done = new Map<string, Interval>();
  for (let now = 0; waiting.size + running.size > 0;) {
    for (const [name, interval] of running) {
      if (interval.end > now) continue;
      running.delete(name);
      done.set(name, interval);
    }
    for (const node of waiting) {
      if (!node.predecessors.every((name) => done.has(name))) continue;
      waiting.delete(node);
      const end = now + durations[graph.nodes.indexOf(node)];
      running.set(node.system.name, { system: node.system, start: now, end });
    }
    assert(waiting.size + running.size === 0 || running.size > 0, "the systems wait for ever");
    now = Math.min(...Array.from(running.values(), ({ end }) => end));
  }
  return [...done.values()];
}

/** Whether the model says that two systems conflict. */
function conflictModel({ systems, archetypes = ALL_ARCHETYPES }: Scenario) {
  const cells = new Map(systems.map((each) => [each.name, cellsOf(each, archetypes)]));
  const none: Cells = { reads: new Set(), writes: new Set() };
  return (a: SystemManifest, b: SystemManifest) =>
    cellsConflict(cells.get(a.name) ?? none, cells.get(b.name) ?? none);
}

Deno.test("buildGraph() orders every two systems that conflict, and no others", () => {
  fc.assert(
    fc.property(anyScenario, (scenario) => {
      const { systems, archetypes } = scenario;
      const { edges } = buildGraph(systems, archetypes);
      const conflict = conflictModel(scenario);
      for (const [index, a] of systems.entries()) {
        for (const b of systems.slice(index + 1)) {
          const paths = [hasPath(edges, a.name, b.name), hasPath(edges, b.name, a.name)];
          assert(!(paths[0] && paths[1]), "a cycle");
          if (conflict(a, b)) assert(paths[0] || paths[1], `${a.name}, ${b.name} have no path`);
          const waits = edges.filter(({ from, to }) =>
            (from === a.name && to === b.name) || (from === b.name && to === a.name)
          );
          const isExpected = conflict(a, b) || isDeclared(a, b) || isDeclared(b, a);
          assertEquals(waits.length, isExpected ? 1 : 0);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a run never overlaps two systems that conflict, and starts all others at once", () => {
  const anyDurations = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(anyScenario, anyDurations, (scenario, durations) => {
      const conflict = conflictModel(scenario);
      const run = simulate(buildGraph(scenario.systems, scenario.archetypes), durations);
      assertEquals(run.length, scenario.systems.length);
      for (const a of run) {
        // What the model says it has to wait for: a conflict, or the user's word.
        const waitsFor = run.filter((b) =>
          b !== a && b.start < a.start &&
          (conflict(a.system, b.system) || isDeclared(b.system, a.system))
        );
        assertEquals(a.start, Math.max(0, ...waitsFor.map(({ end }) => end)));
        for (const b of run) {
          if (a === b) continue;
          const overlap = a.start < b.end && b.start < a.end;
          if (conflict(a.system, b.system)) assert(!overlap, "two that conflict overlap");
          if (isDeclared(a.system, b.system)) {
            assert(a.end <= b.start, "a declared order is broken");
          }
        }
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("buildGraph() calls ambiguous just what after and before leave open", () => {
  fc.assert(
    fc.property(anyScenario, ({ systems, archetypes }) => {
      const { edges, ambiguities } = buildGraph(systems, archetypes);
      const declared = edges.filter(({ decidedBy }) => ["after", "before"].includes(decidedBy));
      for (const edge of edges) {
        assertEquals(edge.ambiguous, !hasPath(declared, edge.from, edge.to));
        assertEquals(ambiguities.includes(edge), edge.ambiguous);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("buildGraph() gives the same graph whatever the order of the archetypes", () => {
  const anyShuffle = fc.shuffledSubarray(ALL_ARCHETYPES)
    .chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))
    );
  fc.assert(
    fc.property(anyScenario, anyShuffle, ({ systems }, [archetypes, shuffled]) => {
      assertEquals(buildGraph(systems, shuffled), buildGraph(systems, archetypes));
    }),
    { numRuns: 300 },
  );
});

Deno.test("buildGraph() never turns an edge round when an archetype comes to exist", () => {
  fc.assert(
    fc.property(anyScenario, fc.subarray(ALL_ARCHETYPES), ({ systems }, archetypes) => {
      const pairs = (graph: Graph) => graph.edges.map(({ from, to }) => `${from}>${to}`);
      const all = new Set(pairs(buildGraph(systems, undefined)));
      assert(pairs(buildGraph(systems, archetypes)).every((pair) => all.has(pair)));
    }),
    { numRuns: 300 },
  );
});

Deno.test("buildGraph() refuses just those after and before that make a cycle", () => {
  const names = ["a", "b", "c", "d"];
  const lists = fc.array(fc.subarray(names, { maxLength: 2 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(lists, lists, (after, before) => {
      const systems = names.map((name, index) =>
        system(name, { after: after[index], before: before[index] })
      );
      // Without a cycle, taking away systems that wait for none leaves nothing.
      let left = systems;
      const isFree = (each: SystemManifest) => !left.some((other) => isDeclared(other, each));
      while (left.some(isFree)) left = left.filter((each) => !isFree(each));
      if (left.length === 0) {
        buildGraph(systems, undefined);
        return;
      }
      const error = assertThrows(() => buildGraph(systems, undefined), CycleError);
      for (const [index, name] of error.systems.entries()) {
        const next = error.systems[(index + 1) % error.systems.length];
        assert(isDeclared(systems[names.indexOf(name)], systems[names.indexOf(next)]));
      }
    }),
    { numRuns: 300 },
  );
});
