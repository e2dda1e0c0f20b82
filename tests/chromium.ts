/**
 * A headless Chromium for tests of pages: the machine's own, or its distribution's.
 *
 * @module
 */
import { type Browser, chromium, type Page } from "playwright-core";

const CANDIDATES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

/** Starts the browser that `CHROMIUM` names, or the machine's. */
export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({
    executablePath: await findChromium(),
    args: ["--no-sandbox", "--enable-unsafe-swiftshader", "--use-angle=swiftshader"],
  });
}

/** @throws {Error} saying what to install where there is none and it cannot be had. */
async function findChromium(): Promise<string> {
  const named = Deno.env.get("CHROMIUM");
  if (named) return named;
  const found = await firstFile(CANDIDATES);
  if (found !== undefined) return found;
  const why = await installChromium();
  const installed = await firstFile(CANDIDATES);
  if (installed !== undefined) return installed;
  throw new Error(
    `Cannot test the editor: there is no Chromium, and apt-get cannot install it (${why}); ` +
      "install one, or set CHROMIUM to its path",
  );
}

async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return undefined;
}

/** Test files run side by side, and only one may install at a time. */
const LOCK = "/tmp/orrery-chromium.lock";
const INSTALL = "command -v chromium || " +
  "{ apt-get update -q && apt-get install -q -y --no-install-recommends chromium; }";

/** Resolves with what apt-get said last. */
async function installChromium(): Promise<string> {
  const { stderr } = await new Deno.Command("flock", {
    args: [LOCK, "sh", "-c", INSTALL],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  return new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
}

/** What a page's console had to say that it should not have. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  return complaints;
}
