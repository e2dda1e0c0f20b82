/**
 * The layers that `tests/tidy_test.ts` holds the sources to, and who touches the machine.
 *
 * @module
 */

/** A layer's files, and the layers below it that they may import. */
export interface Layer {
  readonly name: string;
  readonly files: RegExp;
  readonly imports: readonly string[];
  /** Packages, as `deno.json` names them; `node:` ones are free for all. */
  readonly packages: readonly string[];
}

/** The first that matches a path is its layer. */
export const LAYERS: readonly Layer[] = [
  {
    name: "base",
    files:
      /^lib\/(byte_size|clock|deno_run|error_message|plain_json|random|report|text_table|user_error)\.ts$|^lib\/std\//,
    imports: [],
    packages: ["#msgpack"],
  },
  {
    name: "cli",
    files: /^lib\/(cli|nats_connection)\.ts$/,
    imports: ["base", "bus"],
    packages: ["commander"],
  },
  { name: "mod", files: /^lib\/mod\.ts$/, imports: ["ecs", "runtime"], packages: [] },
  {
    name: "ecs",
    files: /^lib\/ecs\//,
    imports: ["base"],
    packages: ["@std/msgpack", "xxhash-wasm"],
  },
  {
    name: "manifest programs",
    files: /^lib\/manifest\/\w+_main\.ts$/,
    imports: ["base", "cli", "manifest"],
    packages: ["commander"],
  },
  {
    name: "manifest",
    files: /^lib\/manifest\//,
    imports: ["base", "ecs"],
    packages: ["@std/msgpack", "yaml", "zod"],
  },
  {
    name: "bus",
    files: /^lib\/bus\//,
    imports: ["base"],
    packages: ["@nats-io/jetstream", "@nats-io/nats-core", "@nats-io/nats-core/internal"],
  },
  {
    name: "telemetry",
    files: /^lib\/telemetry\.ts$/,
    imports: ["base", "bus"],
    packages: ["@opentelemetry/api"],
  },
  { name: "nats_server", files: /^lib\/nats_server\//, imports: ["base", "bus"], packages: [] },
  {
    name: "wire",
    files: /^lib\/wire\//,
    imports: ["base", "ecs", "manifest", "bus"],
    packages: ["@std/msgpack", "zod"],
  },
  {
    // The editor's pages import it, too, so it needs nothing of Deno.
    name: "query",
    files: /^lib\/query\//,
    imports: ["base", "ecs", "manifest", "wire"],
    packages: [],
  },
  {
    name: "snapshot",
    files: /^lib\/snapshot\//,
    imports: ["base", "ecs", "manifest", "bus", "wire"],
    packages: ["@std/msgpack"],
  },
  {
    name: "runtime program",
    files: /^lib\/runtime\/main\.ts$/,
    imports: ["base", "cli", "manifest", "bus", "wire", "runtime"],
    packages: ["commander"],
  },
  {
    name: "runtime",
    files: /^lib\/runtime\//,
    imports: ["base", "ecs", "manifest", "bus", "telemetry", "wire", "runtime program"],
    packages: ["@std/msgpack"],
  },
  {
    name: "coordinator",
    files: /^coordinator\//,
    imports: [
      "base",
      "cli",
      "ecs",
      "manifest",
      "bus",
      "telemetry",
      "nats_server",
      "wire",
      "query",
      "snapshot",
      "runtime",
    ],
    packages: ["@std/msgpack", "commander"],
  },
  {
    name: "operator",
    files: /^operator\//,
    imports: ["base", "cli", "ecs", "manifest", "bus", "wire", "query"],
    packages: ["@std/msgpack", "commander"],
  },
  {
    name: "handles",
    files: /^(chaos\/world\/)?manifests\/components\.ts$/,
    imports: ["mod"],
    packages: [],
  },
  {
    name: "systems",
    files: /^(chaos\/world\/)?systems\//,
    imports: ["mod", "handles"],
    packages: ["gl-matrix"],
  },
  {
    name: "chaos",
    files: /^chaos\//,
    imports: ["base", "cli", "ecs", "manifest", "bus", "nats_server", "wire", "coordinator"],
    packages: ["commander"],
  },
  {
    name: "editor model",
    files: /^editor\/model\//,
    imports: ["base", "ecs", "query", "wire"],
    packages: ["@dagrejs/dagre", "@std/msgpack", "gl-matrix"],
  },
  {
    name: "editor page",
    files: /^editor\/page\//,
    imports: ["base", "ecs", "bus", "query", "wire", "editor model"],
    packages: [
      "@nats-io/nats-core",
      "@preact/signals",
      "@std/msgpack",
      "gl-matrix",
      "htm",
      "preact",
      "preact/hooks",
      "uplot",
      "zod",
    ],
  },
  {
    name: "editor",
    files: /^editor\/(main\.ts$|server\/)/,
    imports: ["base", "cli", "ecs", "bus", "wire", "snapshot", "coordinator"],
    packages: ["commander"],
  },
  {
    name: "simulation",
    files: /^sim\//,
    imports: [
      "base",
      "cli",
      "ecs",
      "manifest",
      "bus",
      "wire",
      "snapshot",
      "runtime",
      "coordinator",
    ],
    packages: ["@std/msgpack", "commander"],
  },
  {
    name: "fuzzing",
    files: /^fuzz\//,
    imports: [
      "base",
      "cli",
      "ecs",
      "manifest",
      "bus",
      "wire",
      "snapshot",
      "runtime",
      "coordinator",
      "simulation",
    ],
    packages: ["@std/msgpack", "commander"],
  },
];

/** Whoever else touches the machine is handed it as a parameter. */
export const MACHINE_USERS: Readonly<Record<string, RegExp>> = {
  Deno:
    /(^|_|\/)main\.ts$|^lib\/(cli|nats_connection|manifest\/(load|generated_files)|runtime\/load_script)\.ts$|^lib\/nats_server\/|^chaos\/|^coordinator\/(connection|editor_process|snapshot_paths|status_display|supervisor)\.ts$|^editor\/server\/(page_bundle|page_files|web_server)\.ts$|^operator\/terminal\.ts$/,
  console:
    /(^|_|\/)main\.ts$|^lib\/cli\.ts$|^coordinator\/status_display\.ts$|^operator\/terminal\.ts$/,
  crypto: /^lib\/(cli|nats_server\/fetch_release)\.ts$|^editor\/page\/browser\.ts$/,
  fetch: /^lib\/nats_server\/fetch_release\.ts$|^editor\/page\/browser\.ts$/,
  Date: /^(lib\/clock|editor\/page\/browser)\.ts$/,
  performance: /^(lib\/clock|editor\/page\/browser)\.ts$/,
  setTimeout: /^lib\/(clock|nats_server\/fetch_release)\.ts$|^editor\/page\/browser\.ts$/,
};
