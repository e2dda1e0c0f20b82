/**
 * Fetches the NATS project's own release of nats-server, pinned by checksum.
 *
 * @module
 */
import { UserError } from "../user_error.ts";
import { runCommand } from "./executable.ts";

export const RELEASE_VERSION = "2.10.29";

/**
 * SHA-256 of the release's ARCHIVES, from the recipe of the project's official
 * container image (nats-io/nats-docker, `2.10.x/alpine3.22/Dockerfile`).
 */
const ARCHIVES: Readonly<Record<string, { readonly arch: string; readonly sha256: string }>> = {
  "x86_64-linux": {
    arch: "amd64",
    sha256: "e314da74a83a1d3876db8814c27eb990fe729640fd6452025b441bcede8390da",
  },
  "aarch64-linux": {
    arch: "arm64",
    sha256: "da4b27942ecfb4c5f0c54553d2e7f470ddda9d7581cfe8131b351a0e223ed401",
  },
};

const CONNECT_TIMEOUT_MS = 10_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;
const ARCHIVE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Downloads and unpacks the release into `staging`; resolves with the executable's path.
 * @throws {UserError} when there is none for this machine, it cannot be had, or is not the pinned one.
 */
export async function fetchRelease(staging: string): Promise<string> {
  const machine = `${Deno.build.arch}-${Deno.build.os}`;
  const archive = ARCHIVES[machine];
  if (archive === undefined) throw new UserError(`there is no pinned release for ${machine}`);
  const name = `nats-server-v${RELEASE_VERSION}-linux-${archive.arch}`;
  const releases = "https://github.com/nats-io/nats-server/releases/download";
  const bytes = await download(`${releases}/v${RELEASE_VERSION}/${name}.tar.gz`);
  await checkDigest(bytes, archive.sha256);
  await Deno.writeFile(`${staging}/release.tar.gz`, bytes);
  const { code, output } = await runCommand("tar", [
    "-xzf",
    `${staging}/release.tar.gz`,
    "-C",
    staging,
  ]);
  if (code !== 0) throw new UserError(`the release cannot be unpacked: ${output.trim()}`);
  return `${staging}/${name}/nats-server`;
}

async function download(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const connecting = new AbortController();
  const timer = setTimeout(() => connecting.abort(), CONNECT_TIMEOUT_MS);
  try {
    const signal = AbortSignal.any([connecting.signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]);
    const response = await fetch(url, { signal });
    clearTimeout(timer);
    const length = Number(response.headers.get("content-length") ?? 0);
    if (!response.ok || length > ARCHIVE_BYTES_MAX) {
      await response.body?.cancel();
      throw new UserError(`${url} answered ${response.status} with ${length} bytes`);
    }
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const reason = connecting.signal.aborted
      ? `no answer in ${CONNECT_TIMEOUT_MS} ms`
      : describe(cause);
    throw new UserError(`${url} cannot be fetched: ${reason}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** With what caused it: fetch's own message says next to nothing. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}

async function checkDigest(bytes: Uint8Array<ArrayBuffer>, expected: string): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const actual = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (actual === expected) return;
  throw new UserError(`the release's SHA-256 is ${actual}, not the pinned ${expected}`);
}
