/**
 * Fetches the distribution's own nats-server package (Debian, Ubuntu) and
 * unpacks it without installing it. apt works in folders of its own, so no
 * privileges are needed and nothing of the system's state is read or changed;
 * only its list of package sources is used.
 *
 * @module
 */
import { UserError } from "../user_error.ts";
import { EXECUTABLE_NAME, isFile, runCommand } from "./executable.ts";

/**
 * Downloads and unpacks the package into `staging`; resolves with the executable's path.
 * @throws {UserError} when this is no such distribution or the package cannot be had.
 */
export async function fetchDistribution(staging: string): Promise<string> {
  const options = await prepareApt(`${staging}/apt`);
  await runApt([...options, "update"], {
    cwd: staging,
    failure: "the package lists cannot be fetched",
  });
  await runApt([...options, "download", EXECUTABLE_NAME], {
    cwd: staging,
    failure: "the package cannot be downloaded",
  });
  const root = `${staging}/root`;
  const { code, output } = await runCommand("dpkg-deb", ["-x", await findPackage(staging), root]);
  if (code !== 0) throw new UserError(`the package cannot be unpacked: ${lastLines(output)}`);
  for (const folder of ["usr/sbin", "usr/bin"]) {
    const path = `${root}/${folder}/${EXECUTABLE_NAME}`;
    if (await isFile(path)) return path;
  }
  throw new UserError(`the package holds no ${EXECUTABLE_NAME}`);
}

/** Creates apt's folders below `folder` and returns the options that make it use them. */
async function prepareApt(folder: string): Promise<string[]> {
  for (const path of ["state/lists/partial", "cache/archives/partial"]) {
    await Deno.mkdir(`${folder}/${path}`, { recursive: true });
  }
  await Deno.writeTextFile(`${folder}/state/status`, "");
  const settings = {
    "Dir::State": `${folder}/state`,
    "Dir::State::lists": `${folder}/state/lists`,
    "Dir::State::status": `${folder}/state/status`,
    "Dir::Cache": `${folder}/cache`,
    "Dir::Cache::archives": `${folder}/cache/archives`,
    "Dir::Log": folder,
    // As root apt would otherwise download as a user who cannot write to these folders.
    ...(Deno.uid() === 0 ? { "APT::Sandbox::User": "root" } : {}),
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "20",
    "Acquire::https::Timeout": "20",
  };
  return ["-q", ...Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`])];
}

/** `cwd` is where apt puts a download. */
async function runApt(
  args: string[],
  { cwd, failure }: { cwd: string; failure: string },
): Promise<void> {
  const { code, output } = await runCommand("apt-get", args, { cwd });
  if (code === 127) throw new UserError("apt-get is not on this machine");
  if (code !== 0) throw new UserError(`${failure}: ${lastLines(output)}`);
}

async function findPackage(staging: string): Promise<string> {
  for await (const { name } of Deno.readDir(staging)) {
    if (name.endsWith(".deb")) return `${staging}/${name}`;
  }
  throw new UserError("apt-get downloaded no package");
}

function lastLines(output: string): string {
  return output.trim().split("\n").slice(-3).join("; ");
}
