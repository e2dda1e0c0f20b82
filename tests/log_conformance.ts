/**
 * The Log's part of the conformance suite.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Log,
  type LogEntry,
  type StreamConfig,
  StreamFullError,
  StreamNotFoundError,
  WrongLastSequenceError,
} from "../lib/bus/log.ts";
import { parseReceipt } from "../lib/bus/receipt.ts";
import type { ConformanceCase } from "./conformance_case.ts";

const one = new Uint8Array([1]);

/** Opens the stream `prefix`, which captures everything below it. */
function open(log: Log, prefix: string, options: Partial<StreamConfig> = {}) {
  return log.open({
    name: prefix,
    subjects: [`${prefix}.>`],
    storage: "file",
    bytesMax: 1_000_000,
    replicas: 1,
    ...options,
  });
}

async function list(entries: AsyncIterable<LogEntry>): Promise<[number, string][]> {
  const listed: [number, string][] = [];
  for await (const { sequence, subject } of entries) {
    listed.push([sequence, subject.slice(subject.indexOf(".") + 1)]);
  }
  return listed;
}

export const logCases: readonly ConformanceCase[] = [
  {
    name: "open() creates an empty stream, and finds it again with what it holds",
    async run({ a, b, prefix }) {
      const empty = { messages: 0, bytes: 0, bytesMax: 1e6, firstSequence: 1, lastSequence: 0 };
      assertEquals(await open(a.log, prefix), empty);
      await a.log.append(`${prefix}.x`, one);
      const { messages, lastSequence } = await open(b.log, prefix, { messagesPerSubjectMax: 5 });
      assertEquals([messages, lastSequence], [1, 1]);
    },
  },
  {
    name: "open() refuses to move a stream to another storage",
    async run({ a, prefix }) {
      await open(a.log, prefix, { storage: "file" });
      const moved = () => open(a.log, prefix, { storage: "memory" });
      await assertRejects(moved, Error, `Cannot open stream "${prefix}"`);
    },
  },
  {
    name: "a stream captures plain publishes in one sequence, with headers and data",
    async run({ a, b, prefix }) {
      await open(a.log, prefix);
      b.bus.publish(`${prefix}.x`, one, { headers: { "tick-id": "7" } });
      b.bus.publish(`${prefix}.y`, new Uint8Array(0));
      b.bus.publish(`other${prefix}.x`, one);
      await b.bus.flush();
      assertEquals(await a.log.append(`${prefix}.z`, one), 3);
      const entries: LogEntry[] = [];
      for await (const entry of a.log.read(prefix)) entries.push(entry);
      assertEquals(entries.map(({ sequence }) => sequence), [1, 2, 3]);
      assertEquals(entries.map(({ subject }) => subject.slice(-1)), ["x", "y", "z"]);
      assertEquals({ ...entries[0]?.headers }, { "tick-id": "7" });
      assertEquals(entries.map(({ data }) => data.length), [1, 0, 1]);
    },
  },
  {
    name: "a stream answers a plain publish that has a reply subject",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      const answer = await a.bus.request(`${prefix}.x`, one, { timeoutMs: 2000 });
      const { stream, seq } = JSON.parse(new TextDecoder().decode(answer.data));
      assertEquals([stream, seq, answer.noResponders], [prefix, 1, false]);
    },
  },
  {
    name: "append() reaches subscribers too",
    async run({ a, b, prefix }) {
      await open(a.log, prefix);
      let count = 0;
      b.bus.subscribe(`${prefix}.x`, () => count++);
      await b.bus.flush();
      await a.log.append(`${prefix}.x`, one);
      await assertRejects(() => a.log.append(`${prefix}.x`, one, { expectedLastSequence: 9 }));
      await b.bus.flush();
      assertEquals(count, 2);
    },
  },
  {
    name: "append() rejects when no stream captures the subject",
    async run({ a, prefix }) {
      const append = () => a.log.append(`${prefix}.x`, one);
      await assertRejects(append, Error, "no stream captures it");
    },
  },
  {
    name: "append() with expectedLastSequence looks at the subject alone",
    async run({ a, b, prefix }) {
      await open(a.log, prefix);
      const append = (log: Log, expectedLastSequence: number) =>
        log.append(`${prefix}.commit`, one, { expectedLastSequence });
      assertEquals(await append(a.log, 0), 1);
      await a.log.append(`${prefix}.other`, one);
      assertEquals(await append(a.log, 1), 3);
      await assertRejects(() => append(b.log, 1), WrongLastSequenceError, `${prefix}.commit`);
      await assertRejects(() => append(b.log, 0), WrongLastSequenceError);
      assertEquals((await a.log.info(prefix)).messages, 3);
    },
  },
  {
    name: "appends that each expect the one before may be in flight together",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      const appends: Promise<number>[] = [];
      for (let i = 0; i < 20; i++) {
        appends.push(a.log.append(`${prefix}.commit`, one, { expectedLastSequence: i }));
      }
      assertEquals(await Promise.all(appends), Array.from({ length: 20 }, (_, i) => i + 1));
    },
  },
  {
    name: "append() stores one of several messages with the same id",
    async run({ a, b, prefix }) {
      await open(a.log, prefix);
      const append = (log: Log, id: string, expectedLastSequence: number) =>
        log.append(`${prefix}.commit`, one, { id, expectedLastSequence });
      assertEquals(await append(a.log, "1", 0), 1);
      assertEquals(await append(a.log, "2", 1), 2);
      assertEquals(await append(a.log, "2", 1), 2);
      assertEquals(await append(b.log, "1", 0), 1);
      assertEquals((await a.log.info(prefix)).messages, 2);
    },
  },
  {
    name: "last() gives a subject's newest entry, whole",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      assertEquals(await a.log.last(prefix, `${prefix}.x`), undefined);
      for (const tail of ["x", "x", "y"]) {
        const headers = { "tick-id": tail };
        await a.log.append(`${prefix}.${tail}`, new Uint8Array([7, 8]), { headers });
      }
      const entry = await a.log.last(prefix, `${prefix}.x`);
      assertEquals([entry?.sequence, entry?.subject], [2, `${prefix}.x`]);
      assertEquals(entry?.headers["tick-id"], "x");
      assertEquals([...entry?.data ?? []], [7, 8]);
      await assertRejects(() => a.log.last(`${prefix}NONE`, "x"), Error, "stream not found");
    },
  },
  {
    name: "read() starts at from, keeps to the filter and ends at what is stored",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      for (const tail of ["x", "y", "x", "z.1", "x"]) await a.log.append(`${prefix}.${tail}`, one);
      const { log } = a;
      assertEquals(await list(log.read(prefix, { from: 4 })), [[4, "z.1"], [5, "x"]]);
      const filtered = log.read(prefix, { filter: `${prefix}.x`, from: 2 });
      assertEquals(await list(filtered), [[3, "x"], [5, "x"]]);
      assertEquals(await list(log.read(prefix, { filter: `${prefix}.z.*` })), [[4, "z.1"]]);
    },
  },
  {
    name: "read() yields more than is asked for at a time, and may be left in the middle",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      for (let i = 0; i < 2500; i++) a.bus.publish(`${prefix}.x`, one);
      await a.bus.flush();
      const sequences = (await list(a.log.read(prefix))).map(([sequence]) => sequence);
      assertEquals(sequences, Array.from({ length: 2500 }, (_, i) => i + 1));
      for await (const { sequence } of a.log.read(prefix)) {
        if (sequence === 40) break;
      }
    },
  },
  {
    name: "read() does not yield what is stored while it runs",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      for (let i = 0; i < 5; i++) await a.log.append(`${prefix}.x`, one);
      const seen: number[] = [];
      for await (const { sequence } of a.log.read(prefix)) {
        seen.push(sequence);
        await a.log.append(`${prefix}.x`, one);
      }
      assertEquals(seen, [1, 2, 3, 4, 5]);
    },
  },
  {
    name: "follow() yields what is stored and what comes, in order, until it is aborted",
    async run({ a, b, prefix }) {
      await open(a.log, prefix);
      for (let i = 0; i < 40; i++) a.bus.publish(`${prefix}.x`, one);
      await a.bus.flush();
      const stop = new AbortController();
      const sequences: number[] = [];
      for await (const { sequence } of a.log.follow(prefix, { from: 3, signal: stop.signal })) {
        sequences.push(sequence);
        // From here on each entry is stored only when the one before has come.
        if (sequence >= 40) await b.log.append(`${prefix}.y`, one);
        if (sequence === 45) stop.abort();
      }
      assertEquals(sequences, Array.from({ length: 43 }, (_, i) => i + 3));
    },
  },
  {
    name: "follow() waits for a first entry, and ends when it is aborted meanwhile",
    async run({ a, b, prefix }) {
      await open(a.log, prefix);
      const stop = new AbortController();
      const following = a.log.follow(prefix, { from: 1, signal: stop.signal });
      const iterator = following[Symbol.asyncIterator]();
      const first = iterator.next();
      await b.bus.flush();
      await b.log.append(`${prefix}.x`, one);
      assertEquals((await first).value?.sequence, 1);
      const second = iterator.next();
      stop.abort();
      assertEquals((await second).done, true);
    },
  },
  {
    name: "append() and plain publishes are refused where a stream is full, and told so",
    async run({ a, prefix }) {
      await open(a.log, prefix, { bytesMax: 10_000, discard: "new" });
      const large = new Uint8Array(6000);
      await a.log.append(`${prefix}.x`, large);
      await assertRejects(() => a.log.append(`${prefix}.x`, large), StreamFullError);
      const receipt = await a.bus.request(`${prefix}.y`, large, { timeoutMs: 2000 });
      assertEquals(parseReceipt(receipt), { isStored: false });
      await a.log.purge(prefix);
      const stored = await a.bus.request(`${prefix}.y`, large, { timeoutMs: 2000 });
      assertEquals(parseReceipt(stored), { isStored: true });
    },
  },
  {
    name: "read() and lastPerSubject() of nothing end at once",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      const readings = () => [
        a.log.read(prefix),
        a.log.read(prefix, { from: 100 }),
        a.log.read(prefix, { filter: `${prefix}.none` }),
        a.log.lastPerSubject(prefix, `${prefix}.none`),
      ];
      for (const reading of readings()) assertEquals(await list(reading), []);
      await a.log.append(`${prefix}.x`, one);
      for (const reading of readings().slice(1)) assertEquals(await list(reading), []);
    },
  },
  {
    name: "read(), purge(), subjects() and info() of a stream that is not there say so",
    async run({ a, prefix }) {
      const missing = `stream "${prefix}": stream not found`;
      await assertRejects(() => list(a.log.read(prefix)), StreamNotFoundError, missing);
      await assertRejects(() => a.log.purge(prefix), StreamNotFoundError, missing);
      await assertRejects(() => a.log.subjects(prefix, ">"), StreamNotFoundError, missing);
      await assertRejects(() => a.log.info(prefix), StreamNotFoundError, missing);
    },
  },
  {
    name: "lastPerSubject() yields each matching subject's newest entry, oldest first",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      for (const tail of ["s.b", "s.a", "t", "s.b", "s.c"]) {
        await a.log.append(`${prefix}.${tail}`, one);
      }
      const last = a.log.lastPerSubject(prefix, `${prefix}.s.*`);
      assertEquals(await list(last), [[2, "s.a"], [4, "s.b"], [5, "s.c"]]);
      assertEquals(await list(a.log.lastPerSubject(prefix, `${prefix}.t`)), [[3, "t"]]);
    },
  },
  {
    name: "subjects() lists the subjects that have entries",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      for (const tail of ["x", "y.1", "y.2", "y.1"]) await a.log.append(`${prefix}.${tail}`, one);
      const subjects = async (filter: string) =>
        (await a.log.subjects(prefix, `${prefix}.${filter}`)).toSorted();
      assertEquals(await subjects("y.*"), [`${prefix}.y.1`, `${prefix}.y.2`]);
      await a.log.purge(prefix, { filter: `${prefix}.y.1` });
      assertEquals(await subjects(">"), [`${prefix}.x`, `${prefix}.y.2`]);
      assertEquals(await subjects("none"), []);
    },
  },
  {
    name: "lastPerSubject() finds what is left of a large stream after a purge",
    async run({ a, prefix }) {
      await open(a.log, prefix, { bytesMax: 100_000_000 });
      // More than one of the files that a server keeps a stream in.
      const large = new Uint8Array(90_000);
      for (let i = 0; i < 240; i++) {
        a.bus.publish(`${prefix}.large`, large);
        await a.log.append(`${prefix}.small`, one);
      }
      await a.log.purge(prefix, { before: 440 });
      const { log } = a;
      assertEquals(await list(log.lastPerSubject(prefix, `${prefix}.small`)), [[480, "small"]]);
      const all = [[479, "large"], [480, "small"]] as [number, string][];
      assertEquals(await list(log.lastPerSubject(prefix, `${prefix}.*`)), all);
    },
  },
  {
    name: "purge() before a sequence that is yet to come empties the stream, which goes on with it",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      for (let i = 0; i < 3; i++) await a.log.append(`${prefix}.x`, one);
      await a.log.purge(prefix, { before: 10 });
      const { messages, firstSequence, lastSequence } = await a.log.info(prefix);
      assertEquals([messages, firstSequence, lastSequence], [0, 10, 9]);
      assertEquals(await a.log.append(`${prefix}.x`, one, { expectedLastSequence: 0 }), 10);
      assertEquals(await list(a.log.read(prefix, { from: 3 })), [[10, "x"]]);
    },
  },
  {
    name: "purge() deletes the entries before a sequence, or all, and goes on counting",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      for (let i = 0; i < 5; i++) await a.log.append(`${prefix}.x`, one);
      await a.log.purge(prefix, { before: 1 });
      assertEquals((await a.log.info(prefix)).messages, 5);
      await a.log.purge(prefix, { before: 4 });
      const { messages, firstSequence, lastSequence } = await a.log.info(prefix);
      assertEquals([messages, firstSequence, lastSequence], [2, 4, 5]);
      await a.log.purge(prefix);
      const empty = { messages: 0, bytes: 0, bytesMax: 1e6, firstSequence: 6, lastSequence: 5 };
      assertEquals(await a.log.info(prefix), empty);
      assertEquals(await a.log.append(`${prefix}.x`, one, { expectedLastSequence: 0 }), 6);
    },
  },
  {
    name: "purge() with a filter deletes the entries on its subjects alone",
    async run({ a, prefix }) {
      await open(a.log, prefix);
      for (const tail of ["x", "y", "y.1", "y.2", "x"]) {
        await a.log.append(`${prefix}.${tail}`, one);
      }
      await a.log.purge(prefix, { filter: `${prefix}.y.*` });
      assertEquals(await list(a.log.read(prefix)), [[1, "x"], [2, "y"], [5, "x"]]);
      await a.log.purge(prefix, { filter: `${prefix}.x`, before: 5 });
      assertEquals(await list(a.log.read(prefix)), [[2, "y"], [5, "x"]]);
      await a.log.purge(prefix, { filter: `${prefix}.none` });
      await a.log.purge(prefix, { filter: `${prefix}.x` });
      assertEquals(await list(a.log.read(prefix)), [[2, "y"]]);
      assertEquals(await a.log.append(`${prefix}.x`, one, { expectedLastSequence: 0 }), 6);
    },
  },
  {
    name: "a full stream that discards what is new refuses it, and takes it again after a purge",
    async run({ a, prefix }) {
      await open(a.log, prefix, { bytesMax: 10_000, discard: "new" });
      const append = (tail: string) => a.log.append(`${prefix}.${tail}`, new Uint8Array(3000));
      for (const tail of ["a", "b", "c"]) await append(tail);
      await assertRejects(() => append("d"), Error, `Cannot append to "${prefix}.d"`);
      assertEquals(await list(a.log.read(prefix)), [[1, "a"], [2, "b"], [3, "c"]]);
      await a.log.purge(prefix, { filter: `${prefix}.a` });
      await append("d");
      const subjects = (await list(a.log.read(prefix))).map(([, subject]) => subject);
      assertEquals(subjects, ["b", "c", "d"]);
    },
  },
  {
    name: "messagesPerSubjectMax discards a subject's oldest entries",
    async run({ a, prefix }) {
      await open(a.log, prefix, { messagesPerSubjectMax: 2 });
      for (const tail of ["x", "y", "x", "x", "y"]) await a.log.append(`${prefix}.${tail}`, one);
      assertEquals(await list(a.log.read(prefix)), [[2, "y"], [3, "x"], [4, "x"], [5, "y"]]);
      await open(a.log, prefix, { messagesPerSubjectMax: 1 });
      assertEquals(await list(a.log.read(prefix)), [[4, "x"], [5, "y"]]);
    },
  },
  {
    name: "bytesMax discards the oldest entries",
    async run({ a, prefix }) {
      await open(a.log, prefix, { bytesMax: 10_000 });
      for (let i = 0; i < 8; i++) await a.log.append(`${prefix}.${i}`, new Uint8Array(3000));
      const { messages, bytes, firstSequence, lastSequence } = await a.log.info(prefix);
      assertEquals([messages, firstSequence, lastSequence], [3, 6, 8]);
      assert(bytes > 9000 && bytes <= 10_000, `the stream takes ${bytes} bytes`);
    },
  },
];
