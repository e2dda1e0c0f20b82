/**
 * Finds a nats-server to run: an installed one, else a cached one, else one
 * that is fetched into the cache.
 *
 * @module
 */
import { NATS_VERSION_MIN } from "../bus/nats_version.ts";
import { UserError } from "../user_error.ts";
import { addToCache, type FetchInto, findCached, openCache } from "./cache.ts";
import { findExecutable, systemSearchPath } from "./executable.ts";
import { fetchDistribution } from "./fetch_distribution.ts";
import { fetchRelease, RELEASE_VERSION } from "./fetch_release.ts";

export interface FindServerOptions {
  /** Told, a line at a time, what is being done. */
  progress: (line: string) => void;
  /** Where an installed one may be; by default PATH and the folders of system programs. */
  searchPath?: readonly string[];
  /** The environment that says where the cache is; by default the process's own. */
  env?: (name: string) => string | undefined;
}

interface Source {
  readonly name: string;
  readonly fetchInto: FetchInto;
}

const SOURCES: readonly Source[] = [
  { name: `nats-server ${RELEASE_VERSION} from its project's releases`, fetchInto: fetchRelease },
  { name: "the distribution's nats-server package", fetchInto: fetchDistribution },
];

/**
 * Resolves with the path of an executable.
 * @throws {UserError} when there is none and none can be fetched; it says why, and what to do.
 */
export async function findServer(options: FindServerOptions): Promise<string> {
  const { progress, searchPath = systemSearchPath(), env = readEnv } = options;
  const installed = await findExecutable(searchPath, { progress });
  if (installed !== undefined) return installed;
  const cache = await openCache(env);
  return await findCached(cache) ?? await fetchServer(cache, progress);
}

function readEnv(name: string): string | undefined {
  return Deno.env.get(name);
}

async function fetchServer(cache: string, progress: (line: string) => void): Promise<string> {
  const failures: string[] = [];
  for (const { name, fetchInto } of SOURCES) {
    progress(`Fetching ${name} into ${cache} …`);
    try {
      const path = await addToCache(cache, fetchInto);
      progress(`Fetched ${path}`);
      return path;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      progress(`Cannot fetch ${name}: ${error.message}`);
      failures.push(`${name}: ${error.message}`);
    }
  }
  throw new UserError(
    `Cannot find or fetch a nats-server; install nats-server ${NATS_VERSION_MIN} or newer, ` +
      `or pass --nats URL\n${failures.map((failure) => `  ${failure}`).join("\n")}`,
  );
}
