import { assert, assertEquals } from "@std/assert";
import { connect } from "@nats-io/transport-deno";
import type { NatsConnection } from "@nats-io/nats-core";
import { Coordinator } from "../coordinator/coordinator.ts";
import { connectNats } from "../lib/bus/nats_bus.ts";
import { systemClock } from "../lib/clock.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { ForeignInstance, request } from "./foreign_instance.ts";
import { blockTagged, readProtocol } from "./protocol_document.ts";
import { startTestServer } from "./test_server.ts";

const PREFIX = "worlds.foreign";
const HZ = 2;
const TICKS = 6;
const ROWS = 1500;
/** The tower; the entities before it are the runner and the crowd. */
const TOWER = ROWS + 2;

const WORLD = `
world: chase
entities:
  - components: { Position: {}, Velocity: { linear: [1, 0, 0] } }
  - count: ${ROWS}
    components: { Position: {}, Velocity: { linear: [0, 0, 2] } }
  - name: tower
    components: { Position: { value: [0, 8, 0] }, Label: { text: tower } }
  - components: { Position: {}, Velocity: {}, Follows: { leader: "@tower" } }
`;

/** A world with the manifests of the protocol's document, and a client to look on. */
class Fixture implements AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly client: NatsConnection;
  readonly url: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    coordinator: Coordinator,
    client: NatsConnection,
    { url, resources }: { url: string; resources: AsyncDisposableStack },
  ) {
    this.coordinator = coordinator;
    this.client = client;
    this.url = url;
    this.#resources = resources;
  }

  static async open(): Promise<Fixture> {
    await using resources = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "orrery-foreign-" });
    resources.defer(() => Deno.remove(folder, { recursive: true }));
    await writeManifests(folder);
    const manifests = await loadManifests(folder);
    const { url } = resources.use(await startTestServer());
    const { bus, log } = await connectNats({
      servers: url,
      name: "coordinator",
      onError: (error) => {
        throw error;
      },
    });
    resources.defer(() => bus.close());
    const coordinator = await Coordinator.open({
      bus,
      log,
      clock: systemClock,
      subjects: createSubjects(PREFIX),
      manifests,
      world: manifests.worlds.get("chase"),
      hz: HZ,
      isUnpaced: true,
      replicas: 1,
      report: { info: () => {}, warn: () => {} },
    });
    resources.defer(() => coordinator.stop({ abandon: true }));
    const client = await connect({ servers: url });
    resources.defer(() => client.close());
    return new Fixture(coordinator, client, { url, resources: resources.move() });
  }

  /** Pages through the positions of everything that moves: entity to x, y, z. */
  async positions(): Promise<Map<number, number[]>> {
    const positions = new Map<number, number[]>();
    let cursor: string | undefined;
    do {
      const page = await this.#page(cursor);
      for (const { count, entities, columns } of page.chunks) {
        const [ids, values] = [entities, columns["Position.value"]].map(dataView);
        for (let row = 0; row < count; row++) {
          const at = (axis: number) => values.getFloat32(row * 12 + axis * 4, true);
          positions.set(Number(ids.getBigUint64(row * 8, true)), [at(0), at(1), at(2)]);
        }
      }
      cursor = page.next;
    } while (cursor !== undefined);
    return positions;
  }

  #page(cursor: string | undefined) {
    const query = { read: ["Position"], with: ["Velocity"] };
    const value = { query, limit: 400, ...(cursor !== undefined && { cursor }) };
    return request<{
      chunks: { count: number; entities: Uint8Array; columns: Record<string, Uint8Array> }[];
      next?: string;
    }>(this.client, "query.request", { type: "QueryRequest", value, reply: "QueryResponse" });
  }

  control(value: Record<string, unknown>): Promise<{ tick_id: number; running: boolean }> {
    return request(this.client, "coord.control", { type: "Control", value, reply: "ControlReply" });
  }

  /** Runs some ticks of a paused world, and resolves when they are decided. */
  async step(ticks: number): Promise<void> {
    const target = this.coordinator.tickNumber + ticks;
    const commits = this.client.subscribe(`${PREFIX}.coord.commit`);
    await this.control({ op: "step", ticks });
    for await (const commit of commits) {
      if (Number(commit.headers?.get("tick-id")) === target) break;
    }
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#resources.disposeAsync();
  }
}

async function writeManifests(folder: string): Promise<void> {
  const document = await readProtocol();
  for (const file of ["components.yaml", "chase.yaml"]) {
    await Deno.writeTextFile(`${folder}/${file}`, blockTagged(document, `file=${file}`));
  }
  await Deno.mkdir(`${folder}/worlds`);
  await Deno.writeTextFile(`${folder}/worlds/chase.yaml`, WORLD);
}

function dataView({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Checks where everything is after {@linkcode TICKS} ticks. */
function assertMoved(positions: ReadonlyMap<number, number[]>): void {
  const seconds = TICKS / HZ;
  assertEquals(positions.get(1), [seconds, 3, 0], "the runner follows what it spawned in tick 3");
  for (let entity = 2; entity < TOWER; entity++) {
    assertEquals(positions.get(entity), [0, 0, 2 * seconds]);
  }
  assertEquals(positions.get(TOWER + 1), [0, 8, 0], "the follower is as high as the tower");
}

Deno.test("instances written from the protocol's document alone run a world", async () => {
  await using fixture = await Fixture.open();
  const { coordinator, url, client } = fixture;
  const instances = [
    await ForeignInstance.start({ url, id: "foreign-1", keeps: false }),
    await ForeignInstance.start({ url, id: "foreign-2", keeps: false }),
  ];
  const components = { Position: { value: [5, 0, 0] }, Velocity: { linear: [0, 1, 0] } };
  const commands = [{ op: "spawn", components }, { op: "despawn", entity: 999_999 }];
  const reply = request<{ tick_id: number; spawned: number[]; refused: { index: number }[] }>(
    client,
    "entity.command",
    { type: "EntityCommand", value: { commands }, reply: "EntityCommandReply" },
  );
  await client.flush();
  // Answered behind the command, so it is queued by now.
  await fixture.control({ op: "status" });
  await coordinator.run(TICKS);

  const { tick_id, spawned, refused } = await reply;
  assertEquals({ tick_id, refused: refused.map(({ index }) => index) }, {
    tick_id: 1,
    refused: [1],
  });
  const positions = await fixture.positions();
  assertMoved(positions);
  assertEquals(positions.get(spawned[0]), [5, TICKS / HZ, 0]);
  for (const instance of instances) await instance.stop();
  assertEquals(instances.flatMap(({ failures }) => failures), []);
  const { shards, errors } = coordinator.stats.system("chase");
  assertEquals(instances[0].runs.all + instances[1].runs.all, shards);
  assert(shards > TICKS, "the world is cut into several shards");
  assertEquals({ errors, refused: coordinator.stats.refused }, { errors: 0, refused: 0 });
  assertEquals(coordinator.instancesOf("chase"), []);
});

Deno.test("a foreign instance that keeps rows runs on changes, and one that joins late replays the sets", async () => {
  await using fixture = await Fixture.open();
  const { coordinator, url } = fixture;
  const early = await ForeignInstance.start({ url, id: "early", keeps: true });
  await fixture.control({ op: "pause" });
  const run = coordinator.run(TICKS);
  await fixture.step(2);
  await early.stop();
  const late = await ForeignInstance.start({ url, id: "late", keeps: true });
  await fixture.step(TICKS - 2);
  await run;

  assertMoved(await fixture.positions());
  await late.stop();
  assertEquals([...early.failures, ...late.failures], []);
  assert(early.runs.direct > 0, "its second tick rests on its first");
  assert(late.runs.direct > 0);
  assertEquals(coordinator.stats.system("chase").errors, 0);
  assertEquals(coordinator.stats.refused, 0);
});
