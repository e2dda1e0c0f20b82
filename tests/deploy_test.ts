import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Service {
  readonly image: string;
  readonly command: string;
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

const compose: Compose = parse(await Deno.readTextFile(`${ROOT}deploy/compose.yaml`), {
  merge: true,
});
const config = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
const servers = Object.entries(compose.services).filter(([, { image }]) => /^nats:/.test(image));
const programs = Object.values(compose.services).filter(({ image }) => /deno/.test(image));

Deno.test("the compose file has three NATS servers, each with a name and a store of its own", () => {
  assertEquals(servers.map(([name]) => name), ["north", "east", "west"]);
  for (const [name, { command, volumes = [] }] of servers) {
    assertEquals(command, `--config /nats-server.conf --name ${name}`);
    assertEquals(volumes, [`${name}:/data`]);
    assert(name in compose.volumes);
  }
});

Deno.test("the compose file's servers know each other, and its programs know all of them", () => {
  const { content } = compose.configs["nats-server.conf"];
  const names = servers.map(([name]) => name);
  for (const name of names) assert(content.includes(`nats-route://${name}:6222`));
  const url = names.map((name) => `nats://${name}:4222`).join(",");
  for (const { environment, depends_on } of programs) {
    assertEquals([environment?.NATS_URL, depends_on], [url, names]);
  }
});

Deno.test("the compose file runs tasks and systems that there are, and keeps three copies", async () => {
  for (const { command } of programs) {
    const [, task, system] = /^task (\w+) (?:(\w+)|--)/.exec(command) ?? [];
    assert(task in config.tasks, command);
    if (task === "system") await Deno.stat(`${ROOT}manifests/${system}.yaml`);
  }
  assert(programs.some(({ command }) => command === "task coord --standby --replicas 3"));
});
