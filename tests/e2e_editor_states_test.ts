/// <reference lib="dom" />
import { assertEquals, assertMatch } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { type Row, rowsOf } from "../editor/model/rows.ts";
import { NO_SCHEMA } from "../editor/model/schema.ts";
import { toWorldSchema } from "../editor/page/stores/world_schema.ts";
import { requestMessage } from "../lib/wire/request.ts";
import { complaintsOf, launchChromium } from "./chromium.ts";
import {
  createProject,
  type Meeting,
  Onlooker,
  poll,
  type Program,
  startCoordinator,
  startInstance,
  startProgram,
} from "./e2e.ts";
import { killServer, startTestServer } from "./test_server.ts";

const TIMEOUT_MS = 30_000;
const PROJECT = {
  "manifests/components.yaml": `
Everything:
  flag: bool
  small: u8
  big: u64
  precise: f64
  name: string
  blob: bytes
  free: any
  link: entity
  colour: vec3
  turn: quat
  matrix: mat4
Place:
  at: vec2
`,
  "manifests/roll.yaml": `
system: roll
query: { write: [Place] }
`,
  "systems/roll.ts": `
import { defineSystem } from "orrery";

export default defineSystem(import.meta, () => {
  throw new RangeError("a wheel came off");
});
`,
  "manifests/worlds/small.yaml": `
world: small
entities:
  - components: { Everything: { name: first }, Place: { at: [1, 2] } }
  - components: { Place: { at: [3, 4] } }
`,
};

Deno.test("the editor says what is missing, and goes on when it is there", async (t) => {
  await using project = await createProject(PROJECT);
  await using server = await startTestServer();
  await using editor = startEditor(server.url);
  const url = await addressOf(editor);
  await using stack = new AsyncDisposableStack();
  const browser = await launchChromium();
  stack.defer(() => browser.close());
  const page = await openPage(browser, url);
  const state = page.getByRole("status", { name: "State" });

  await t.step("no coordinator", async () => {
    await state.getByText("No coordinator").waitFor();
    await page.getByText('Nobody runs a world under "engine"').first().waitFor();
  });
  const complaints = complaintsOf(page);
  const coordinator = stack.use(startCoordinator({ project, url: server.url }));
  await t.step("a coordinator has come", async () => {
    await state.getByText("Running").waitFor();
    await page.locator(".entities .count").getByText("2 found").waitFor();
  });
  await t.step("nothing is found", async () => {
    await find(page, "* where Place.at.x > 100", 0);
    await page.getByText("The query finds none.").waitFor();
    assertEquals(complaints, []);
  });
  await t.step("every type of field can be edited", () => editEveryType({ page, server }));
  await t.step(
    "a script throws, and the error is shown with its stack",
    () => showScriptError(page, { project, url: server.url }),
  );
  for (const [query, painter] of [["", "canvas 2D"], ["?webgl", "WebGL 2"]]) {
    await t.step(`the viewport draws with ${painter}`, () => draw(browser, url + query, painter));
  }
  await t.step("the coordinator has gone", async () => {
    coordinator.kill("SIGKILL");
    await coordinator.status;
    await state.getByText("No coordinator").waitFor();
  });
  await t.step("NATS has gone", async () => {
    await killServer(server);
    await state.getByText("Reconnecting").waitFor();
  });
  await t.step("the editor's process has gone, and the page opens all the same", async () => {
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    editor.kill("SIGKILL");
    await editor.status;
    await page.reload();
    await state.getByText("Connecting").waitFor();
  });
});

function startEditor(nats: string): Program {
  return startProgram("editor", ["--nats", nats, "--port", "0"]);
}

async function addressOf(editor: Program): Promise<string> {
  return (await editor.line(/^editor at http/)).replace("editor at ", "");
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(TIMEOUT_MS);
  await page.goto(url);
  return page;
}

async function find(page: Page, text: string, found: number): Promise<void> {
  await page.getByRole("textbox", { name: "Query" }).fill(text);
  await page.getByRole("textbox", { name: "Query" }).press("Enter");
  await page.locator(".entities .count").getByText(`${found} found`).waitFor();
}

/** The values of the entity that has everything, as another client than the page sees them. */
async function valuesOf(onlooker: Onlooker): Promise<Row["values"]> {
  const { bus, subjects } = onlooker;
  const timeoutMs = TIMEOUT_MS;
  const reply = await requestMessage(bus, subjects.querySchema, {
    type: "SchemaRequest",
    value: {},
    replyType: "SchemaReply",
    timeoutMs,
  });
  const schema = toWorldSchema(reply, { before: NO_SCHEMA, isPast: false });
  const response = await requestMessage(bus, subjects.queryRequest, {
    type: "QueryRequest",
    value: { query: { read: ["Everything"] } },
    replyType: "QueryResponse",
    timeoutMs,
  });
  return rowsOf(response, schema)[0].values;
}

async function editEveryType(
  { page, server }: { page: Page; server: { url: string } },
): Promise<void> {
  await using onlooker = await Onlooker.connect({ url: server.url });
  await find(page, "Everything", 1);
  await page.locator("#row-0").click({ position: { x: 20, y: 8 } });
  const type = async (field: string, text: string, key = "Enter") => {
    const box = page.getByRole("textbox", { name: `Everything.${field}`, exact: true });
    await box.fill(text);
    await box.press(key);
  };
  const becomes = (field: string, value: unknown) =>
    poll(`${field} is ${value}`, async () => {
      const now = (await valuesOf(onlooker)).get(`Everything.${field}`);
      return JSON.stringify(now, bigintAsText) === JSON.stringify(value, bigintAsText);
    });
  await page.getByRole("checkbox", { name: "Everything.flag" }).check();
  await becomes("flag", true);
  await type("small", "300");
  await page.locator('.number.wrong[title*="integer from 0 to 255"]').waitFor();
  await type("small", "200");
  await becomes("small", 200);
  await type("big", "18446744073709551615");
  await becomes("big", 2n ** 64n - 1n);
  await type("precise", "0.1");
  await becomes("precise", 0.1);
  await type("name", "the second");
  await becomes("name", "the second");
  await type("blob", "0a ff");
  await becomes("blob", Uint8Array.of(10, 255));
  await type("free", '{ "a": [1, null] }', "Control+Enter");
  await becomes("free", { a: [1, null] });
  await type("link", "2");
  await becomes("link", 2);
  await type("turn.y in degrees", "90");
  await poll("it is turned", async () => {
    const turn = (await valuesOf(onlooker)).get("Everything.turn") as number[];
    return Math.abs(turn[1] - Math.SQRT1_2) < 1e-6 && Math.abs(turn[3] - Math.SQRT1_2) < 1e-6;
  });
  await type("matrix.12", "5");
  await poll(
    "the matrix has it",
    async () => ((await valuesOf(onlooker)).get("Everything.matrix") as number[])[12] === 5,
  );
  await page.getByLabel("Everything.colour, as a colour").fill("#ff0080");
  await poll("it has a colour", async () => {
    const [red, green] = (await valuesOf(onlooker)).get("Everything.colour") as number[];
    return red === 1 && green === 0;
  });
  await page.getByRole("button", { name: "Select entity 2" }).click();
  await page.locator(".inspector .count").getByText("Entity 2").waitFor();
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

async function showScriptError(page: Page, meeting: Meeting): Promise<void> {
  await using _ = startInstance(meeting, "roll");
  await page.getByRole("tab", { name: "Systems" }).click();
  const system = page.getByRole("region", { name: "roll", exact: true });
  await system.getByText(/^Last error: tick [\d,]+, shard 0, roll-/).click();
  const text = await system.getByText("RangeError: a wheel came off").textContent() ?? "";
  assertMatch(text, /\n +at .*roll\.ts:5:9/);
}

/** There is no graphics card, so it takes the address to have it draw with WebGL. */
async function draw(browser: Browser, url: string, painter: string): Promise<void> {
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const complaints = complaintsOf(page);
  await page.goto(url);
  await page.getByText(`2 shown · ${painter}`).waitFor();
  await poll("entities are drawn", async () => await colouredPixels(page) > 0);
  assertEquals(complaints, []);
  await page.close();
}

/** How many pixels in the middle of the viewport are no shade of grey, as ground and background are. */
async function colouredPixels(page: Page): Promise<number> {
  const box = await page.locator("canvas").boundingBox();
  if (box === null) return 0;
  const clip = {
    x: box.x + box.width / 4,
    y: box.y + box.height / 4,
    width: box.width / 2,
    height: box.height / 2,
  };
  const png = (await page.screenshot({ clip })).toString("base64");
  return await page.evaluate(async (png) => {
    const bytes = Uint8Array.from(atob(png), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context?.drawImage(image, 0, 0);
    const { data = [] } = context?.getImageData(0, 0, image.width, image.height) ?? {};
    const spread = (i: number) =>
      Math.max(...data.slice(i, i + 3)) - Math.min(...data.slice(i, i + 3));
    return Array.from({ length: data.length / 4 }, (_, i) => spread(4 * i)).filter((s) => s > 60)
      .length;
  }, png);
}
