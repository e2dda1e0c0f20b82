/**
 * The page's script: `editor/page/` and what it imports, bundled for browsers once,
 * when it is first asked for. Nothing of it comes from elsewhere at run time.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { UserError } from "../../lib/user_error.ts";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const ENTRY = fileURLToPath(new URL("../page/main.ts", import.meta.url));

export class PageBundle {
  #script: Promise<string> | undefined;

  /** The script's text. A failure is told again only after another try. */
  script(): Promise<string> {
    this.#script ??= bundlePage().catch((error) => {
      this.#script = undefined;
      throw error;
    });
    return this.#script;
  }
}

/** @throws {UserError} with the bundler's own words when it fails. */
async function bundlePage(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "orrery-editor-" });
  try {
    const output = `${folder}/page.js`;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "-q", "--platform", "browser", "--minify", "--config", CONFIG].concat(
        ["--output", output, ENTRY],
      ),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (code !== 0) {
      throw new UserError(`Cannot bundle the page: ${new TextDecoder().decode(stderr).trim()}`);
    }
    return await Deno.readTextFile(output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
