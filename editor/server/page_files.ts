/**
 * What the page is made of, by the path under which the browser asks for it.
 *
 * @module
 */
import type { PageBundle } from "./page_bundle.ts";

const STATIC = new URL("../static/", import.meta.url);

const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/boot.js": { file: "boot.js", type: "text/javascript; charset=utf-8" },
  "/service_worker.js": { file: "service_worker.js", type: "text/javascript; charset=utf-8" },
  "/manifest.webmanifest": { file: "manifest.webmanifest", type: "application/manifest+json" },
  "/icon.svg": { file: "icon.svg", type: "image/svg+xml" },
  "/icon-192.png": { file: "icon-192.png", type: "image/png" },
  "/icon-512.png": { file: "icon-512.png", type: "image/png" },
};

/** The style sheet's parts, in the order in which they count. */
const STYLES = [
  "tokens",
  "base",
  "shell",
  "entities",
  "inspector",
  "viewport",
  "schedule",
  "systems",
  "snapshots",
  "time",
];

export interface PageFile {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly type: string;
}

/** The file at `path`; undefined where there is none. */
export async function readPageFile(
  path: string,
  bundle: PageBundle,
): Promise<PageFile | undefined> {
  if (path === "/page.js") {
    return { body: await bundle.script(), type: "text/javascript; charset=utf-8" };
  }
  if (path === "/page.css") return { body: await joinStyles(), type: "text/css; charset=utf-8" };
  if (!Object.hasOwn(FILES, path)) return undefined;
  const { file, type } = FILES[path];
  return { body: await Deno.readFile(new URL(file, STATIC)), type };
}

/** One sheet, so that the page asks once, and is not drawn before all of it is there. */
async function joinStyles(): Promise<string> {
  const parts = await Promise.all(
    STYLES.map((name) => Deno.readTextFile(new URL(`style/${name}.css`, STATIC))),
  );
  return parts.join("\n");
}
