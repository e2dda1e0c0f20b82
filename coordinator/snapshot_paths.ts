/**
 * Snapshots as files of this machine.
 *
 * @module
 */
import type { FileSource } from "../lib/snapshot/snapshot_file.ts";
import { UserError } from "../lib/user_error.ts";

/**
 * Opens a file to be read from its beginning.
 * @throws {UserError} when it cannot be read.
 */
export async function openSource(path: string): Promise<FileSource & Disposable> {
  const file = await explain(`Cannot read "${path}"`, () => Deno.open(path));
  const { size } = await file.stat();
  return {
    name: path,
    size,
    async read(length) {
      const bytes = new Uint8Array(Math.min(length, size));
      let read = 0;
      while (read < bytes.length) {
        const count = await file.read(bytes.subarray(read));
        if (count === null) break;
        read += count;
      }
      return bytes.subarray(0, read);
    },
    [Symbol.dispose]: () => file.close(),
  };
}

/**
 * Writes a file, all of it or nothing: it gets its name when it is whole.
 * @throws {UserError} when it cannot be written.
 */
export async function writeWhole(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const unfinished = `${path}.unfinished`;
  try {
    await explain(`Cannot write "${path}"`, async () => {
      using file = await Deno.open(unfinished, { write: true, create: true, truncate: true });
      for await (const piece of pieces) {
        for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
      }
      await file.sync();
    });
    await Deno.rename(unfinished, path);
  } catch (error) {
    await Deno.remove(unfinished).catch(() => {});
    throw error;
  }
}

/** What the system says against it is a user's matter. */
async function explain<T>(failure: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    const isOfSystem = cause instanceof Error && ("code" in cause || cause.name in Deno.errors);
    if (!isOfSystem) throw cause;
    throw new UserError(`${failure}: ${cause.message}`, { cause });
  }
}
