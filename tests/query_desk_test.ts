import { assert, assertEquals } from "@std/assert";
import type { Message } from "../lib/bus/bus.ts";
import { QueryDesk, QUESTIONS_MAX } from "../coordinator/query_desk.ts";

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

/** A desk whose surroundings do as a test says. */
class Scene {
  readonly answered: number[] = [];
  readonly sent: number[] = [];
  answerBytes = KIBIBYTE;
  work = 0;
  confirmed = Promise.resolve();
  flushed = Promise.resolve();
  readonly desk: QueryDesk;
  #asked = 0;

  constructor() {
    this.desk = new QueryDesk({
      send: (message) => this.sent.push(Number(message.subject)),
      confirm: () => this.confirmed,
      flush: () => this.flushed,
    });
  }

  ask(count = 1): void {
    for (let i = 0; i < count; i++) {
      const number = ++this.#asked;
      this.desk.ask({
        message: { subject: `${number}` } as Message,
        answer: () => this.#answer(number),
      });
    }
  }

  #answer(number: number) {
    this.answered.push(number);
    if (this.answerBytes === 0) return undefined;
    const data = new Uint8Array(this.answerBytes);
    return { encoded: { data, options: { headers: {} } }, work: this.work };
  }

  /** Lets everything happen that may happen now. */
  pass(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 0));
  }
}

Deno.test("QueryDesk answers at once between ticks, and during one when it has ended", async () => {
  const scene = new Scene();
  scene.ask();
  assertEquals(scene.answered, [1]);
  await scene.pass();
  scene.desk.close();
  scene.ask(2);
  await scene.pass();
  assertEquals(scene.answered, [1]);
  scene.desk.open();
  await scene.pass();
  assertEquals(scene.sent, [1, 2, 3]);
});

Deno.test("QueryDesk sends an answer when what it shows is stored, and makes no more until then", async () => {
  const scene = new Scene();
  const stored = Promise.withResolvers<void>();
  scene.confirmed = stored.promise;
  scene.ask(2);
  await scene.pass();
  assertEquals([scene.answered, scene.sent], [[1], []]);
  stored.resolve();
  await scene.pass();
  assertEquals(scene.sent, [1, 2]);
});

Deno.test("QueryDesk makes a bounded amount of answers at a time, and waits until they are sent", async () => {
  const scene = new Scene();
  scene.desk.close();
  scene.answerBytes = MEBIBYTE / 4 - 4 * KIBIBYTE;
  scene.ask(10);
  const flushed = Promise.withResolvers<void>();
  scene.flushed = flushed.promise;
  scene.desk.open();
  await scene.pass();
  assertEquals(scene.sent, [1, 2, 3, 4]);
  flushed.resolve();
  await scene.pass();
  assertEquals(scene.sent.length, 10);
});

Deno.test("QueryDesk makes few answers at a time where each takes long", async () => {
  const scene = new Scene();
  scene.desk.close();
  scene.work = MEBIBYTE / 2;
  scene.ask(4);
  const flushed = Promise.withResolvers<void>();
  scene.flushed = flushed.promise;
  scene.desk.open();
  await scene.pass();
  assertEquals(scene.sent, [1, 2]);
  flushed.resolve();
  await scene.pass();
  assertEquals(scene.sent, [1, 2, 3, 4]);
});

Deno.test("QueryDesk makes one answer at least, however large", async () => {
  const scene = new Scene();
  scene.answerBytes = 8 * MEBIBYTE;
  scene.ask();
  await scene.pass();
  assertEquals(scene.sent, [1]);
});

Deno.test("QueryDesk is full until questions have been answered or refused", async () => {
  const scene = new Scene();
  scene.desk.close();
  scene.answerBytes = 0;
  scene.ask(QUESTIONS_MAX - 1);
  assert(!scene.desk.isFull);
  scene.ask();
  assert(scene.desk.isFull);
  scene.desk.open();
  await scene.pass();
  assert(!scene.desk.isFull);
  assertEquals([scene.answered.length, scene.sent.length], [QUESTIONS_MAX, 0]);
});

Deno.test("QueryDesk goes on when the connection breaks", async () => {
  const scene = new Scene();
  scene.flushed = Promise.reject(new Error("disconnected"));
  scene.ask();
  await scene.pass();
  scene.flushed = Promise.resolve();
  scene.ask();
  await scene.pass();
  assertEquals(scene.sent, [1, 2]);
});
