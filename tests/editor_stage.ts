/**
 * A whole demo with its editor, a browser that has the editor's page open, and a client
 * of NATS that looks on.
 *
 * @module
 */
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import type { MessageOf, WireCommand } from "../lib/wire/messages.ts";
import { requestMessage } from "../lib/wire/request.ts";
import { complaintsOf, launchChromium } from "./chromium.ts";
import { Onlooker, type Program, REPOSITORY, startProgram } from "./e2e.ts";

const SCREENSHOTS = `${REPOSITORY}tests/screenshots/`;
const BOIDS = 60;
const HZ = 10;
const TIMEOUT_MS = 30_000;
const WINDOW = { width: 1440, height: 900 };

export class EditorStage implements AsyncDisposable {
  readonly page: Page;
  readonly onlooker: Onlooker;
  /** Where the editor is, and the demo's NATS server. */
  readonly url: string;
  readonly nats: string;
  /** What the page's console had to say that it should not have. */
  readonly complaints: readonly string[];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    { page, onlooker, url, nats, complaints, stack }: {
      page: Page;
      onlooker: Onlooker;
      url: string;
      nats: string;
      complaints: readonly string[];
      stack: AsyncDisposableStack;
    },
  ) {
    this.page = page;
    this.onlooker = onlooker;
    this.url = url;
    this.nats = nats;
    this.complaints = complaints;
    this.#stack = stack;
  }

  static async open(): Promise<EditorStage> {
    await using stack = new AsyncDisposableStack();
    const folder = await copyProject();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const demo = stack.use(
      startProgram("demo", ["--manifests", `${folder}/manifests`, "--hz", `${HZ}`]),
    );
    stack.defer(() => end(demo));
    const nats = (await demo.line(/^Started .* at nats:/)).replace(/^.* at /, "");
    const url = (await demo.line(/^editor at http/)).replace(/^editor at /, "");
    const onlooker = stack.use(await Onlooker.connect({ url: nats }));
    const browser: Browser = await launchChromium();
    stack.defer(() => browser.close());
    // Colours that fade into one another have no contrast to audit.
    const page = await browser.newPage({
      viewport: WINDOW,
      colorScheme: "dark",
      reducedMotion: "reduce",
    });
    page.setDefaultTimeout(TIMEOUT_MS);
    const complaints = complaintsOf(page);
    await page.goto(url);
    await page.getByRole("status", { name: "State" }).getByText("Running").waitFor();
    const owned = stack.move();
    return new EditorStage({ page, onlooker, url, nats, complaints, stack: owned });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /**
   * What axe-core finds that is serious: each rule with the first places that break it.
   * @param rules those alone; all by default
   */
  async audit(rules?: string[]): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const results = await this.page.evaluate(
      (rules) =>
        // What was evaluated before has put it there.
        (globalThis as unknown as { axe: typeof axe }).axe.run(
          rules ? { runOnly: rules } : {},
        ),
      rules,
    );
    return results.violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html).join(" | ")}`);
  }

  async screenshot(name: string): Promise<void> {
    await Deno.mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: `${SCREENSHOTS}${name}.png` });
  }

  /** Asks for rows as another client than the page. */
  query(value: MessageOf<"QueryRequest">): Promise<MessageOf<"QueryResponse">> {
    const { bus, subjects } = this.onlooker;
    return requestMessage(bus, subjects.queryRequest, {
      type: "QueryRequest",
      value,
      replyType: "QueryResponse",
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** Changes the world as another client than the page. */
  command(commands: WireCommand[]): Promise<MessageOf<"EntityCommandReply">> {
    const { bus, subjects } = this.onlooker;
    return requestMessage(bus, subjects.entityCommand, {
      type: "EntityCommand",
      value: { commands },
      replyType: "EntityCommandReply",
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** Runs a query in the page, and resolves when as many rows are found. */
  async find(text: string, found: number): Promise<void> {
    await this.page.getByRole("textbox", { name: "Query" }).fill(text);
    await this.page.getByRole("textbox", { name: "Query" }).press("Enter");
    await this.page.locator(".entities .count").getByText(`${found} found`).waitFor();
  }

  /** The entities of the rows that the page has drawn, from the list's beginning. */
  async shownRows(): Promise<number[]> {
    return (await this.page.locator("[id^=row-] .entity").allTextContents()).map(Number);
  }

  /** Clicks the row at a place of the list, and resolves with its entity. */
  async selectRow(index: number, modifiers: ("Control" | "Shift")[] = []): Promise<number> {
    const row = this.page.locator(`#row-${index}`);
    await row.click({ modifiers, position: { x: 20, y: 8 } });
    return Number(await row.locator(".entity").textContent());
  }
}

/** The repository's own project, with fewer boids and one instance more to lose. */
async function copyProject(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "orrery-editor-" });
  for (const part of ["manifests", "manifests/worlds", "systems"]) {
    await Deno.mkdir(`${folder}/${part}`);
    for await (const { name, isFile } of Deno.readDir(`${REPOSITORY}${part}`)) {
      if (!isFile) continue;
      const text = await Deno.readTextFile(`${REPOSITORY}${part}/${name}`);
      await Deno.writeTextFile(
        `${folder}/${part}/${name}`,
        text.replace("count: 6000", `count: ${BOIDS}`),
      );
    }
  }
  return folder;
}

/** Ends a demo as Ctrl-C does, so that nothing of it is left. */
async function end(demo: Program): Promise<void> {
  demo.kill("SIGINT");
  await demo.status;
}
