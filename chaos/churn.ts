/**
 * A client that keeps a world in motion from outside: it spawns and despawns
 * entities like the world's last one, asks queries, and watches.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Entity } from "../lib/ecs/entity.ts";
import type { WorldManifest } from "../lib/manifest/manifest.ts";
import { encodeFieldValue } from "../lib/wire/command.ts";
import type { WireCommand } from "../lib/wire/messages.ts";
import { requestMessage } from "../lib/wire/request.ts";
import type { Subjects } from "../lib/wire/subjects.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const SPAWNED_AT_A_TIME = 50;
/** Of its own entities; the oldest go beyond this. */
const ENTITIES_MAX = 1000;
const WATCH_LEASE_MS = 10_000;
const QUERY_ROWS = 100;

type Spawn = Extract<WireCommand, { op: "spawn" }>;

export class Churn {
  readonly #bus: Bus;
  readonly #subjects: Subjects;
  readonly #spawn: Spawn;
  readonly #entities: Entity[] = [];

  constructor(bus: Bus, { subjects, world }: { subjects: Subjects; world: WorldManifest }) {
    this.#bus = bus;
    this.#subjects = subjects;
    this.#spawn = spawnOf(world);
    bus.subscribe(this.#watchInbox, () => {});
  }

  /** One step: some come, some go, somebody asks and somebody watches. */
  async step(): Promise<void> {
    await this.#change();
    const read = Object.keys(this.#spawn.components).slice(0, 1);
    const options = { timeoutMs: REQUEST_TIMEOUT_MS };
    await requestMessage(this.#bus, this.#subjects.queryRequest, {
      type: "QueryRequest",
      value: { query: { read }, limit: QUERY_ROWS },
      replyType: "QueryResponse",
      ...options,
    });
    await requestMessage(this.#bus, this.#subjects.queryWatch, {
      type: "QueryWatch",
      value: { query: { read }, deliver: this.#watchInbox, lease_ms: WATCH_LEASE_MS },
      replyType: "QueryWatchReply",
      ...options,
    });
  }

  get #watchInbox(): string {
    return `${this.#subjects.prefix}.churn`;
  }

  async #change(): Promise<void> {
    const excess = Math.max(0, this.#entities.length + SPAWNED_AT_A_TIME - ENTITIES_MAX);
    const despawns = this.#entities.splice(0, excess)
      .map((entity) => ({ op: "despawn", entity }) as const);
    const spawns = Array.from({ length: SPAWNED_AT_A_TIME }, () => this.#spawn);
    const { spawned } = await requestMessage(this.#bus, this.#subjects.entityCommand, {
      type: "EntityCommand",
      value: { commands: [...despawns, ...spawns] },
      replyType: "EntityCommandReply",
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
    this.#entities.push(...spawned);
  }
}

function spawnOf(world: WorldManifest): Spawn {
  const last = [...world.entities()].at(-1) ?? {};
  const components = Object.entries(last).map(([component, values]) => {
    const fields = Object.entries(values).map(([field, value]) => [field, encodeFieldValue(value)]);
    return [component, Object.fromEntries(fields)] as const;
  });
  return { op: "spawn", components: Object.fromEntries(components) };
}
