/**
 * An instance of the system `chase` of `docs/protocol.md`, written from that
 * document alone: of this repository it imports nothing. What it needs and the
 * document lacks is a mistake in the document.
 *
 * @module
 */
import { headers, type Msg, type NatsConnection, type Subscription } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-deno";
import { decode, encode, type ValueType } from "@std/msgpack";
import xxhash from "xxhash-wasm";

const PREFIX = "worlds.foreign";
const SETS_STREAM = "WORLDS_FOREIGN_SETS";
const SYSTEM = "chase";
const QUEUE = "q.chase";
const REQUEST_TIMEOUT_MS = 2000;
const REGISTER_RETRY_MS = 250;
const SET_RETRY_MS = 5;

const SIGNATURE = `read Entity
read Velocity.linear:vec3
write Position.value:vec3
optional Follows.leader:entity
broadcast beacons
read Entity
read Position.value:vec3
with Label
component Follows leader:entity
component Label text:string
component Position value:vec3
component Velocity linear:vec3
`;

type Columns = Record<string, Uint8Array>;
type Integer = number | bigint;

interface Chunk {
  archetype: Integer;
  first: Integer;
  count: Integer;
  rows?: Uint8Array;
  entities?: Uint8Array;
  columns: Columns;
  patches?: Record<string, { rows: Uint8Array; values: Uint8Array }>;
}

interface Schedule {
  epoch: Integer;
  tick_id: Integer;
  system: string;
  shard: Integer;
  attempt: Integer;
  dt: number;
  sets: Record<string, Integer>;
  range?: Integer;
  base?: Integer;
  chunks: Chunk[];
}

interface SetPart {
  epoch: Integer;
  version: Integer;
  set: string;
  part: Integer;
  parts: Integer;
  count: Integer;
  entities: Uint8Array;
  columns: Columns;
}

/** What the instance keeps of a chunk. */
interface Kept {
  entities: Uint8Array;
  columns: Columns;
}

/** Height of each beacon, by entity. */
type Beacons = Map<bigint, number>;

/** A message of the protocol on its way out. */
function envelope(type: string, value: Record<string, unknown>) {
  const fields = headers();
  fields.set("msg-type", type);
  return { data: encode(value as ValueType), options: { headers: fields } };
}

/** A message of the protocol that came in. */
function open<T>(message: Pick<Msg, "data" | "headers">, type: string): T {
  const actual = message.headers?.get("msg-type");
  if (actual === type) return decode(new Uint8Array(message.data)) as T;
  throw new Error(`a ${actual} came for a ${type}`);
}

/** Requests anything of the coordinator. */
export async function request<T>(
  connection: NatsConnection,
  subject: string,
  { type, value, reply }: { type: string; value: Record<string, unknown>; reply: string },
): Promise<T> {
  const { data, options } = envelope(type, value);
  const message = await connection.request(`${PREFIX}.${subject}`, data, {
    ...options,
    timeout: REQUEST_TIMEOUT_MS,
  });
  return open<T>(message, reply);
}

export interface ForeignOptions {
  readonly url: string;
  readonly id: string;
  /** Whether it keeps rows from tick to tick, which the protocol leaves open. */
  readonly keeps: boolean;
}

export class ForeignInstance {
  /** Shards run, and those of them for which only changes came. */
  readonly runs = { all: 0, direct: 0 };
  /** Errors that nobody was there to be told of. */
  readonly failures: unknown[] = [];
  readonly #connection: NatsConnection;
  readonly #options: ForeignOptions;
  readonly #parts = new Map<string, SetPart>();
  readonly #kept = new Map<string, { of: string; chunks: readonly Kept[] }>();
  readonly #subscriptions = new Set<Subscription>();
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #isLeaving = false;

  private constructor(connection: NatsConnection, options: ForeignOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  static async start(options: ForeignOptions): Promise<ForeignInstance> {
    const instance = new ForeignInstance(await connect({ servers: options.url }), options);
    const { heartbeat_ms } = await instance.#register();
    instance.#subscribe(`component.set.${SYSTEM}.>`, (message) => instance.#receiveSet(message));
    await instance.#connection.flush();
    await instance.#replay();
    if (options.keeps) {
      instance.#subscribe(
        `system.schedule.${SYSTEM}.${options.id}`,
        (message) => void instance.#run(message, () => {}),
      );
    }
    instance.#offerCredit();
    await instance.#connection.flush();
    instance.#heartbeat = setInterval(() => void instance.#beat(), heartbeat_ms);
    return instance;
  }

  async stop(): Promise<void> {
    this.#isLeaving = true;
    clearInterval(this.#heartbeat);
    for (const subscription of this.#subscriptions) await subscription.drain();
    await request(this.#connection, "system.unregister", {
      type: "Unregister",
      value: { instance_id: this.#options.id, system: SYSTEM },
      reply: "UnregisterReply",
    });
    await this.#connection.close();
  }

  async #register(): Promise<{ heartbeat_ms: number }> {
    const { h64ToString } = await xxhash();
    const value = {
      protocol: 1,
      name: SYSTEM,
      instance_id: this.#options.id,
      query: SIGNATURE,
      schema_hash: h64ToString(SIGNATURE),
      credits: 1,
    };
    const registration = { type: "SystemDescriptor", value, reply: "RegisterReply" };
    while (true) {
      const answer = await request<{ accepted: boolean; reason?: string; heartbeat_ms: number }>(
        this.#connection,
        "system.register",
        registration,
      );
      if (answer.accepted) return answer;
      await sleep(REGISTER_RETRY_MS);
    }
  }

  async #beat(): Promise<void> {
    const value = {
      instance_id: this.#options.id,
      system: SYSTEM,
      load: 0,
      shards: this.runs.all,
      rows: 0,
      errors: 0,
      refused: 0,
    };
    const heartbeat = { type: "Heartbeat", value, reply: "HeartbeatReply" };
    const { known } = await request<{ known: boolean }>(
      this.#connection,
      "system.heartbeat",
      heartbeat,
    );
    if (!known) await this.#register();
  }

  #subscribe(subject: string, handle: (message: Msg) => void, options = {}): Subscription {
    const subscription = this.#connection.subscribe(`${PREFIX}.${subject}`, {
      ...options,
      callback: (error, message) => {
        try {
          if (error) throw error;
          handle(message);
        } catch (failure) {
          this.failures.push(failure);
        }
      },
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  #offerCredit(): void {
    const credit = this.#subscribe(`system.schedule.${SYSTEM}`, (message) => {
      this.#subscriptions.delete(credit);
      void this.#run(message, () => this.#offerCredit());
    }, { queue: QUEUE, max: 1 });
  }

  async #run(message: Msg, renew: () => void): Promise<void> {
    let publish: () => void;
    try {
      const schedule = open<Schedule>(message, "SystemSchedule");
      const chunks = schedule.chunks.map((chunk, i) => this.#complete(schedule, chunk, i));
      const beacons = await this.#beacons(schedule);
      publish = this.#compute(schedule, chunks, { beacons, reply: message.reply });
    } catch (failure) {
      this.failures.push(failure);
      const { data, options } = envelope("Refusal", { reason: `${failure}` });
      publish = () => message.reply && this.#connection.publish(message.reply, data, options);
    }
    if (!this.#isLeaving) renew();
    publish();
  }

  /** A chunk's entities and columns, of which the schedule may hold but the changes. */
  #complete({ epoch, base, range }: Schedule, chunk: Chunk, index: number): Kept {
    if (base === undefined) {
      return { entities: copy(chunk.entities), columns: copyColumns(chunk.columns) };
    }
    const known = this.#kept.get(`${range}`);
    const kept = known?.of === `${epoch} ${base}` ? known.chunks[index] : undefined;
    if (kept === undefined) throw new Error("the rows are not kept here");
    const columns = { ...kept.columns, ...copyColumns(chunk.columns) };
    for (const [key, { rows, values }] of Object.entries(chunk.patches ?? {})) {
      const rowBytes = values.length / (rows.length / 4);
      for (let i = 0; i < rows.length / 4; i++) {
        const row = viewOf(rows).getUint32(i * 4, true);
        columns[key].set(values.subarray(i * rowBytes, (i + 1) * rowBytes), row * rowBytes);
      }
    }
    return { entities: kept.entities, columns };
  }

  /** Runs the shard, and returns what publishes its result. */
  #compute(
    schedule: Schedule,
    chunks: readonly Kept[],
    { beacons, reply }: { beacons: Beacons; reply: string | undefined },
  ): () => void {
    const commands: unknown[] = [];
    for (const chunk of chunks) commands.push(...chase(schedule, chunk, beacons));
    const { epoch, tick_id, system, shard, attempt, range } = schedule;
    const common = { epoch, tick_id, system, shard, attempt, instance_id: this.#options.id };
    const isKept = this.#options.keeps && range !== undefined;
    if (isKept) this.#kept.set(`${range}`, { of: `${epoch} ${tick_id}`, chunks });
    const kept = isKept ? { kept: true } : {};
    const results = schedule.chunks.map(({ archetype, first, count, rows }, i) => ({
      archetype,
      first,
      count,
      ...(rows && { rows }),
      columns: { "Position.value": chunks[i].columns["Position.value"] },
    }));
    this.runs.all++;
    if (schedule.base !== undefined) this.runs.direct++;
    const outcome = { ...common, compute_ms: 0, ...kept };
    const { data, options } = envelope("ComponentShard", { ...outcome, chunks: results, commands });
    return () => {
      const result = reply ? { ...options, reply } : options;
      this.#connection.publish(`${PREFIX}.component.changed.${SYSTEM}`, data, result);
    };
  }

  #receiveSet(message: Pick<Msg, "data" | "headers">): void {
    this.#keepPart(open<SetPart>(message, "ComponentSet"));
  }

  #keepPart(part: SetPart): void {
    this.#parts.set(`${part.epoch} ${part.version} ${part.part}`, part);
  }

  /** Reads the newest set from the stream, by plain requests. */
  async #replay(): Promise<void> {
    let parts = 1;
    for (let number = 0; number < parts; number++) {
      const subject = `${PREFIX}.component.set.${SYSTEM}.beacons.${number}`;
      const answer = await this.#connection.request(
        `$JS.API.STREAM.MSG.GET.${SETS_STREAM}`,
        JSON.stringify({ last_by_subj: subject }),
        { timeout: REQUEST_TIMEOUT_MS },
      );
      const { message } = answer.json<{ message?: { data: string } }>();
      if (message === undefined) return;
      const bytes = Uint8Array.from(atob(message.data), (char) => char.charCodeAt(0));
      const part = decode(bytes) as unknown as SetPart;
      parts = Number(part.parts);
      this.#keepPart(part);
    }
  }

  /** The beacons of the version that the schedule asks for, once all parts are there. */
  async #beacons({ epoch, sets }: Schedule): Promise<Beacons> {
    for (let attempt = 0;; attempt++) {
      const beacons = this.#assemble(`${epoch} ${sets.beacons}`);
      if (beacons) return beacons;
      if (attempt === 100) throw new Error("the beacons do not come");
      await this.#replay();
      await sleep(SET_RETRY_MS);
    }
  }

  #assemble(version: string): Beacons | undefined {
    const beacons: Beacons = new Map();
    const parts = Number(this.#parts.get(`${version} 0`)?.parts ?? Infinity);
    for (let number = 0; number < parts; number++) {
      const part = this.#parts.get(`${version} ${number}`);
      if (part === undefined) return undefined;
      const entities = viewOf(part.entities);
      const positions = viewOf(part.columns["Position.value"]);
      for (let row = 0; row < Number(part.count); row++) {
        beacons.set(entities.getBigUint64(row * 8, true), positions.getFloat32(row * 12 + 4, true));
      }
    }
    return beacons;
  }
}

/** The system's function: moves, keeps followers at their leader's height, and once gives orders. */
function chase({ tick_id, dt }: Schedule, { entities, columns }: Kept, beacons: Beacons) {
  const commands: unknown[] = [];
  const position = viewOf(columns["Position.value"]);
  const velocity = viewOf(columns["Velocity.linear"]);
  const leaders = columns["Follows.leader"] && viewOf(columns["Follows.leader"]);
  for (let row = 0; row < entities.length / 8; row++) {
    for (let at = row * 12; at < row * 12 + 12; at += 4) {
      const moved = position.getFloat32(at, true) + velocity.getFloat32(at, true) * dt;
      position.setFloat32(at, moved, true);
    }
    const height = leaders && beacons.get(leaders.getBigUint64(row * 8, true));
    if (height !== undefined) position.setFloat32(row * 12 + 4, height, true);
    const entity = viewOf(entities).getBigUint64(row * 8, true);
    if (entity !== 1n || Number(tick_id) !== 3) continue;
    const components = { Position: { value: [0, 3, 0] }, Label: { text: "trail" } };
    commands.push({ op: "spawn", components });
    commands.push({ op: "add", entity, component: "Follows", value: { leader: -1 } });
  }
  return commands;
}

function copy(bytes: Uint8Array = new Uint8Array(0)): Uint8Array {
  return new Uint8Array(bytes);
}

function copyColumns(columns: Columns): Columns {
  return Object.fromEntries(Object.entries(columns).map(([key, bytes]) => [key, copy(bytes)]));
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
