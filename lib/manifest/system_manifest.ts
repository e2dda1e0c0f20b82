/**
 * Reads a system's manifest.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import type { Query } from "../ecs/query.ts";
import type { Declarations } from "./component_manifest.ts";
import { BROADCASTS_MAX, DEADLINE_MS_MAX } from "./limits.ts";
import type { SystemManifest } from "./manifest.ts";
import { UNCHECKED_NAMES } from "./names.ts";
import { suggestion } from "./nearest.ts";
import { resolveQuery } from "./query_manifest.ts";
import { checkShape, type Lenient } from "./shape.ts";
import { DURATION_PATTERN, DURATION_TAKEN, systemShape } from "./shapes.ts";
import type { YamlSource } from "./yaml_source.ts";

export interface SystemContext {
  /** The file's name without its extension. */
  readonly name: string;
  /** Absolute path of the folder of manifests. */
  readonly folder: string;
  readonly declarations: Declarations;
  /** Names of all systems in the folder. */
  readonly systems: ReadonlySet<string>;
}

type SystemValues = Lenient<z.output<ReturnType<typeof systemShape>>>;

/**
 * The manifest in `source`. Where something is wrong it is reported, and what
 * is returned has a stand-in for it.
 */
export function parseSystem(source: YamlSource, context: SystemContext): SystemManifest {
  const { name, folder } = context;
  const values = checkShape(source, systemShape(UNCHECKED_NAMES)) ?? {};
  if (values.system !== undefined && values.system !== name) {
    source.report(
      ["system"],
      `"system" must be "${name}" as the file's name, not "${values.system}"`,
    );
  }
  checkOrder(source, values, context);
  const script = values.script ?? `../systems/${name}.ts`;
  return {
    name,
    queue: values.queue ?? `q.${name}`,
    query: resolveQuery(values.query ?? {}, {
      source,
      path: ["query"],
      declarations: context.declarations,
    }),
    broadcast: readBroadcasts(source, values, context.declarations),
    after: present(values.after),
    before: present(values.before),
    deadlineMs: parseDeadlineMs(source, values.deadline),
    onMiss: values.on_miss ?? "skip",
    instances: values.instances ?? 1,
    script: resolve(folder, dirname(source.file), script),
    file: source.file,
  };
}

function readBroadcasts(
  source: YamlSource,
  values: SystemValues,
  declarations: Declarations,
): Map<string, Query> {
  const broadcasts = Object.entries(values.broadcast ?? {});
  if (broadcasts.length > BROADCASTS_MAX) {
    source.report(
      ["broadcast"],
      `${broadcasts.length} broadcasts, which is more than ${BROADCASTS_MAX}`,
      "key",
    );
  }
  return new Map(broadcasts.map(([name, lists]) => [
    name,
    resolveQuery(lists ?? {}, { source, path: ["broadcast", name], declarations }),
  ]));
}

function checkOrder(source: YamlSource, values: SystemValues, context: SystemContext): void {
  for (const list of ["after", "before"] as const) {
    const names = values[list] ?? [];
    for (const [index, name] of names.entries()) {
      const message = name !== undefined && orderMistake(name, names.indexOf(name) < index, {
        list,
        isInBoth: list === "before" && (values.after ?? []).includes(name),
        ...context,
      });
      if (message) source.report([list, index], message);
    }
  }
}

function orderMistake(
  other: string,
  isRepeated: boolean,
  { name, systems, list, isInBoth }: SystemContext & { list: string; isInBoth: boolean },
): string | undefined {
  if (other === name) return `"${name}" cannot run ${list} itself`;
  if (isRepeated) return `"${other}" is listed twice in "${list}"`;
  if (isInBoth) return `"${other}" is listed in both "after" and "before"`;
  if (systems.has(other)) return undefined;
  const others = [...systems].filter((system) => system !== name);
  return `unknown system "${other}"${suggestion(other, others)}`;
}

function parseDeadlineMs(source: YamlSource, text: string | undefined): number {
  const [, digits, unit] = text?.match(DURATION_PATTERN) ?? [];
  const deadlineMs = Number(digits ?? 1) * (unit === "ms" ? 1 : 1000);
  if (deadlineMs < 1 || deadlineMs > DEADLINE_MS_MAX) {
    source.report(
      ["deadline"],
      `"deadline" takes ${DURATION_TAKEN}, from 1ms to ${DEADLINE_MS_MAX / 1000}s, not "${text}"`,
    );
  }
  return deadlineMs;
}

function present(names: readonly (string | undefined)[] | undefined): string[] {
  return (names ?? []).filter((name) => name !== undefined);
}
