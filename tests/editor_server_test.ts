import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { refusalOf } from "../editor/server/origin.ts";
import { nextItem } from "../editor/page/panels/tree_keys.ts";
import { stepOf } from "../editor/page/panels/grid_keys.ts";
import { Program } from "../chaos/program.ts";
import { REPOSITORY } from "./e2e.ts";
import { echoThrough } from "./editor_bridge.ts";
import { startTestServer } from "./test_server.ts";

Deno.test("the editor takes requests from its own page alone", () => {
  const loopback = { listensOn: "127.0.0.1", needsOrigin: false };
  const check = (host: string | null, origin: string | null, options = loopback) =>
    refusalOf({ host, origin }, options) === undefined;
  assert(check("127.0.0.1:7070", null));
  assert(check("localhost:7070", "http://localhost:7070"));
  assert(check("[::1]:7070", null));
  assert(!check("evil.example:7070", null), "a name that was made to point here");
  assert(!check("192.168.0.9:7070", null), "an address that it does not listen on");
  assert(!check("localhost:7070", "http://evil.example"), "another page");
  assert(!check("localhost:7070", "http://localhost:8080"), "a page of another port");
  assert(!check(null, null));
  const asked = { host: "localhost:7070", origin: null };
  assert(refusalOf({ ...asked, site: "cross-site", mode: "no-cors" }, loopback));
  assert(!refusalOf({ ...asked, site: "cross-site", mode: "navigate" }, loopback), "a link");
  assert(!refusalOf({ ...asked, site: "same-origin", mode: "cors" }, loopback));
  const socket = { ...loopback, needsOrigin: true };
  assert(!check("localhost:7070", null, socket), "a WebSocket of no page");
  assert(check("localhost:7070", "http://localhost:7070", socket));
  const open = { listensOn: "0.0.0.0", needsOrigin: false };
  assert(check("192.168.0.9:7070", null, open));
  assert(!check("evil.example:7070", null, open));
});

Deno.test("the editor serves its page, bridges to NATS, and ends at Ctrl-C", async () => {
  await using server = await startTestServer();
  await using editor = new Program(Deno.execPath(), [
    "run",
    "-A",
    "-q",
    "--config",
    `${REPOSITORY}deno.json`,
    `${REPOSITORY}editor/main.ts`,
    "--nats",
    server.url,
    "--port",
    "0",
  ]);
  const url = (await editor.line(/^editor at http/)).replace("editor at ", "");
  const page = await fetch(url);
  assertStringIncludes(await page.text(), "<title>Orrery</title>");
  const policy = page.headers.get("content-security-policy") ?? "";
  assertStringIncludes(policy, "script-src 'self';");
  assert(!policy.includes("unsafe"));
  const script = await fetch(`${url}page.js`);
  assertMatch(script.headers.get("content-type") ?? "", /javascript/);
  assert((await script.text()).length > 10_000);
  for (const path of ["manifest.webmanifest", "icon.svg", "icon-512.png", "service_worker.js"]) {
    const { status, body } = await fetch(`${url}${path}`);
    await body?.cancel();
    assertEquals(status, 200, path);
  }
  for (const path of ["..%2fmain.ts", "constructor", "nats"]) {
    const { status, body } = await fetch(`${url}${path}`);
    await body?.cancel();
    assert(status >= 400, path);
  }
  await echoThrough(url);
  editor.kill("SIGINT");
  assertEquals(await editor.code(), 0);
});

Deno.test("keys move through a list, and no further than its ends", () => {
  const at = { at: 5, rows: 10, page: 4 };
  assertEquals(stepOf("ArrowDown", at), 6);
  assertEquals(stepOf("PageUp", at), 1);
  assertEquals(stepOf("PageDown", at), 9);
  assertEquals(stepOf("End", { ...at, rows: 0 }), undefined);
  assertEquals(stepOf("x", at), undefined);
});

Deno.test("keys open, close and leave the items of a tree", () => {
  const items = [
    { level: 1, isOpen: true },
    { level: 2, isOpen: false },
    { level: 1, isOpen: undefined },
  ];
  assertEquals(nextItem("ArrowRight", { items, at: 0 }), { to: 1 });
  assertEquals(nextItem("ArrowRight", { items, at: 1 }), { to: 1, toggle: true });
  assertEquals(nextItem("ArrowLeft", { items, at: 1 }), { to: 0 });
  assertEquals(nextItem("ArrowLeft", { items, at: 0 }), { to: 0, toggle: true });
  assertEquals(nextItem("ArrowDown", { items, at: 2 }), { to: 2 });
  assertEquals(nextItem("Enter", { items, at: 2 }), { to: 2, choose: true });
});
