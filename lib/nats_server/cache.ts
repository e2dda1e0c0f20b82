/**
 * The user's cache of fetched nats-server executables, a folder per version:
 * `<cache>/orrery/nats-server/<version>/nats-server`.
 *
 * @module
 */
import { checkServerVersion, compareVersions } from "../bus/nats_version.ts";
import { UserError } from "../user_error.ts";
import { EXECUTABLE_NAME, isFile, readVersion } from "./executable.ts";

/** Folders of a fetch that is under way, or that was cut off, begin with this. */
const STAGING_PREFIX = ".fetch-";

/** Puts an executable into the folder `staging` and returns its path. */
export type FetchInto = (staging: string) => Promise<string>;

/**
 * Where this user's cache is. Without a writable home it is a folder below the
 * temp one, which is only used when it is this user's own.
 * @throws {UserError} when that folder belongs to somebody else.
 */
export async function openCache(env: (name: string) => string | undefined): Promise<string> {
  const home = env("HOME");
  const base = env("XDG_CACHE_HOME") || (home ? `${home}/.cache` : undefined);
  if (base !== undefined) {
    const cache = `${base}/orrery/nats-server`;
    const isMade = await Deno.mkdir(cache, { recursive: true }).then(() => true, () => false);
    if (isMade) return cache;
  }
  const cache = `${await openTempCache(env)}/orrery/nats-server`;
  await Deno.mkdir(cache, { recursive: true });
  return cache;
}

async function openTempCache(env: (name: string) => string | undefined): Promise<string> {
  const uid = Deno.uid();
  const folder = `${env("TMPDIR") || "/tmp"}/orrery-cache-${uid}`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const { isSymlink, uid: owner, mode } = await Deno.lstat(folder);
  const isPrivate = !isSymlink && owner === uid && ((mode ?? 0) & 0o022) === 0;
  if (isPrivate) return folder;
  throw new UserError(`Cannot use "${folder}" as a cache: others may write to it; set HOME`);
}

/** The newest usable executable in the cache. */
export async function findCached(cache: string): Promise<string | undefined> {
  const versions: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(cache)) {
    if (isDirectory && /^\d+\.\d+\.\d+$/.test(name)) versions.push(name);
  }
  for (const version of versions.sort(compareVersions).reverse()) {
    const path = `${cache}/${version}/${EXECUTABLE_NAME}`;
    if (await isFile(path) && await readVersion(path) === version) return path;
  }
  return undefined;
}

/**
 * Fetches an executable into the cache. It appears there whole or not at all,
 * and of two processes that fetch the same, one's becomes the cached one.
 * @throws {UserError} when what was fetched is too old or does not run.
 */
export async function addToCache(cache: string, fetchInto: FetchInto): Promise<string> {
  const staging = await Deno.makeTempDir({ dir: cache, prefix: STAGING_PREFIX });
  try {
    const fetched = await fetchInto(staging);
    const version = await readVersion(fetched);
    if (version === undefined) throw new UserError("what was fetched does not run on this machine");
    checkServerVersion(version);
    const finished = `${staging}/finished`;
    await Deno.mkdir(finished);
    await Deno.rename(fetched, `${finished}/${EXECUTABLE_NAME}`);
    await moveInto(`${cache}/${version}`, finished);
    return `${cache}/${version}/${EXECUTABLE_NAME}`;
  } finally {
    await Deno.remove(staging, { recursive: true });
  }
}

async function moveInto(target: string, finished: string): Promise<void> {
  try {
    await Deno.rename(finished, target);
  } catch (error) {
    if (!await isFile(`${target}/${EXECUTABLE_NAME}`)) throw error;
  }
}
