/**
 * The graph says which system waits for which within a tick. It is a DAG with an
 * edge wherever two systems conflict, and wherever `after` or `before` orders
 * two; systems that no path connects run at the same time.
 *
 * `after` and `before` decide an edge's direction. Where they leave it open, the
 * manifest order does, and the edge is *ambiguous*: renaming a file would turn it
 * round. All edges follow one topological order that depends on the manifests
 * alone, so an archetype that comes to exist adds edges and never turns one round.
 *
 * @module
 */
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { UserError } from "../lib/user_error.ts";
import {
  type Archetype,
  type Conflict,
  conflictFields,
  conflictsBetween,
  footprintOf,
} from "./conflict.ts";
import { chainLengths, type Flow, flowBetween } from "./dataflow.ts";

/** What ordered two systems; `path` is a chain of `after` and `before` over other systems. */
export type DecidedBy = "after" | "before" | "path" | "manifest order";

/** System `to` comes after system `from`. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  /** What `to` waits for; `whole` where only `after` or `before` makes the edge. */
  readonly flow: Flow;
  /** Empty where only `after` or `before` makes the edge. */
  readonly conflicts: readonly Conflict[];
  readonly decidedBy: DecidedBy;
  /** True when nothing that the user declared orders the two. */
  readonly ambiguous: boolean;
}

export interface GraphNode {
  readonly system: SystemManifest;
  /** Names of all the systems that this one comes after. */
  readonly predecessors: readonly string[];
  /** Those of them that it follows row by row. */
  readonly rowwise: ReadonlySet<string>;
  /** Systems in the longest chain of those that follow each other row by row through this one. */
  readonly chain: number;
  readonly successors: readonly string[];
}

export interface Graph {
  /** In topological order, ties in manifest order. */
  readonly nodes: readonly GraphNode[];
  /** By `from`, then `to`, in the order of the nodes. */
  readonly edges: readonly Edge[];
  /** The edges that are ambiguous. */
  readonly ambiguities: readonly Edge[];
}

/** `after` and `before` ask for an order that cannot be. */
export class CycleError extends UserError {
  override readonly name: string = "CycleError";
  /** The systems round the cycle, each once; the last one is to run before the first. */
  readonly systems: readonly string[];

  constructor(message: string, systems: readonly string[]) {
    super(message);
    this.systems = systems;
  }
}

/** One name in one manifest's `after` or `before`. */
interface Declaration {
  readonly from: string;
  readonly to: string;
  readonly by: "after" | "before";
  readonly file: string;
}

/**
 * @param systems in manifest order, each name once. An `after` or `before` that
 * names a system not among them is without effect.
 * @param archetypes the ones that exist, or undefined for any that could.
 * @throws {CycleError} when `after` and `before` make a cycle.
 */
export function buildGraph(
  systems: readonly SystemManifest[],
  archetypes: readonly Archetype[] | undefined,
): Graph {
  const declarations = declarationsOf(systems);
  const conflicts = conflictsByName(systems, archetypes);
  const order = topologicalOrder(systems, declarations);
  if (order.length < systems.length) {
    const names = systems.filter((system) => !order.includes(system)).map(({ name }) => name);
    throw cycleError(shortestCycle(names, declarations), { declarations, conflicts });
  }
  const edges = edgesOf(order, { declarations, conflicts });
  const chains = chainLengths(order.map(({ name }) => name), edges);
  return {
    nodes: order.map((system) => nodeOf(system, { edges, chain: chains.get(system.name) ?? 1 })),
    edges,
    ambiguities: edges.filter(({ ambiguous }) => ambiguous),
  };
}

function nodeOf(
  system: SystemManifest,
  { edges, chain }: { edges: readonly Edge[]; chain: number },
): GraphNode {
  const before = edges.filter(({ to }) => to === system.name);
  return {
    system,
    predecessors: before.map(({ from }) => from),
    rowwise: new Set(before.filter(({ flow }) => flow === "rows").map(({ from }) => from)),
    chain,
    successors: edges.filter(({ from }) => from === system.name).map(({ to }) => to),
  };
}

/** The edges that no path of other edges implies; the picture of the graph without clutter. */
export function reducedEdges(graph: Graph): Edge[] {
  const reachable = reachableFrom(graph.nodes.map(({ system }) => system.name), graph.edges);
  const successors = new Map(graph.nodes.map((node) => [node.system.name, node.successors]));
  return graph.edges.filter(({ from, to }) =>
    !successors.get(from)?.some((between) => reachable.get(between)?.has(to))
  );
}

function declarationsOf(systems: readonly SystemManifest[]): Declaration[] {
  const names = new Set(systems.map(({ name }) => name));
  return systems.flatMap(({ name, after, before, file }): Declaration[] => [
    ...after.map((from) => ({ from, to: name, by: "after" as const, file })),
    ...before.map((to) => ({ from: name, to, by: "before" as const, file })),
  ]).filter(({ from, to }) => names.has(from) && names.has(to));
}

type ConflictsByName = (earlier: string, later: string) => Conflict[];

function conflictsByName(
  systems: readonly SystemManifest[],
  archetypes: readonly Archetype[] | undefined,
): ConflictsByName {
  const footprints = new Map(
    systems.map((system) => [system.name, footprintOf(system, archetypes)]),
  );
  return (earlier, later) =>
    conflictsBetween(footprints.get(earlier) ?? [], footprints.get(later) ?? []);
}

/** Always takes the first system in manifest order that waits for none; stops short at a cycle. */
function topologicalOrder(
  systems: readonly SystemManifest[],
  declarations: readonly Declaration[],
): SystemManifest[] {
  const order: SystemManifest[] = [];
  const waiting = new Map(systems.map((system) => [system, new Set<string>()]));
  for (const [system, predecessors] of waiting) {
    for (const { from, to } of declarations) if (to === system.name) predecessors.add(from);
  }
  for (;;) {
    const next = systems.find((system) => waiting.get(system)?.size === 0);
    if (next === undefined) return order;
    order.push(next);
    waiting.delete(next);
    for (const predecessors of waiting.values()) predecessors.delete(next.name);
  }
}

interface Decisions {
  readonly declarations: readonly Declaration[];
  readonly conflicts: ConflictsByName;
}

function edgesOf(
  order: readonly SystemManifest[],
  { declarations, conflicts }: Decisions,
): Edge[] {
  const reachable = reachableFrom(order.map(({ name }) => name), declarations);
  const declaredBy = new Map(declarations.map(({ from, to, by }) => [`${from} ${to}`, by]));
  const edges: Edge[] = [];
  for (const [index, earlier] of order.entries()) {
    for (const later of order.slice(index + 1)) {
      const [from, to] = [earlier.name, later.name];
      const declared = declaredBy.get(`${from} ${to}`);
      const found = conflicts(from, to);
      if (declared === undefined && found.length === 0) continue;
      const undeclared = reachable.get(from)?.has(to) ? "path" : "manifest order";
      const decidedBy = declared ?? undeclared;
      const ambiguous = decidedBy === "manifest order";
      const flow = found.length === 0 ? "whole" : flowBetween(earlier, later);
      edges.push({ from, to, flow, conflicts: found, decidedBy, ambiguous });
    }
  }
  return edges;
}

/** For each name, every name that a path of `edges` leads to; `order` is topological. */
function reachableFrom(
  order: readonly string[],
  edges: readonly { readonly from: string; readonly to: string }[],
): Map<string, Set<string>> {
  const reachable = new Map<string, Set<string>>();
  for (const name of order.toReversed()) {
    const names = new Set<string>();
    for (const { from, to } of edges) {
      if (from !== name) continue;
      names.add(to);
      for (const further of reachable.get(to) ?? []) names.add(further);
    }
    reachable.set(name, names);
  }
  return reachable;
}

/** Names in running order; the last one is declared to run before the first. */
function shortestCycle(names: readonly string[], declarations: readonly Declaration[]): string[] {
  const cycles = names.map((name) => cycleThrough(name, declarations))
    .filter((cycle) => cycle !== undefined);
  return cycles.reduce((best, cycle) => cycle.length < best.length ? cycle : best);
}

/** The shortest cycle through `start`, breadth first, or undefined when there is none. */
function cycleThrough(start: string, declarations: readonly Declaration[]): string[] | undefined {
  const seen = new Set<string>();
  const paths = [[start]];
  for (const path of paths) {
    for (const { from, to } of declarations) {
      if (from !== path.at(-1) || seen.has(to)) continue;
      if (to === start) return path;
      seen.add(to);
      paths.push([...path, to]);
    }
  }
  return undefined;
}

function cycleError(cycle: readonly string[], { declarations, conflicts }: Decisions): CycleError {
  const steps = cycle.flatMap((from, index) => {
    const to = cycle[(index + 1) % cycle.length];
    const fields = from === to ? [] : conflictFields(conflicts(from, to));
    const over = fields.length > 0 ? `conflict over ${fields.join(", ")}` : "no conflict";
    return declarations.filter((each) => each.from === from && each.to === to)
      .map(({ by, file }) => {
        const named = by === "after" ? from : to;
        return `  ${from} before ${to}: "${by}: [${named}]" in ${file} (${over})`;
      });
  });
  const round = [...cycle, cycle[0]].join(" -> ");
  return new CycleError(
    [
      `Cannot order systems ${round}: "after" and "before" make a cycle`,
      ...steps,
      "Remove one of these.",
    ].join("\n"),
    cycle,
  );
}
