import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { type Attempt, type Credits, Dispatcher } from "../coordinator/dispatcher.ts";
import type { OnMiss } from "../lib/manifest/manifest.ts";

const ONE: Credits = { total: 1, perInstance: 1 };
const TWO: Credits = { total: 2, perInstance: 1 };
const NONE: Credits = { total: 0, perInstance: 1 };
const DEADLINE_MS = 100;

function dispatcher(shards: number, onMiss: OnMiss = "hold"): Dispatcher {
  return new Dispatcher(shards, { deadlineMs: DEADLINE_MS, onMiss, now: 0 });
}

function shardsOf(attempts: readonly Attempt[]): number[] {
  return attempts.map(({ shard }) => shard);
}

Deno.test("Dispatcher is finished at once without shards", () => {
  const none = dispatcher(0);
  assert(none.isFinished);
  assertEquals(none.decide(0, ONE), { send: [], lost: [], wakeAt: undefined });
});

Deno.test("Dispatcher.decide() sends as many shards as there are credits, in order", () => {
  const two = dispatcher(3);
  assertEquals(two.decide(0, TWO).send, [{ shard: 0, attempt: 0 }, { shard: 1, attempt: 0 }]);
  assertEquals(two.decide(1, TWO).send, []);
  two.finish(1, 2);
  assertEquals(two.decide(2, TWO).send, [{ shard: 2, attempt: 0 }]);
});

Deno.test("Dispatcher.decide() sends first what the first place has room for", () => {
  const places = [(shard: number) => shard === 2, () => true];
  assertEquals(shardsOf(dispatcher(3).decide(0, TWO, places).send), [2, 0]);
});

Deno.test("Dispatcher.decide() keeps back what no place has room for, until something changes", () => {
  const three = dispatcher(3);
  const { send, wakeAt } = three.decide(0, TWO, [(shard) => shard === 1]);
  assertEquals([shardsOf(send), wakeAt], [[1], DEADLINE_MS]);
  three.finish(1, 1);
  assertEquals(shardsOf(three.decide(1, TWO).send), [0, 2]);
});

Deno.test("Dispatcher.decide() sends a shard again after a deadline for each that its instance may hold", () => {
  for (const [shards, share] of [[1, 1], [2, 2], [8, 2]]) {
    const some = dispatcher(shards);
    const credits = { total: 2, perInstance: 2 };
    assertEquals(some.decide(0, credits).wakeAt, share * DEADLINE_MS);
    assertEquals(some.expire(share * DEADLINE_MS - 1), []);
    assertEquals(some.decide(share * DEADLINE_MS - 1, credits).send, []);
    assertEquals(some.expire(share * DEADLINE_MS).length, Math.min(shards, 2));
    assertEquals(some.decide(share * DEADLINE_MS, credits).send[0].attempt, 1);
  }
});

Deno.test("Dispatcher.decide() does not wake up for shards that are all blocked, nor gives them up", () => {
  const two = dispatcher(2, "skip");
  two.block(0);
  two.block(1);
  for (const now of [0, DEADLINE_MS, 100 * DEADLINE_MS]) {
    assertEquals(two.decide(now, ONE), { send: [], lost: [], wakeAt: undefined });
  }
  two.release(1, 100 * DEADLINE_MS);
  const { send, wakeAt } = two.decide(100 * DEADLINE_MS, ONE);
  assertEquals([shardsOf(send), wakeAt], [[1], 101 * DEADLINE_MS]);
});

Deno.test("Dispatcher.isOpen() takes an earlier attempt, but none that was not made", () => {
  const one = dispatcher(1);
  assert(!one.isOpen({ shard: 0, attempt: 0 }));
  one.decide(0, ONE);
  one.expire(DEADLINE_MS);
  one.decide(DEADLINE_MS, ONE);
  assert(one.isOpen({ shard: 0, attempt: 0 }));
  assert(one.isOpen({ shard: 0, attempt: 1 }));
  assert(!one.isOpen({ shard: 0, attempt: 2 }));
  assert(!one.isOpen({ shard: 1, attempt: 0 }));
  one.finish(0, DEADLINE_MS + 1);
  assert(!one.isOpen({ shard: 0, attempt: 0 }));
  assert(one.isFinished);
});

Deno.test("Dispatcher.finish() takes a result that comes while its shard waits to be sent again", () => {
  const one = dispatcher(2);
  one.decide(0, ONE);
  one.expire(DEADLINE_MS);
  one.decide(DEADLINE_MS, NONE);
  one.finish(0, DEADLINE_MS);
  assertEquals(shardsOf(one.decide(DEADLINE_MS, ONE).send), [1]);
});

Deno.test("Dispatcher.bounce() waits a little where nobody had a credit, until one comes free", () => {
  const one = dispatcher(1);
  one.decide(0, ONE);
  one.bounce({ shard: 0, attempt: 0 }, 1, true);
  const { send, wakeAt = NaN } = one.decide(1, ONE);
  assertEquals(send, []);
  assert(wakeAt > 1);
  assertEquals(one.decide(wakeAt, ONE).send, [{ shard: 0, attempt: 1 }]);
  one.bounce({ shard: 0, attempt: 1 }, wakeAt, true);
  one.creditFreed();
  assertEquals(one.decide(wakeAt, ONE).send, [{ shard: 0, attempt: 2 }]);
});

Deno.test("Dispatcher.bounce() waits longer each time, up to a limit, until something is done", () => {
  const some = dispatcher(2);
  const waits: number[] = [];
  let now = 0;
  const starve = () => {
    const [{ shard, attempt }] = some.decide(now, ONE).send;
    some.bounce({ shard, attempt }, now, true);
    const { wakeAt = NaN } = some.decide(now, ONE);
    waits.push(wakeAt - now);
    now = wakeAt;
    return shard;
  };
  for (let i = 0; i < 8; i++) starve();
  assertEquals(waits, [5, 10, 20, 40, 80, 160, 160, 160]);
  some.finish(starve() === 0 ? 1 : 0, now);
  starve();
  assertEquals(waits.at(-1), 5);
});

Deno.test("Dispatcher.recall() has what is out sent again, or some of it", () => {
  const some = dispatcher(3);
  some.decide(0, TWO);
  assertEquals(some.out, [0, 1]);
  some.recall([1]);
  assertEquals(some.out, [0]);
  assertEquals(some.decide(0, TWO).send, [{ shard: 1, attempt: 1 }]);
  some.recall([0, 1]);
  const { send } = some.decide(1, TWO);
  assertEquals(new Set(shardsOf(send)), new Set([0, 1]));
  assertEquals(new Set(send.map(({ attempt }) => attempt)), new Set([1, 2]));
  assert(some.isOpen({ shard: 0, attempt: 0 }));
});

Deno.test("Dispatcher.bounce() ignores attempts that are no longer out, or never were", () => {
  const one = dispatcher(1);
  one.decide(0, ONE);
  one.expire(DEADLINE_MS);
  one.decide(DEADLINE_MS, ONE);
  for (const attempt of [0, 2, NaN]) one.bounce({ shard: 0, attempt }, DEADLINE_MS, false);
  for (const shard of [-1, 1, NaN]) one.bounce({ shard, attempt: 0 }, DEADLINE_MS, false);
  assertEquals(one.decide(DEADLINE_MS, ONE).send, []);
});

Deno.test("Dispatcher.decide() loses what nobody is there to take under skip", () => {
  assertEquals(dispatcher(2, "skip").decide(0, NONE).lost, [0, 1]);
  const holding = dispatcher(2, "hold").decide(0, NONE);
  assertEquals(holding, { send: [], lost: [], wakeAt: undefined });
});

Deno.test("Dispatcher.decide() under skip lets a shard be tried again before it gives up", () => {
  for (const perInstance of [1, 2, 4, 8, 64]) {
    const skipping = dispatcher(1, "skip");
    const credits = { total: 2 * perInstance, perInstance };
    let now = 0;
    let attempts = 0;
    while (!skipping.isFinished) {
      skipping.expire(now);
      const { send, wakeAt = Infinity } = skipping.decide(now, credits);
      attempts += send.length;
      now = wakeAt;
    }
    assert(attempts >= 2, `${attempts} attempts with ${perInstance} credits per instance`);
  }
});

type Event =
  | { readonly op: "finish" | "bounce" | "starve"; readonly pick: number }
  | { readonly op: "pass"; readonly ms: number }
  | { readonly op: "credits"; readonly credits: Credits }
  | { readonly op: "free" };

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ op: fc.constantFrom("finish", "bounce", "starve"), pick: fc.nat(1000) }),
  fc.record({ op: fc.constant("pass" as const), ms: fc.nat(150) }),
  fc.record({
    op: fc.constant("credits" as const),
    credits: fc.record({ total: fc.nat(5), perInstance: fc.integer({ min: 1, max: 3 }) }),
  }),
  fc.record({ op: fc.constant("free" as const) }),
) as fc.Arbitrary<Event>;

interface Sent {
  readonly attempt: Attempt;
  readonly expiresAt: number;
}

/** Plays events to a dispatcher and holds what it decides against a plain account of them. */
class Player {
  readonly attempts: number[];
  readonly out = new Map<number, Sent>();
  readonly done = new Set<number>();
  readonly lost = new Set<number>();
  readonly made: Attempt[] = [];
  now = 0;
  credits: Credits = ONE;
  readonly #shards: number;
  readonly #onMiss: OnMiss;
  readonly #dispatcher: Dispatcher;

  constructor(shards: number, onMiss: OnMiss) {
    this.#shards = shards;
    this.#onMiss = onMiss;
    this.#dispatcher = dispatcher(shards, onMiss);
    this.attempts = new Array(shards).fill(0);
  }

  get isFinished(): boolean {
    return this.#dispatcher.isFinished;
  }

  play(event: Event): void {
    if (event.op === "pass") this.now += event.ms;
    else if (event.op === "credits") this.credits = event.credits;
    else if (event.op === "free") this.#dispatcher.creditFreed();
    else if (event.op === "finish") this.#finish(event.pick);
    else this.#bounce(event.pick, event.op === "starve");
    this.decide();
  }

  /** An answer to any attempt made so far, be it late or a second one. */
  #finish(pick: number): void {
    const attempt = this.made[pick % this.made.length];
    if (attempt === undefined) return;
    const isClosed = this.done.has(attempt.shard) || this.lost.has(attempt.shard);
    assertEquals(this.#dispatcher.isOpen(attempt), !isClosed);
    if (isClosed) return;
    this.#dispatcher.finish(attempt.shard, this.now);
    this.done.add(attempt.shard);
    this.out.delete(attempt.shard);
  }

  #bounce(pick: number, isStarved: boolean): void {
    const attempt = this.made[pick % this.made.length];
    if (attempt === undefined) return;
    this.#dispatcher.bounce(attempt, this.now, isStarved);
    const isNewest = attempt.attempt === this.attempts[attempt.shard] - 1;
    if (isNewest) this.out.delete(attempt.shard);
  }

  decide(): number | undefined {
    const overdue = [...this.out].filter(([, { expiresAt }]) => this.now >= expiresAt)
      .map(([shard]) => shard);
    assertEquals(new Set(this.#dispatcher.expire(this.now)), new Set(overdue));
    for (const shard of overdue) this.out.delete(shard);
    const { send, lost, wakeAt } = this.#dispatcher.decide(this.now, this.credits);
    for (const shard of lost) this.#lose(shard);
    for (const attempt of send) this.#send(attempt);
    if (send.length > 0) assert(this.out.size <= this.credits.total, "more out than credits");
    assertEquals(this.isFinished, this.done.size + this.lost.size === this.#shards);
    this.#checkWake(wakeAt);
    return wakeAt;
  }

  #lose(shard: number): void {
    assertEquals(this.#onMiss, "skip");
    assert(!this.done.has(shard) && !this.lost.has(shard));
    this.lost.add(shard);
    this.out.delete(shard);
  }

  #send(attempt: Attempt): void {
    const { shard } = attempt;
    assert(!this.out.has(shard) && !this.done.has(shard) && !this.lost.has(shard));
    assertEquals(attempt.attempt, this.attempts[shard]++);
    this.made.push(attempt);
    const { total, perInstance } = this.credits;
    const instances = Math.max(1, Math.round(total / perInstance));
    const share = Math.min(perInstance, Math.ceil(this.#shards / instances));
    const expiresAt = this.now + DEADLINE_MS * share;
    this.out.set(shard, { attempt, expiresAt });
  }

  #checkWake(wakeAt: number | undefined): void {
    if (wakeAt !== undefined) {
      assert(!this.isFinished);
      return assert(wakeAt > this.now, `wakes at ${wakeAt}, and it is ${this.now}`);
    }
    const mayWait = this.isFinished || (this.#onMiss === "hold" && this.out.size === 0 &&
      this.credits.total === 0);
    assert(mayWait, "it will never be asked again");
  }
}

const anyRun = {
  shards: fc.nat(8),
  onMiss: fc.constantFrom<OnMiss>("hold", "skip"),
  events: fc.array(event, { maxLength: 60 }),
};

Deno.test("Dispatcher keeps to credits, deadlines and on_miss whatever happens", () => {
  fc.assert(fc.property(fc.record(anyRun), ({ shards, onMiss, events }) => {
    const player = new Player(shards, onMiss);
    player.decide();
    for (const event of events) player.play(event);
  }));
});

Deno.test("Dispatcher finishes once instances answer, whatever happened before", () => {
  fc.assert(fc.property(fc.record(anyRun), ({ shards, onMiss, events }) => {
    const player = new Player(shards, onMiss);
    for (const event of events) player.play(event);
    player.play({ op: "credits", credits: ONE });
    for (let step = 0; !player.isFinished; step++) {
      assert(step < 100, "it does not come to an end");
      const [shard] = player.out.keys();
      const last = player.made.findLastIndex((attempt) => attempt.shard === shard);
      if (last >= 0) player.play({ op: "finish", pick: last });
      else player.now = player.decide() ?? player.now;
    }
    if (onMiss === "hold") assertEquals(player.done.size, shards);
  }));
});

Deno.test("Dispatcher comes to an end under skip even if nobody ever answers", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(5), (shards, total) => {
    const player = new Player(shards, "skip");
    player.credits = { total, perInstance: 1 };
    for (let step = 0; !player.isFinished; step++) {
      assert(step < 100, "it does not come to an end");
      player.now = player.decide() ?? player.now;
    }
    assertEquals(player.lost.size, shards);
  }));
});

Deno.test("shards are sent in the order that is asked for, whenever they can be", () => {
  const dispatcher = new Dispatcher(4, {
    deadlineMs: DEADLINE_MS,
    onMiss: "hold",
    now: 0,
    order: [2, 0, 3, 1],
  });
  dispatcher.block(0);
  const one = { total: 1, perInstance: 1 };
  const next = () => dispatcher.decide(0, one).send.map(({ shard }) => shard);
  assertEquals(next(), [2]);
  dispatcher.release(0, 0);
  dispatcher.finish(2, 0);
  assertEquals(next(), [0]);
  dispatcher.finish(0, 0);
  assertEquals(next(), [3]);
  dispatcher.finish(3, 0);
  assertEquals(next(), [1]);
});
