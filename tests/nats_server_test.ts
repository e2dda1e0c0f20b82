import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { connectNats } from "../lib/bus/nats_bus.ts";
import { addToCache, findCached, openCache } from "../lib/nats_server/cache.ts";
import { formatConfig } from "../lib/nats_server/config.ts";
import { findExecutable, runCommand } from "../lib/nats_server/executable.ts";
import { findServer } from "../lib/nats_server/find_server.ts";
import { UserError } from "../lib/user_error.ts";
import { startTestServer } from "./test_server.ts";

const POLL_MS = 10;
const WAIT_TIMEOUT_MS = 15_000;

/** A temp folder that goes with its scope. */
async function makeTempFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "orrery-test-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function waitUntil(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_TIMEOUT_MS;
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function isListening(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Writes an executable that only knows its version. */
async function writeFakeServer(folder: string, version: string): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const path = `${folder}/nats-server`;
  await Deno.writeTextFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await Deno.chmod(path, 0o755);
  return path;
}

function connect(servers: string) {
  return connectNats({ servers, name: "test", onError: () => {} });
}

Deno.test("startNatsServer() serves JetStream on loopback until it is stopped", async () => {
  const server = await startTestServer({ maxPayloadBytes: 2_000_000 });
  assertMatch(server.url, /^nats:\/\/127\.0\.0\.1:\d+$/);
  assertEquals(server.websocketPort, undefined);
  const { bus } = await connect(server.url);
  assertEquals(bus.payloadBytesMax, 2_000_000);
  await bus.close();
  await server.stop();
  await server.stop();
  assertEquals(await isListening(server.port), false);
  assertEquals(await exists(server.dataDir), false);
});

Deno.test("startNatsServer() opens a WebSocket when asked to", async () => {
  await using server = await startTestServer({ websocket: true });
  const socket = new WebSocket(`ws://127.0.0.1:${server.websocketPort}`);
  const greeting = await new Promise<string>((resolve) => {
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => resolve(new TextDecoder().decode(data));
  });
  assertStringIncludes(greeting, "INFO {");
  await new Promise((resolve) => {
    socket.onclose = resolve;
    socket.close();
  });
});

Deno.test("startNatsServer() keeps a data folder that it is given, for the next run", async () => {
  await using folder = await makeTempFolder();
  const dataDir = `${folder.path}/data`;
  for (const expected of [1, 2]) {
    await using server = await startTestServer({ dataDir });
    const { bus, log } = await connect(server.url);
    await log.open({
      name: "S",
      subjects: ["s"],
      storage: "file",
      bytesMax: 10_000,
      replicas: 1,
    });
    assertEquals(await log.append("s", new Uint8Array(1)), expected);
    await bus.close();
  }
});

Deno.test("startNatsServer() refuses a sync interval where the server has no such setting", async () => {
  await using folder = await makeTempFolder();
  const executable = await writeFakeServer(folder.path, "2.9.25");
  await assertRejects(
    () => startTestServer({ executable, syncInterval: "always" }),
    UserError,
    "is 2.9.25, and has no such setting before 2.10.0",
  );
});

Deno.test("formatConfig() writes how often to sync, and a member's place in its cluster", () => {
  const config = { port: 0, storeFolder: "/data", maxPayloadBytes: 1024 };
  assertStringIncludes(formatConfig(config), 'jetstream { store_dir: "/data" }');
  const synced = formatConfig({ ...config, syncInterval: "10s" });
  assertStringIncludes(synced, 'jetstream { store_dir: "/data", sync_interval: "10s" }');
  const routes = ["nats-route://127.0.0.1:7001"];
  const cluster = { name: "c", serverName: "north", port: 7000, routes };
  const member = formatConfig({ ...config, cluster });
  assertStringIncludes(member, 'server_name: "north"');
  assertStringIncludes(
    member,
    'cluster { name: "c", host: "127.0.0.1", port: 7000, routes: ["nats-route://127.0.0.1:7001"] }',
  );
});

Deno.test("startNatsServer() refuses a data folder that another server runs on", async () => {
  await using folder = await makeTempFolder();
  await using first = await startTestServer({ dataDir: folder.path });
  const start = () => startTestServer({ dataDir: first.dataDir });
  await assertRejects(start, UserError, "another server is running on it");
});

Deno.test("startNatsServer() shows the log's end when the server does not come up", async () => {
  await using first = await startTestServer();
  const error = await assertRejects(() => startTestServer({ port: first.port }), UserError);
  assertStringIncludes(error.message, "Cannot start nats-server: it exited with code");
  assertStringIncludes(error.message, "address already in use");
});

Deno.test("exited tells when the server dies by itself", async () => {
  await using server = await startTestServer();
  Deno.kill(server.pid, "SIGKILL");
  const { code, logTail } = await server.exited;
  assertEquals(code, 128 + 9);
  assertStringIncludes(logTail, "Server is ready");
});

Deno.test("a server that dies is started again where it was, with what it had stored", async () => {
  const deaths: string[] = [];
  await using server = await startTestServer({ onDeath: (line) => deaths.push(line) });
  const { url, pid, dataDir } = server;
  const { bus, log } = await connect(url);
  const config = { subjects: ["s"], storage: "file", bytesMax: 10_000, replicas: 1 } as const;
  await log.open({ name: "S", ...config });
  await log.append("s", new Uint8Array(1));
  for (let killed = pid; deaths.length < 2; killed = server.pid) {
    Deno.kill(killed, "SIGKILL");
    await waitUntil("another one runs", () => Promise.resolve(server.pid !== killed));
    assertEquals((await log.info("S")).lastSequence, 1);
  }
  const line = "nats-server has ended with code 137; starting it again";
  assertEquals(deaths, [line, line]);
  await bus.close();
  await server.stop();
  assertEquals([await isListening(server.port), await exists(dataDir)], [false, false]);
});

Deno.test("a server that dies again and again as soon as it is started is given up", async () => {
  await using folder = await makeTempFolder();
  const executable = `${folder.path}/nats-server`;
  const lines = ["Listening for client connections on 127.0.0.1:1", "Server is ready", "bad luck"];
  const script = lines.map((line) => `echo "[1] ${line}" >&2\n`).join("");
  await Deno.writeTextFile(executable, `#!/bin/sh\n${script}exit 3\n`);
  await Deno.chmod(executable, 0o755);
  const deaths: string[] = [];
  const onDeath = (line: string) => void deaths.push(line);
  await using server = await startTestServer({ executable, onDeath });
  const { code, logTail } = await server.exited;
  assertEquals([code, deaths.length], [3, 4]);
  assertStringIncludes(logTail, "bad luck");
});

/** Starts a server from a process of its own, which is then killed with -9. */
async function startAndKillParent(dataDir?: string): Promise<{ port: number; dataDir: string }> {
  const module = new URL("../lib/nats_server/nats_server.ts", import.meta.url).href;
  const parent = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { startNatsServer } from "${module}";
       const options = ${JSON.stringify(dataDir === undefined ? {} : { dataDir })};
       const { port, dataDir } = await startNatsServer({ progress() {}, ...options });
       console.log(JSON.stringify({ port, dataDir }));`,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = parent.stdout.getReader();
  const { value } = await output.read();
  const started = JSON.parse(new TextDecoder().decode(value));
  assert(await isListening(started.port));
  parent.kill("SIGKILL");
  await parent.status;
  await output.cancel();
  return started;
}

Deno.test("the server dies with its parent, even when that is killed with -9", async () => {
  const { port, dataDir } = await startAndKillParent();
  await waitUntil("the server is gone", async () => !await isListening(port));
  await waitUntil("its folder is removed", async () => !await exists(dataDir));
});

Deno.test("startNatsServer() waits for a killed parent's server to leave the data folder", async () => {
  await using folder = await makeTempFolder();
  const killed = await startAndKillParent(folder.path);
  await using server = await startTestServer({ dataDir: folder.path });
  assertEquals(await isListening(killed.port), false);
  assert(await isListening(server.port));
});

Deno.test("findExecutable() passes over a server that is too old, and says so", async () => {
  await using folder = await makeTempFolder();
  const folders = ["none", "old", "new"].map((name) => `${folder.path}/${name}`);
  await writeFakeServer(`${folder.path}/old`, "2.8.4");
  const expected = await writeFakeServer(`${folder.path}/new`, "2.9.10");
  const lines: string[] = [];
  const progress = (line: string) => void lines.push(line);
  assertEquals(await findExecutable(folders, { progress }), expected);
  assertEquals(lines.length, 1);
  assertMatch(lines[0] ?? "", /^Passing over .*\/old\/nats-server: .*2\.8\.4.*2\.9\.10 or newer/);
});

Deno.test("addToCache() lets two fetch the same at once, and leaves nothing else behind", async () => {
  await using cache = await makeTempFolder();
  const fetchInto = (staging: string) => writeFakeServer(`${staging}/root`, "2.9.25");
  const [one, other] = await Promise.all([
    addToCache(cache.path, fetchInto),
    addToCache(cache.path, fetchInto),
  ]);
  assertEquals(one, other);
  assertEquals(await findCached(cache.path), one);
  const left = await Array.fromAsync(Deno.readDir(cache.path), ({ name }) => name);
  assertEquals(left, ["2.9.25"]);
});

Deno.test("addToCache() keeps nothing of a fetch that fails or is too old", async () => {
  await using cache = await makeTempFolder();
  const old = (staging: string) => writeFakeServer(`${staging}/root`, "2.1.0");
  await assertRejects(() => addToCache(cache.path, old), UserError, "2.9.10 or newer");
  assertEquals(await findCached(cache.path), undefined);
  assertEquals(await Array.fromAsync(Deno.readDir(cache.path)), []);
});

Deno.test("openCache() is below XDG_CACHE_HOME, HOME or, without a home, the temp folder", async () => {
  await using folder = await makeTempFolder();
  const { path } = folder;
  const open = (env: Record<string, string>) => openCache((name) => env[name]);
  assertEquals(
    await open({ XDG_CACHE_HOME: `${path}/x`, HOME: path }),
    `${path}/x/orrery/nats-server`,
  );
  assertEquals(await open({ HOME: path }), `${path}/.cache/orrery/nats-server`);
  const expected = `${path}/orrery-cache-${Deno.uid()}/orrery/nats-server`;
  assertEquals(await open({ TMPDIR: path }), expected);
  await Deno.writeTextFile(`${path}/file`, "");
  assertEquals(await open({ HOME: `${path}/file`, TMPDIR: path }), expected);
  await Deno.chmod(`${path}/orrery-cache-${Deno.uid()}`, 0o777);
  await assertRejects(() => open({ TMPDIR: path }), UserError, "others may write to it");
});

/** Only where there is no way at all to fetch one is failing right. */
Deno.test("findServer() fetches a server into an empty cache, and finds it there again", async () => {
  await using cache = await makeTempFolder();
  const lines: string[] = [];
  const find = () =>
    findServer({
      searchPath: [],
      env: (name) => name === "XDG_CACHE_HOME" ? cache.path : undefined,
      progress: (line) => void lines.push(line),
    });
  if ((await runCommand("apt-get", ["--version"])).code !== 0) {
    await find().catch((error) => assertStringIncludes(error.message, "pass --nats URL"));
    return;
  }
  const executable = await find();
  assertMatch(executable, /\/orrery\/nats-server\/\d+\.\d+\.\d+\/nats-server$/);
  assertStringIncludes(lines.join("\n"), `Fetched ${executable}`);
  const { length } = lines;
  assertEquals([await find(), lines.length], [executable, length]);
  await using server = await startTestServer({ executable });
  assert(await isListening(server.port));
});
