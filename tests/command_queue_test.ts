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
  for (const bytes of sizes) queue.push(buffer(bytes));
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

Deno.test("CommandQueue.take() returns no more buffers than a tick takes, however small", () => {
  const queue = queueOf(...new Array(2000).fill(0));
  assertEquals(queue.take(MEBIBYTE).length, 1024);
  assertEquals(queue.take(MEBIBYTE).length, 976);
});

Deno.test("CommandQueue is full of bytes until some are taken", () => {
  const queue = queueOf(...new Array(63).fill(MEBIBYTE));
  assert(!queue.isFull);
  queue.push(buffer(MEBIBYTE));
  assert(queue.isFull);
  assertEquals(queue.take(MEBIBYTE).length, 1);
  assert(!queue.isFull);
});

Deno.test("CommandQueue is full of buffers until some are taken", () => {
  const queue = queueOf(...new Array(65_535).fill(0));
  assert(!queue.isFull);
  queue.push(buffer(0));
  assert(queue.isFull);
  queue.take(1);
  assert(!queue.isFull);
});
