import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { BusStatus } from "../lib/bus/bus.ts";
import { type NatsSecrets, readSecrets } from "../lib/bus/nats_access.ts";
import { connectNats } from "../lib/bus/nats_bus.ts";
import { UserError } from "../lib/user_error.ts";
import { finalOf, Onlooker, poll, type Program, runLocal, startProgram } from "./e2e.ts";
import { echoThrough } from "./editor_bridge.ts";
import { createField, SYSTEM } from "./field_project.ts";
import { CA, CERT, KEY, PASSWORD, SecureServer, USER } from "./secure_server.ts";
import { startTestServer } from "./test_server.ts";

const TICKS = 5;

type Env = Readonly<Record<string, string>>;

const LOGIN: Env = { NATS_USER: USER, NATS_PASSWORD: PASSWORD, NATS_CA: CA };

Deno.test("programs use a NATS server that wants a password and TLS", async (t) => {
  await using project = await createField();
  await using server = await SecureServer.start();
  const flags = ["--manifests", project.manifests, "--nats", server.url];
  const coordFlags = [...flags, "--max-speed", "--ticks", `${TICKS}`];
  const env = LOGIN;

  await t.step("a coordinator and a system run a world over it", async () => {
    await using coord = startProgram("coord", coordFlags, { env });
    await using system = startProgram("system", [SYSTEM, ...flags], { env });
    assertEquals(await finalOf(coord), await runLocal(project.manifests, TICKS));
    assertStringIncludes(coord.output, `is up at ${server.url}`);
    system.kill("SIGTERM");
    assertEquals(await system.code(), 0);
  });
  await t.step("the demo's processes inherit how to get there", async () => {
    const url = `tls://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`;
    const demoFlags = ["--manifests", project.manifests, "--nats", url, "--prefix", "demo"];
    await using demo = startProgram("demo", demoFlags, { name: "demo", env: { NATS_CA: CA } });
    await seeItRun(demo, { url: server.url, prefix: "demo", secrets: secretsOf(LOGIN) });
    assertKeepsSecret(demo.output);
  });
  await t.step("an operator's program reads the URL from the environment", async () => {
    const secrets = `${USER}:${encodeURIComponent(PASSWORD)}`;
    const NATS_URL = `nats://${secrets}@localhost:${server.port}`;
    await using help = startProgram("snapshot", ["--help"], { env: { NATS_URL } });
    assertEquals(await help.code(), 0);
    assertKeepsSecret(help.output);
    await using list = startProgram("snapshot", ["list"], { env: { NATS_URL, NATS_CA: CA } });
    assertEquals(await list.code(), 0, list.output);
  });
  await t.step("who is not let in ends with 1, and says why", async () => {
    const refused = `Cannot connect to NATS at ${server.url}: `;
    const cases: [Env, string][] = [
      [{ ...LOGIN, NATS_PASSWORD: "wr0ng" }, `it refuses user "${USER}" (NATS_USER)`],
      [{ NATS_CA: CA }, "it wants credentials: set NATS_USER and NATS_PASSWORD"],
      [{ ...LOGIN, NATS_CA: "" }, "no TLS with it: unable to verify the first certificate"],
      [{ NATS_CREDS: "/nowhere/user.creds" }, "Cannot read NATS_CREDS, /nowhere/user.creds: "],
    ];
    await Promise.all(cases.map(async ([env, reason], i) => {
      const [name, args] = i % 2 === 0
        ? ["system" as const, [SYSTEM, ...flags]]
        : ["coord" as const, flags];
      await using program = startProgram(name, args, { env });
      assertEquals(await program.code(), 1, program.output);
      const message = reason.startsWith("Cannot") ? reason : refused + reason;
      assertEquals(program.stderr.length, 1, program.output);
      assertStringIncludes(program.stderr[0], message);
      assertKeepsSecret(program.output, "wr0ng");
    }));
  });
  await t.step("a page reaches it through the editor's process, without a secret", async () => {
    await passThroughEditor(server.url, { NATS_NKEY: server.seed, NATS_CA: CA });
  });
});

Deno.test("programs show a server that wants one a certificate of their own", async () => {
  await using server = await SecureServer.start({ verify: true });
  const env = { ...LOGIN, NATS_CERT: CERT, NATS_KEY: KEY };
  await passThroughEditor(server.url, env);
});

Deno.test("a server that the programs start themselves asks for none of it", async () => {
  await using project = await createField();
  await using demo = startProgram("demo", ["--manifests", project.manifests], { env: LOGIN });
  const url = (await demo.line(/^Started .* at nats:/)).replace(/^.* at /, "");
  await seeItRun(demo, { url });
});

Deno.test("a client that is refused while it runs says so once, and goes on when it may", async (t) => {
  for (const tls of [true, false]) {
    await t.step(tls ? "with TLS" : "without", () => refuseForAWhile(tls));
  }
});

async function refuseForAWhile(tls: boolean): Promise<void> {
  await using server = await SecureServer.start({ tls });
  const errors: string[] = [];
  const statuses: BusStatus[] = [];
  const { bus } = await connectNats({
    servers: server.url,
    secrets: secretsOf(tls ? LOGIN : { ...LOGIN, NATS_CA: "" }),
    name: "test",
    onError: ({ message }) => void errors.push(message),
  });
  const back = Promise.withResolvers<void>();
  bus.onStatus((status) => {
    statuses.push(status);
    if (status !== "disconnected") back.resolve();
  });
  await server.setPassword("another");
  await poll("it is refused, again and again", () => server.hasRefused(3));
  await server.setPassword(PASSWORD);
  await back.promise;
  await bus.flush();
  await bus.close();
  assertEquals(statuses, ["disconnected", "reconnected", "closed"]);
  assertEquals(errors.length, 1, errors.join("\n"));
  assertStringIncludes(errors[0], `NATS at ${server.url} refuses user "${USER}" (NATS_USER)`);
}

Deno.test("a client that is refused is told so without TLS, too", async () => {
  await using server = await SecureServer.start({ tls: false });
  const secrets = secretsOf({ NATS_USER: USER, NATS_PASSWORD: "wr0ng" });
  const options = { servers: server.url, secrets, name: "test", onError: () => {} };
  // It hangs up at once, so what it says may be read before or after that.
  for (let i = 0; i < 10; i++) {
    await assertRejects(() => connectNats(options), UserError, `it refuses user "${USER}"`);
  }
});

Deno.test("a server without TLS will not do where TLS is asked for", async () => {
  await using server = await startTestServer();
  const servers = server.url.replace("nats:", "tls:");
  const connecting = connectNats({ servers, name: "test", onError: () => {} });
  await assertRejects(() => connecting, UserError, `at ${servers}: it has no TLS`);
});

function secretsOf(env: Env): NatsSecrets {
  return readSecrets({ env: (name) => env[name], readFile: Deno.readFileSync });
}

/** Neither the password nor what it is in a URL. */
function assertKeepsSecret(output: string, password = PASSWORD): void {
  for (const text of [password, encodeURIComponent(password)]) {
    assert(!output.includes(text), output);
  }
}

/** A message there and back through an editor, as its page would send it. */
async function passThroughEditor(nats: string, env: Env): Promise<void> {
  await using editor = startProgram("editor", ["--nats", nats, "--port", "0"], { env });
  const url = (await editor.line(/^editor at http/)).replace("editor at ", "");
  const { nonce, auth_required, tls_required } = await echoThrough(url) ?? {};
  assertEquals([nonce, auth_required, tls_required], [undefined, undefined, undefined]);
  editor.kill("SIGINT");
  assertEquals(await editor.code(), 0);
}

/** Waits until a demo's editor is there, and its systems have run for some ticks. */
async function seeItRun(demo: Program, meeting: Parameters<typeof Onlooker.connect>[0]) {
  await demo.line(/^editor at http/);
  await using onlooker = await Onlooker.connect(meeting);
  await poll("ticks", async () => Number((await onlooker.status()).tick_id) >= TICKS);
  demo.kill("SIGINT");
  assertEquals(await demo.code(), 0, demo.output);
}
