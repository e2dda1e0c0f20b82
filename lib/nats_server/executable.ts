/**
 * nats-server executables: which of those on this machine will do.
 *
 * @module
 */
import { checkServerVersion } from "../bus/nats_version.ts";
import { errorMessage } from "../error_message.ts";
import { UserError } from "../user_error.ts";

export const EXECUTABLE_NAME = "nats-server";

/** Folders of system programs that a plain user's PATH often lacks. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/usr/bin"];

/** The output of a finished command; `code` is 127 when there is no such program. */
export interface CommandResult {
  readonly code: number;
  readonly output: string;
}

/** Runs a program to its end, without input; its two outputs come as one text. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): Promise<CommandResult> {
  try {
    const command = new Deno.Command(program, { args: [...args], stdin: "null", ...options });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    return { code: 127, output: errorMessage(error) };
  }
}

/** The version of the executable at `path`; undefined when it does not run here. */
export async function readVersion(path: string): Promise<string | undefined> {
  const { code, output } = await runCommand(path, ["--version"]);
  return code === 0 ? /v?(\d+\.\d+\.\d+)/.exec(output)?.[1] : undefined;
}

/** PATH's folders, and those of system programs. */
export function systemSearchPath(path = Deno.env.get("PATH") ?? ""): string[] {
  return [...new Set([...path.split(":").filter((folder) => folder !== ""), ...SYSTEM_FOLDERS])];
}

/** The first executable in `folders` that is new enough; one that is not is said and passed over. */
export async function findExecutable(
  folders: readonly string[],
  { progress }: { progress: (line: string) => void },
): Promise<string | undefined> {
  for (const folder of folders) {
    const path = `${folder}/${EXECUTABLE_NAME}`;
    if (!await isFile(path)) continue;
    const version = await readVersion(path);
    if (version === undefined) {
      progress(`Passing over ${path}: it does not run`);
      continue;
    }
    try {
      checkServerVersion(version);
      return path;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      progress(`Passing over ${path}: ${error.message}`);
    }
  }
  return undefined;
}

export async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
