/**
 * One good value of every message, with every optional key.
 *
 * @module
 */
import type { Condition } from "../lib/wire/condition.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";

const BIG_ENTITY = Number.MAX_SAFE_INTEGER;
const DIGEST_MAX = 2n ** 64n - 1n;

const attempt = { epoch: 1, tick_id: 7, system: "physics", shard: 2, attempt: 1 };
const instance_id = "physics-1";

const chunk = {
  archetype: DIGEST_MAX,
  first: 0,
  count: 2,
  rows: Uint8Array.of(1, 0, 0, 0, 9, 0, 0, 0),
  entities: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0),
  components: ["Mass", "Mesh"],
  columns: { "Mass.value": new Uint8Array(8), "Mesh.asset": ["rock", ""] },
  patches: { "Label.text": { rows: new Uint8Array(4), values: ["x"] } },
};

const commands: MessageOf<"EntityCommand">["commands"] = [
  { op: "spawn", components: { Mass: { value: 2 }, Boid: {} } },
  { op: "add", entity: -1, component: "Mesh", value: { asset: "rock" } },
  { op: "set", entity: BIG_ENTITY, component: "Mass", value: { value: 0.5 } },
  { op: "remove", entity: 3, component: "Boid" },
  { op: "despawn", entity: 4 },
];

const query = {
  read: ["Entity", "Mass"],
  write: ["Velocity.linear"],
  optional: ["Mesh"],
  with: ["Boid"],
  without: ["Static"],
  changed: ["Mass"],
};

const where: Condition = {
  op: "and",
  of: [
    { op: ">", path: "Velocity.linear.y", value: 3.5 },
    {
      op: "or",
      of: [
        { op: "contains", path: "Mesh.asset", value: "rock" },
        { op: "not", of: [{ op: "=", path: "Mass.id", value: DIGEST_MAX }] },
        { op: "!=", path: "Mass.isKnown", value: true },
      ],
    },
  ],
};

const counts = { instances: 2, load: 0.5, shards: 9, rows: 1e6, errors: 1, late: 2, skipped: 3 };

export const SAMPLES: { readonly [T in MessageType]: MessageOf<T> } = {
  TickStart: { epoch: 1, tick_id: 7, dt: 1 / 60 },
  SystemSchedule: {
    ...attempt,
    dt: 1 / 60,
    sets: { obstacles: 3 },
    range: DIGEST_MAX,
    base: 6,
    chunks: [chunk],
  },
  ComponentShard: {
    ...attempt,
    instance_id,
    compute_ms: 0.5,
    kept: true,
    chunks: [chunk],
    commands,
  },
  TickAck: {
    ...attempt,
    instance_id,
    compute_ms: 1.25,
    kept: false,
    error: "Error: no\n    at here",
  },
  ComponentSet: {
    epoch: 1,
    system: "physics",
    set: "obstacles",
    version: 3,
    part: 0,
    parts: 2,
    count: 2,
    entities: chunk.entities,
    columns: chunk.columns,
  },
  TermStart: { epoch: 2, tick_id: 6 },
  Lease: { epoch: 2, tick_id: 7 },
  TickCommit: {
    epoch: 1,
    tick_id: 7,
    dt: 1 / 60,
    restored: "t7",
    buffers: [Uint8Array.of(0x80), new Uint8Array(0)],
    systems: [{
      system: "physics",
      missed: 1,
      shards: [{ attempt: 0, instance_id, changed: true }, null],
    }],
    digest: DIGEST_MAX,
  },
  SystemDescriptor: {
    protocol: 1,
    name: "physics",
    instance_id,
    query: "read Mass.value:f32\n",
    schema_hash: "00112233445566ff",
    credits: 2,
  },
  RegisterReply: { accepted: false, reason: "no", epoch: 1, tick_id: 7, heartbeat_ms: 1000 },
  Unregister: { instance_id, system: "physics" },
  UnregisterReply: { known: true },
  Heartbeat: {
    instance_id,
    system: "physics",
    load: 0.75,
    shards: 4,
    rows: 2 ** 40,
    errors: 0,
    refused: 1,
  },
  HeartbeatReply: { known: false },
  EntityCommand: { id: "order-1", commands },
  EntityCommandReply: {
    tick_id: 7,
    spawned: [BIG_ENTITY, 0],
    refused: [{ index: 1, reason: "not alive" }],
  },
  EntityCreated: { tick_id: 7, entity: BIG_ENTITY, archetype: DIGEST_MAX },
  EntityDestroyed: { tick_id: 7, entity: 1 },
  Control: { op: "step", ticks: 3, hz: 60, snapshot: "t7", migrate: true, note: "before" },
  ControlReply: {
    epoch: 1,
    tick_id: 7,
    running: true,
    snapshot: "t7",
    hz: 60,
    entities: 6000,
    overruns: 1,
    refused: 2,
    systems: { physics: counts },
  },
  QueryRequest: {
    query,
    where,
    sort: [{ by: "Velocity.linear.y", descending: true }, { by: "Entity" }],
    limit: 10,
    cursor: "0.10",
    offset: 5,
    count: true,
    entities: new Uint8Array(8),
    components: true,
  },
  QueryResponse: {
    tick_id: 7,
    chunks: [chunk],
    order: new Uint8Array(16),
    total: 30,
    next: "0.20",
  },
  QueryWatch: {
    query,
    where,
    deliver: "_INBOX.abc",
    lease_ms: 1000,
    every_ms: 50,
    max_rows: 100,
    components: true,
    restart: true,
  },
  QueryWatchReply: { watch_id: "w", lease_ms: 1000 },
  QueryDelta: {
    watch_id: "w",
    sequence: 3,
    tick_id: 7,
    chunks: [chunk],
    gone: new Uint8Array(8),
    reset: true,
    more: false,
  },
  SchemaRequest: {},
  SchemaReply: {
    world: "flock",
    components: [
      {
        name: "Mass",
        fields: [{
          name: "value",
          type: "f32",
          default: 0.5,
          unit: "kg",
          description: "Inertia.",
        }],
      },
      { name: "Boid", description: "A member of the flock.", fields: [] },
    ],
    annotations_left_out: 2,
    archetypes: [{ components: ["Boid", "Mass"], count: 9 }],
    archetype_count: 1,
  },
  GraphRequest: {},
  GraphReply: {
    systems: [{
      name: "physics",
      queue: "q.physics",
      deadline_ms: 50,
      on_miss: "skip",
      reads: ["Velocity.linear"],
      writes: ["Mass.value"],
      after: ["ai"],
      rowwise: ["ai"],
      level: 2,
    }],
    ambiguities: [{ first: "ai", second: "physics", fields: ["Mass.value"] }],
  },
  TraceRequest: { from_tick: 7, ticks: 2 },
  TraceReply: {
    ticks: [{
      tick_id: 7,
      started_ms: 1234.5,
      period_ms: 16.5,
      duration_ms: 20.5,
      commit_ms: 1.5,
      late: true,
      why: "physics ended last",
      systems: [{
        system: "physics",
        started_ms: 0.5,
        ended_ms: 20.5,
        missed: 1,
        shard_count: 1,
        shards: [{
          shard: 0,
          rows: 10,
          instance_id,
          attempts: 2,
          ready_ms: 0.5,
          sent_ms: 10.5,
          done_ms: 20.5,
          compute_ms: 9.5,
        }],
      }],
    }],
  },
  SystemsRequest: {},
  SystemsReply: {
    tick_id: 7,
    systems: {
      physics: {
        instances: [{
          instance_id,
          since_tick: 3,
          load: 0.5,
          shards: 9,
          rows: 1e6,
          errors: 1,
          refused: 0,
          credits: 2,
          silent_ms: 12.5,
        }],
        errors: 1,
        late: 2,
        skipped: 3,
        ticks: 4,
        bytes_sent: 5e9,
        bytes_received: 6e9,
        compute_ms_per_tick: 1.5,
        last_error: { tick_id: 6, shard: 0, instance_id, text: "Error: no" },
      },
    },
    tick_ms_p50: 4.5,
    tick_ms_p99: 9.5,
  },
  Event: { topic: "hit", tick_id: 7, source: "game", data: { who: [1, null, "x", true] } },
  SnapshotManifest: {
    version: 1,
    snapshot: "t7",
    kind: "restore",
    created_ms: 1.7e12,
    epoch: 1,
    tick_id: 7,
    digest: DIGEST_MAX,
    sequence: 40,
    last_runs: { physics: 12 },
    restored_in: 9,
    note: "before the flood",
    entities: 2,
    next_entity: 3,
    change_tick: 14,
    components: [
      { name: "Mass", fields: [{ name: "value", type: "f64", default: 0.5 }] },
      { name: "Boid", fields: [] },
    ],
    tables: [{
      archetype: DIGEST_MAX,
      count: 2,
      changed: 1,
      components: [{ name: "Mass", changed: 12, fields: [12] }],
    }],
    parts: [{ bytes: 90, digest: DIGEST_MAX }],
  },
  SnapshotPart: {
    snapshot: "t7",
    part: 0,
    table: 0,
    first: 0,
    count: 2,
    entities: chunk.entities,
    columns: chunk.columns,
    changed: { Mesh: 1 },
    marks: { Mass: new Uint8Array(16) },
  },
  Refusal: { reason: "no", retry: true },
};
