/**
 * A plan shows a {@linkcode Graph} to a person: as text for a terminal, as a
 * Mermaid flowchart, or as JSON for a tool. A system's *level* is the length of
 * the longest chain of systems that it waits for, plus one; it is for reading
 * only, as a running system waits for its own predecessors and not for a level.
 *
 * @module
 */
import type { Access, Query } from "../lib/ecs/query.ts";
import { type Conflict, conflictFields } from "./conflict.ts";
import { type Edge, type Graph, type GraphNode, reducedEdges } from "./graph.ts";

export interface PlanOptions {
  /** Which ones the graph was built for, as a phrase: `any archetypes`. */
  readonly archetypes: string;
  /** Sets a heading apart; leaves it as it is where the output is no terminal. */
  readonly heading: (text: string) => string;
}

/** The systems level by level, their conflicts, and each ambiguity with its remedy. */
export function planText(graph: Graph, { archetypes, heading }: PlanOptions): string {
  const count = graph.nodes.length === 1 ? "1 system" : `${graph.nodes.length} systems`;
  const levels = levelsOf(graph);
  const sections = [
    [heading(`${count}, for ${archetypes}`)],
    ...levels.map((nodes, index) => [
      heading(`Level ${index + 1}`),
      ...nodes.flatMap(nodeLines),
    ]),
    [heading("Order and conflicts"), ...orNone(graph.edges.flatMap(edgeLines))],
    [heading("Ambiguities"), ...orNone(ambiguityLines(graph))],
  ];
  return sections.map((lines) => lines.join("\n")).join("\n\n");
}

/** A flowchart of the reduced graph; a dotted arrow is ambiguous. */
export function planMermaid(graph: Graph): string {
  const ids = new Map(graph.nodes.map(({ system }, index) => [system.name, `s${index}`]));
  const nodes = graph.nodes.map(({ system }) => `  ${ids.get(system.name)}["${system.name}"]`);
  const edges = reducedEdges(graph).map((edge) => {
    const fields = conflictFields(edge.conflicts).join("<br>");
    const label = fields === "" ? "" : `|"${fields}"|`;
    const arrow = edge.ambiguous ? "-.->" : "-->";
    return `  ${ids.get(edge.from)} ${arrow}${label} ${ids.get(edge.to)}`;
  });
  return ["flowchart TD", ...nodes, ...edges].join("\n");
}

/** One JSON object with the systems in running order, and all edges. */
export function planJson(graph: Graph, { archetypes }: Pick<PlanOptions, "archetypes">): string {
  const levels = levelsOf(graph);
  const systems = graph.nodes.map((node) => ({
    name: node.system.name,
    file: node.system.file,
    queue: node.system.queue,
    level: levels.findIndex((level) => level.includes(node)) + 1,
    query: queryText(node.system.query),
    broadcast: Object.fromEntries(
      Array.from(node.system.broadcast, ([name, query]) => [name, queryText(query)]),
    ),
    predecessors: node.predecessors,
    successors: node.successors,
  }));
  const ambiguities = ambiguitiesOf(graph).map(({ edge: { from, to }, remedy }) => ({
    from,
    to,
    remedy,
  }));
  return JSON.stringify({ archetypes, systems, edges: graph.edges, ambiguities }, null, 2);
}

/** The systems by level, each in the graph's order. */
export function levelsOf(graph: Graph): GraphNode[][] {
  const levels: GraphNode[][] = [];
  const levelOf = new Map<string, number>();
  for (const node of graph.nodes) {
    const level = Math.max(0, ...node.predecessors.map((name) => (levelOf.get(name) ?? 0) + 1));
    levelOf.set(node.system.name, level);
    (levels[level] ??= []).push(node);
  }
  return levels;
}

function nodeLines({ system, predecessors }: GraphNode): string[] {
  const instances = system.instances === 1 ? "1 instance" : `${system.instances} instances`;
  const fields = [
    [
      "queue",
      `${system.queue}, ${instances}, deadline ${system.deadlineMs} ms, on_miss ${system.onMiss}`,
    ],
    ["query", queryText(system.query)],
    ...Array.from(
      system.broadcast,
      ([name, query]) => ["broadcast", `${name}: ${queryText(query)}`],
    ),
    ["waits for", predecessors.join(", ") || "none"],
  ];
  return [`  ${system.name}`, ...fields.map(([label, text]) => `    ${label.padEnd(9)}  ${text}`)];
}

/** A query in the manifest's own words, without what is empty. */
function queryText(query: Query): string {
  const names = (components: readonly { readonly name: string }[]) =>
    components.map(({ name }) => name);
  const parts: [string, string[]][] = [
    ["read", [...(query.entities ? ["Entity"] : []), ...query.read.flatMap(accessNames)]],
    ["write", query.write.flatMap(accessNames)],
    ["optional", query.optional.flatMap(accessNames)],
    ["with", names(query.with)],
    ["without", names(query.without)],
    ["changed", names(query.changed)],
  ];
  return parts.filter(([, list]) => list.length > 0)
    .map(([key, list]) => `${key} ${list.join(", ")}`).join("; ") || "every entity";
}

function accessNames({ component, fields }: Access): string[] {
  if (fields.length === component.fields.length) return [component.name];
  return fields.map((field) => `${component.name}.${field.name}`);
}

function edgeLines(edge: Edge): string[] {
  const { from, to, flow, conflicts, decidedBy } = edge;
  const why = decidedBy === "path" ? "after/before over other systems" : decidedBy;
  const lines = conflicts.length > 0
    ? conflicts.map((conflict) => `    ${conflictText(edge, conflict)}`)
    : ["    no conflict"];
  return [`  ${from} -> ${to} (${why})${flow === "rows" ? ", row by row" : ""}`, ...lines];
}

function conflictText({ from, to }: Edge, { component, field, kind }: Conflict): string {
  const does = {
    "write-write": `${from} writes, ${to} writes`,
    "write-read": `${from} writes, ${to} reads`,
    "read-write": `${from} reads, ${to} writes`,
  };
  return `${component}.${field}: ${does[kind]}`;
}

interface Ambiguity {
  readonly edge: Edge;
  readonly remedy: string;
}

/** Those that a path of others implies come last: who declares the others settles them too. */
function ambiguitiesOf(graph: Graph): Ambiguity[] {
  const shown = new Set(reducedEdges(graph));
  const direct = graph.ambiguities.filter((edge) => shown.has(edge))
    .map((edge) => ({ edge, remedy: remedyOf(graph, edge) }));
  const implied = graph.ambiguities.filter((edge) => !shown.has(edge))
    .map((edge) => ({
      edge,
      remedy: `follows when those above keep their order, else ${remedyOf(graph, edge)}`,
    }));
  return [...direct, ...implied];
}

function remedyOf(graph: Graph, { from, to }: Edge): string {
  const line = (earlier: string, later: string) => {
    const file = graph.nodes.find(({ system }) => system.name === later)?.system.file;
    return `\`after: [${earlier}]\` to ${file}`;
  };
  return `add ${line(from, to)} to keep this order, or ${line(to, from)} to turn it round`;
}

function ambiguityLines(graph: Graph): string[] {
  return ambiguitiesOf(graph).flatMap(({ edge, remedy }) => [
    `  ${edge.from} -> ${edge.to} by manifest order alone, over ` +
    conflictFields(edge.conflicts).join(", "),
    `    ${remedy}`,
  ]);
}

function orNone(lines: string[]): string[] {
  return lines.length > 0 ? lines : ["  none"];
}
