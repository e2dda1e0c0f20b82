import { assertEquals } from "@std/assert";
import { Backlog } from "../lib/bus/backlog.ts";

/** A server that reads when it is told to. */
class Reader {
  readonly #probes: PromiseWithResolvers<void>[] = [];

  flush(): Promise<void> {
    const probe = Promise.withResolvers<void>();
    this.#probes.push(probe);
    return probe.promise;
  }

  get probes(): number {
    return this.#probes.length;
  }

  async read(): Promise<void> {
    for (const { resolve } of this.#probes.splice(0)) resolve();
    await Promise.resolve();
  }

  async lose(): Promise<void> {
    for (const { reject } of this.#probes.splice(0)) reject(new Error("disconnected"));
    await Promise.resolve();
  }
}

function create(bytesMax: number): { backlog: Backlog; reader: Reader } {
  const reader = new Reader();
  return { backlog: new Backlog({ bytesMax, flush: () => reader.flush() }), reader };
}

Deno.test("Backlog has room until so much is on its way, and again when it was read", async () => {
  const { backlog, reader } = create(320);
  for (let i = 0; i < 32; i++) {
    assertEquals(backlog.hasRoomFor(10), true);
    backlog.add(10);
  }
  assertEquals([backlog.bytes, backlog.hasRoomFor(1)], [320, false]);
  await reader.read();
  assertEquals([backlog.bytes, backlog.hasRoomFor(320)], [0, true]);
});

Deno.test("Backlog asks how far the server is now and then, not for each message", () => {
  const { backlog, reader } = create(3200);
  for (let i = 0; i < 100; i++) backlog.add(10);
  assertEquals(reader.probes, 10);
});

Deno.test("Backlog takes what a broken connection lost for gone", async () => {
  const { backlog, reader } = create(320);
  for (let i = 0; i < 32; i++) backlog.add(10);
  await reader.lose();
  assertEquals(backlog.hasRoomFor(320), true);
});

Deno.test("Backlog always has room for a single message", () => {
  const { backlog } = create(10);
  assertEquals(backlog.hasRoomFor(1000), true);
  backlog.add(1000);
  assertEquals(backlog.hasRoomFor(1), false);
});
