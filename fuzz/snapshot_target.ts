/**
 * Fuzzes snapshots as files. Few changes get past the digests, so half of the
 * inputs have digests that fit what was changed.
 *
 * @module
 */
import { migrateImage } from "../lib/snapshot/migration.ts";
import { captureWorld, restoreWorld } from "../lib/snapshot/world_image.ts";
import { encodeSnapshot, readFile, writeFile } from "../lib/snapshot/snapshot_file.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import type { StoredSnapshot } from "../lib/snapshot/snapshot_store.ts";
import { digest64 } from "../lib/ecs/digest.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { Schema } from "../lib/ecs/component.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import { mutateBytes } from "./byte_mutation.ts";
import type { Draw } from "../sim/draw.ts";
import { Reference } from "../sim/reference.ts";
import type { Corpus } from "./corpus.ts";
import { mutateMessage } from "./mutation.ts";
import type { Session, Target, Verdict } from "./target.ts";

export const snapshotTarget: Target = {
  name: "snapshot",
  share: 10,
  open: (corpus) => SnapshotSession.open(corpus),
};

const FITTING_SHARE = 0.7;

class SnapshotSession implements Session {
  readonly #schema: Schema;
  readonly #file: Uint8Array;
  readonly #stored: StoredSnapshot;
  readonly #parts: readonly Uint8Array[];

  private constructor(
    schema: Schema,
    { file, stored, parts }: {
      file: Uint8Array;
      stored: StoredSnapshot;
      parts: readonly Uint8Array[];
    },
  ) {
    this.#schema = schema;
    this.#file = file;
    this.#stored = stored;
    this.#parts = parts;
  }

  static async open({ scenario }: Corpus): Promise<SnapshotSession> {
    const { world } = new Reference(scenario);
    const meta = {
      id: "fuzz",
      kind: "manual" as const,
      tick: 3,
      epoch: 1,
      digest: 7n,
      sequence: 9,
      lastRuns: { s0: 2 },
      createdAt: 1,
      answers: [["a", { tick: 1, spawned: [1], refused: [] }]] as const,
    };
    const stored = encodeSnapshot({ image: captureWorld(world), meta });
    const parts = await Array.fromAsync(stored.parts);
    const file = await join(writeFile({ manifestData: stored.manifestData, parts: from(parts) }));
    return new SnapshotSession(scenario.manifests.schema, { file, stored, parts });
  }

  async feed(draw: Draw, note: (input: Uint8Array) => void): Promise<Verdict> {
    const file = draw.chance(FITTING_SHARE)
      ? await this.#fitting(draw)
      : mutateBytes(this.#file, draw, [this.#file]);
    note(file);
    try {
      const { image } = await readFile(sourceOf(file));
      worldDigest(restoreWorld(image.schema, image));
      restoreWorld(this.#schema, migrateImage(image, this.#schema).image);
      return "taken";
    } catch (error) {
      if (error instanceof SnapshotError) return "refused";
      throw error;
    }
  }

  /** A file with a changed manifest or part, and digests to match. */
  async #fitting(draw: Draw): Promise<Uint8Array> {
    const parts = [...this.#parts];
    const { manifest } = this.#stored;
    const place = draw.below(parts.length + 1);
    if (place === parts.length) {
      const manifestData = mutateMessage(this.#stored.manifestData, draw, []);
      return await join(writeFile({ manifestData, parts: from(parts) }));
    }
    parts[place] = mutateMessage(parts[place], draw, parts.map((data) => ({ data })));
    const { data: manifestData } = encodeMessage("SnapshotManifest", {
      ...manifest,
      parts: parts.map((part) => ({ bytes: part.length, digest: digest64(part) })),
    });
    return await join(writeFile({ manifestData, parts: from(parts) }));
  }
}

async function* from(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* await Promise.resolve(parts);
}

async function join(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(
    await new Blob((await Array.fromAsync(pieces)) as BlobPart[]).arrayBuffer(),
  );
}

function sourceOf(file: Uint8Array) {
  let at = 0;
  return {
    name: "fuzz",
    size: file.length,
    read: (length: number) => Promise.resolve(file.slice(at, at += length)),
  };
}
