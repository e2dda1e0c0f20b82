import { assertEquals } from "@std/assert";
import { Gesture } from "../editor/model/gesture.ts";
import { delay, systemClock } from "../lib/clock.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

/** A world that a gesture's values are sent to, and that answers when it is told to. */
class World {
  readonly clock = new VirtualClock();
  readonly seen: string[] = [];
  isLive = true;
  #answers: (() => void)[] = [];

  gesture(): Gesture<number> {
    return new Gesture({
      clock: this.clock,
      isLive: () => this.isLive,
      send: (value: number) => this.#take(`${value}`),
      takeBack: () => this.#take("back"),
    });
  }

  /** Answers what has come, and resolves when that has had its effect. */
  async answer(): Promise<void> {
    await delay(systemClock, 0);
    for (const answer of this.#answers.splice(0)) answer();
    await delay(systemClock, 0);
  }

  #take(what: string): Promise<void> {
    this.seen.push(what);
    return new Promise((resolve) => this.#answers.push(resolve));
  }
}

Deno.test("Gesture sends the newest value, ten times a second at the most and one at a time", async () => {
  const world = new World();
  const gesture = world.gesture();
  gesture.set(1);
  assertEquals(world.seen, ["1"]);
  for (const value of [2, 3]) gesture.set(value);
  world.clock.advance(250);
  assertEquals(world.seen, ["1"]);
  await world.answer();
  assertEquals(world.seen, ["1", "3"]);
  gesture.set(4);
  await world.answer();
  world.clock.advance(99);
  gesture.set(5);
  assertEquals(world.seen, ["1", "3"]);
  world.clock.advance(1);
  assertEquals(world.seen, ["1", "3", "5"]);
});

Deno.test("Gesture.end() sends what is left, and resolves when it counts", async () => {
  const world = new World();
  const gesture = world.gesture();
  let hasEnded = false;
  gesture.set(1);
  gesture.set(2);
  const end = gesture.end().then(() => hasEnded = true);
  assertEquals([world.seen, gesture.isOver], [["1"], true]);
  await world.answer();
  assertEquals([world.seen, hasEnded], [["1", "2"], false]);
  await world.answer();
  await end;
  assertEquals(world.clock.pendingCount, 0);
});

Deno.test("Gesture sends nothing more once it has ended, however often it is ended", async () => {
  const world = new World();
  const gesture = world.gesture();
  gesture.set(1);
  gesture.set(2);
  let ends = 0;
  const ended = [1, 2].map(() => gesture.end().then(() => ends++));
  gesture.set(3);
  await world.answer();
  assertEquals([world.seen, ends], [["1", "2"], 0]);
  await world.answer();
  await Promise.all(ended);
  assertEquals([world.seen, ends], [["1", "2"], 2]);
});

Deno.test("Gesture sends nothing before its end while the world stands still", async () => {
  const world = new World();
  world.isLive = false;
  const gesture = world.gesture();
  for (const value of [1, 2, 3]) gesture.set(value);
  world.clock.advance(1000);
  assertEquals(world.seen, []);
  world.isLive = true;
  world.clock.advance(100);
  assertEquals(world.seen, ["3"]);
  world.isLive = false;
  await world.answer();
  gesture.set(4);
  world.clock.advance(1000);
  const end = gesture.end();
  await world.answer();
  await end;
  assertEquals(world.seen, ["3", "4"]);
});

Deno.test("Gesture.cancel() takes back what was sent, after it was answered", async () => {
  const world = new World();
  const gesture = world.gesture();
  gesture.set(1);
  gesture.set(2);
  const cancelled = gesture.cancel();
  world.clock.advance(1000);
  assertEquals(world.seen, ["1"]);
  await world.answer();
  assertEquals(world.seen, ["1", "back"]);
  await world.answer();
  await cancelled;
  await world.gesture().cancel();
  assertEquals(world.seen, ["1", "back"]);
});
