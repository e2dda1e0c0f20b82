import { assert, assertEquals } from "@std/assert";
import { CommandQueue, type QueuedBuffer } from "../coordinator/command_queue.ts";

const MEBIBYTE = 1024 * 1024;

function buffer(bytes: number): QueuedBuffer {
  return { data: new Uint8Array(bytes), commands: [], reply: undefined };
}

function sizes(buffers: readonly QueuedBuffer[]): number[] {
  return buffers.map(({ data }) => data.length);
}

function queueOf(...sizes: number[]): CommandQueue {
  const queue = new CommandQueue();
  for (const bytes of sizes) assert(queue.push(buffer(bytes)));
  return queue;
}

Deno.test("CommandQueue.take() returns the oldest buffers, up to the bytes", () => {
  const queue = queueOf(10, 20, 30, 40);
  assertEquals(sizes(queue.take(59)), [10, 20]);
  assertEquals(sizes(queue.take(70)), [30, 40]);
  assertEquals(queue.take(70), []);
});

Deno.test("CommandQueue.take() returns one buffer at least, and none out of its turn", () => {
  const queue = queueOf(100, 1, 100);
  assertEquals(sizes(queue.take(50)), [100]);
  assertEquals(sizes(queue.take(50)), [1]);
  assertEquals(sizes(queue.take(50)), [100]);
  assertEquals(queue.length, 0);
});

Deno.test("CommandQueue.push() refuses more bytes than it keeps, until some are taken", () => {
  const queue = new CommandQueue();
  let pushed = 0;
  while (queue.push(buffer(MEBIBYTE))) pushed++;
  assertEquals(pushed, 64);
  assertEquals(queue.length, 64);
  assertEquals(queue.take(MEBIBYTE).length, 1);
  assert(!queue.push(buffer(MEBIBYTE + 1)));
  assert(queue.push(buffer(MEBIBYTE)));
});

Deno.test("CommandQueue.push() refuses more buffers than it keeps, however small", () => {
  const queue = new CommandQueue();
  while (queue.push(buffer(0)));
  assertEquals(queue.length, 65_536);
  assertEquals(queue.take(1).length, 65_536);
  assert(queue.push(buffer(0)));
});
