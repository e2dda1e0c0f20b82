import { assert, assertEquals, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import { createDigest } from "../lib/ecs/digest.ts";
import { World } from "../lib/ecs/world.ts";
import {
  encodeSnapshot,
  type FileSource,
  readFile,
  writeFile,
} from "../lib/snapshot/snapshot_file.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import { captureWorld, restoreWorld } from "../lib/snapshot/world_image.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import { LISTS_COMPONENT, MASS, SCHEMA } from "./ecs_model.ts";
import { assertSameWorld, metaFor, openStore, worlds } from "./snapshot_fixture.ts";

const RUNS = 100;
const MUTATIONS = 1500;
const HEAD_BYTES = 24;

function sourceOf(bytes: Uint8Array): FileSource {
  let at = 0;
  return {
    name: "x.orrery",
    size: bytes.length,
    read: (length) => Promise.resolve(bytes.slice(at, at += length)),
  };
}

async function fileOf(world: World): Promise<Uint8Array> {
  const stored = encodeSnapshot({ image: captureWorld(world), meta: metaFor("a") });
  return await joined(writeFile(stored));
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Blob(await Array.fromAsync(pieces) as BlobPart[]).arrayBuffer());
}

function smallWorld(): World {
  const world = new World(SCHEMA);
  for (let i = 0; i < 20; i++) {
    world.changeTick = i;
    world.spawn(new Map([[MASS, { kg: i }], [LISTS_COMPONENT, { string_field: `${i}` }]]));
  }
  return world;
}

Deno.test("readFile() gives back what writeFile() wrote", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      const { meta, image } = await readFile(sourceOf(await fileOf(world)));
      assertEquals(meta, metaFor("a"));
      assertSameWorld(restoreWorld(SCHEMA, image), world);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("a file out of a stream is the same as the snapshot in it", async () => {
  const { store } = await openStore();
  const world = smallWorld();
  await store.save(captureWorld(world), metaFor("a"));
  const file = await joined(writeFile(await store.read("a", "export")));
  assertEquals(file, await fileOf(world));
});

Deno.test("readFile() says where a file is cut off, damaged or too long", async () => {
  const file = await fileOf(smallWorld());
  const manifestBytes = new DataView(file.buffer).getUint32(12, true);
  const partsAt = HEAD_BYTES + manifestBytes;
  const cut = (length: number) => file.slice(0, length);
  const flipped = (at: number) => file.with(at, file[at] ^ 16);
  const cases: [Uint8Array, string][] = [
    [cut(0), "it does not begin like a snapshot's file"],
    [cut(7), "it does not begin like a snapshot's file"],
    [flipped(3), "it does not begin like a snapshot's file"],
    [cut(20), "it ends at byte 20 instead of 24"],
    [cut(partsAt - 1), `it ends at byte ${partsAt - 1} instead of ${partsAt}`],
    [cut(partsAt), `it ends at byte ${partsAt} instead of ${file.length}`],
    [cut(file.length - 1), `it ends at byte ${file.length - 1} instead of ${file.length}`],
    [Uint8Array.of(...file, 1, 2), `2 bytes follow where it should end, at ${file.length}`],
    [file.with(8, 2), "its format has version 2, and this program reads up to 1"],
    [flipped(18), `its beginning, bytes 0 to ${partsAt}, is damaged`],
    [flipped(HEAD_BYTES + 10), `its beginning, bytes 0 to ${partsAt}, is damaged`],
    [flipped(partsAt + 5), `bytes ${partsAt} to ${file.length}: part 0 of 1 is damaged`],
    [flipped(file.length - 1), `bytes ${partsAt} to ${file.length}: part 0 of 1 is damaged`],
  ];
  for (const [bytes, why] of cases) {
    await assertRejects(() => readFile(sourceOf(bytes)), SnapshotError, why);
  }
});

Deno.test("readFile() finds any byte that has changed, and refuses it as a snapshot's damage", async () => {
  const file = await fileOf(smallWorld());
  await fc.assert(
    fc.asyncProperty(
      fc.nat(file.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (at, change) => {
        const mutated = file.with(at, file[at] ^ change);
        await assertRejects(() => readFile(sourceOf(mutated)), SnapshotError, "x.orrery");
      },
    ),
    { numRuns: MUTATIONS },
  );
});

/** Makes the digest of the head and manifest right again, so that what lies behind it is met. */
function withHeadDigest(file: Uint8Array, manifestBytes: number): Uint8Array {
  const digest = createDigest();
  digest.update(file.subarray(0, 16));
  digest.update(file.subarray(HEAD_BYTES, HEAD_BYTES + manifestBytes));
  const result = new Uint8Array(file);
  new DataView(result.buffer).setBigUint64(16, digest.value(), true);
  return result;
}

Deno.test("a manifest that was changed on purpose gives a world or a clear error, and nothing else", async () => {
  const file = await fileOf(smallWorld());
  const manifestBytes = new DataView(file.buffer).getUint32(12, true);
  let taken = 0;
  const mutations = fc.array(
    fc.tuple(fc.nat(manifestBytes - 1), fc.nat(255)),
    { minLength: 1, maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(mutations, async (changes) => {
      const mutated = new Uint8Array(file);
      for (const [at, byte] of changes) mutated[HEAD_BYTES + at] = byte;
      try {
        const { image } = await readFile(sourceOf(withHeadDigest(mutated, manifestBytes)));
        restoreWorld(image.schema, image);
        taken++;
      } catch (error) {
        assert(error instanceof SnapshotError, String(error));
      }
    }),
    { numRuns: MUTATIONS },
  );
  assert(taken > 0);
});

Deno.test("a manifest cannot make its reader reserve more than the parts can fill", async () => {
  const stored = encodeSnapshot({ image: captureWorld(smallWorld()), meta: metaFor("a") });
  const manifest = {
    ...stored.manifest,
    entities: 2 ** 32 - 1,
    tables: stored.manifest.tables.map((table) => ({
      ...table,
      count: table.count && 2 ** 32 - 1,
    })),
  };
  const { data: manifestData } = encodeMessage("SnapshotManifest", manifest);
  const file = await joined(writeFile({ ...stored, manifestData }));
  await assertRejects(() => readFile(sourceOf(file)), SnapshotError, "do not go together");
});

Deno.test("readFile() refuses a snapshot of what no world can be", async () => {
  const image = captureWorld(smallWorld());
  for (const table of image.tables) table.entities.fill(1);
  const file = await joined(writeFile(encodeSnapshot({ image, meta: metaFor("a") })));
  await assertRejects(() => readFile(sourceOf(file)), SnapshotError, "entity 1: it is there twice");
});
