/**
 * What a world comes to when nothing disturbs it: the same ticks in this process,
 * on the in-memory bus.
 *
 * @module
 */
import { Coordinator } from "../coordinator/coordinator.ts";
import { Local } from "../coordinator/local.ts";
import type { SnapshotPolicy } from "../coordinator/snapshotter.ts";
import { systemClock } from "../lib/clock.ts";
import { digestHex } from "../lib/ecs/digest.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import { createRandom } from "../lib/random.ts";
import { createSubjects } from "../lib/wire/subjects.ts";

/** What a coordinator prints at its end. */
export interface Final {
  readonly ticks: number;
  readonly entities: number;
  readonly hash: string;
}

export interface LocalWorld extends AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly local: Local;
  readonly warnings: readonly string[];
}

export interface LocalWorldOptions {
  readonly manifests: Manifests;
  readonly hz: number;
  /** By default the folder's first. */
  readonly world?: string | undefined;
  readonly seed?: number | undefined;
  readonly snapshots?: SnapshotPolicy | undefined;
}

/** Opens the world with its instances, before its first tick. */
export async function openLocalWorld(options: LocalWorldOptions): Promise<LocalWorld> {
  const { manifests, hz, world = [...manifests.worlds.keys()][0], seed = 1 } = options;
  const warnings: string[] = [];
  const common = {
    manifests,
    subjects: createSubjects(),
    clock: systemClock,
    report: { info: () => {}, warn: (line: string) => void warnings.push(line) },
  };
  const local = new Local({ ...common, random: createRandom(seed) });
  const coordinator = await Coordinator.open({
    ...common,
    ...local.connect("coordinator"),
    world: manifests.worlds.get(world),
    hz,
    isUnpaced: true,
    replicas: 1,
    ...(options.snapshots && { snapshots: options.snapshots }),
  });
  await local.start();
  return {
    coordinator,
    local,
    warnings,
    async [Symbol.asyncDispose]() {
      coordinator.stop({ abandon: true });
      await local[Symbol.asyncDispose]();
    },
  };
}

/**
 * The outcome of so many ticks.
 * @throws the signal's reason when it is aborted before.
 */
export async function runUndisturbed(
  ticks: number,
  { signal, ...options }: LocalWorldOptions & { signal?: AbortSignal },
): Promise<Final> {
  await using world = await openLocalWorld(options);
  const { coordinator } = world;
  const stop = () => coordinator.stop({ abandon: true });
  signal?.addEventListener("abort", stop, { once: true });
  await coordinator.run(ticks);
  signal?.removeEventListener("abort", stop);
  signal?.throwIfAborted();
  return {
    ticks: coordinator.tickNumber,
    entities: coordinator.entityCount,
    hash: digestHex(coordinator.digest()),
  };
}
