/**
 * Places for the systems and the arrows between them.
 *
 * @module
 */
import dagre from "@dagrejs/dagre";
import type { MessageOf } from "../../lib/wire/messages.ts";

type Graph = MessageOf<"GraphReply">;
export type GraphSystem = Graph["systems"][number];

export interface PlacedSystem {
  readonly system: GraphSystem;
  /** Of its middle. */
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge {
  readonly from: string;
  readonly to: string;
  /** `order`: one waits for all of the other; `rows`: row by row; `ambiguous`: nobody says which goes first. */
  readonly kind: "order" | "rows" | "ambiguous";
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface PlacedGraph {
  readonly width: number;
  readonly height: number;
  readonly systems: readonly PlacedSystem[];
  readonly edges: readonly PlacedEdge[];
}

export const NODE_WIDTH = 172;
export const NODE_HEIGHT = 52;
const GAP = 28;

export function layOut({ systems, ambiguities }: Graph): PlacedGraph {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: GAP, ranksep: 2 * GAP, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { name } of systems) {
    graph.setNode(name, { width: NODE_WIDTH, height: NODE_HEIGHT });
  }
  const edges = edgesOf({ systems, ambiguities });
  for (const { from, to, kind } of edges) graph.setEdge(from, to, { kind }, kind);
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.max(width, NODE_WIDTH),
    height: Math.max(height, NODE_HEIGHT),
    systems: systems.map((system) => {
      const { x, y } = graph.node(system.name) as { x: number; y: number };
      return { system, x, y };
    }),
    edges: edges.map((edge) => {
      const placed = graph.edge(edge.from, edge.to, edge.kind) as unknown as {
        points: PlacedEdge["points"];
      };
      return { ...edge, points: placed.points };
    }),
  };
}

function edgesOf({ systems, ambiguities }: Graph): Omit<PlacedEdge, "points">[] {
  const known = new Set(systems.map(({ name }) => name));
  const order = systems.flatMap(({ name, after, rowwise }) =>
    after.filter((from) => known.has(from)).map((from) => ({
      from,
      to: name,
      kind: rowwise.includes(from) ? "rows" as const : "order" as const,
      label: rowwise.includes(from) ? "row by row" : "",
    }))
  );
  const unclear = ambiguities.filter(({ first, second }) => known.has(first) && known.has(second))
    .map(({ first, second, fields }) => ({
      from: first,
      to: second,
      kind: "ambiguous" as const,
      label: fields.join(", "),
    }));
  return [...order, ...unclear];
}

/** An arrow's way through its points, as SVG's `d` has it. */
export function pathText(points: PlacedEdge["points"]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  const middles = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1];
    return `Q${point.x},${point.y} ${(point.x + next.x) / 2},${(point.y + next.y) / 2}`;
  });
  const last = rest.at(-1) ?? first;
  return [`M${first.x},${first.y}`, ...middles, `L${last.x},${last.y}`].join(" ");
}
