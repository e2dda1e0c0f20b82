/**
 * The page.
 *
 * @module
 */
/// <reference lib="dom" />
import { render } from "preact";
import * as z from "zod";
import { createApp, startApp } from "./app.ts";
import { connectBrowser } from "./browser_bus.ts";
import { after, fetchJson, storage } from "./browser.ts";
import { html } from "./html.ts";
import { registerColours } from "./panels/palette.ts";
import { Shell } from "./panels/shell.ts";

// The page's policy allows no code made at run time, which the library would try.
z.config({ jitless: true });

const PREFIX_KEPT = "prefix";
const RETRY_MS = 1000;

async function main(): Promise<void> {
  registerColours();
  const root = document.getElementById("app");
  if (root === null) return;
  const { prefix } = await fetchJson<{ prefix: string }>("/config.json")
    .catch(() => ({ prefix: storage.read(PREFIX_KEPT) ?? "engine" }));
  storage.write(PREFIX_KEPT, prefix);
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/nats`;
  const app = createApp({
    prefix,
    connect: () => connectPatiently(url, (error) => app.notices.error(error)),
  });
  render(html`<${Shell} app=${app} />`, root);
  navigator.serviceWorker?.register("/service_worker.js").catch(() => undefined);
  await startApp(app);
}

/** The server may not be there yet. */
async function connectPatiently(url: string, onError: (error: Error) => void) {
  while (true) {
    try {
      return await connectBrowser(url, onError);
    } catch {
      await new Promise<void>((resolve) => after(RETRY_MS, resolve));
    }
  }
}

await main();
