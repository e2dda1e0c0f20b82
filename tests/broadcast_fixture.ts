/**
 * A system with a broadcast, and what the coordinator publishes of it.
 *
 * @module
 */
import { Broadcaster } from "../coordinator/broadcaster.ts";
import { component, componentType, createSchema } from "../lib/ecs/component.ts";
import { World } from "../lib/ecs/world.ts";
import { decodePayload } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { access, Frozen, Mass, Position, query, system } from "./graph_fixture.ts";

export const Label = componentType("Label", [{ name: "text", type: "string", default: "" }]);
export const SCHEMA = createSchema([Position, Mass, Frozen, Label]);
export const POSITION = component("Position", { x: "f32", y: "f32" });
export const LABEL = component("Label", { text: "string" });

export const AI = system("ai", {
  broadcast: query({ entities: true, read: [access(Position), access(Label)], without: [Frozen] }),
});

/** What was published, in order. */
export interface Published {
  readonly set: MessageOf<"ComponentSet">;
  readonly address: { system: string; set: string; part: number };
}

export interface Station {
  readonly world: World;
  readonly broadcaster: Broadcaster;
  readonly published: Published[];
  /** Publishes what changed since the last time, as the system's start in a tick does. */
  publish(tick: number): Record<string, number>;
  /** Whoever kept the sets has lost them. */
  renew(): void;
}

export function createStation(payloadBytesMax = 1 << 20): Station {
  const world = new World(SCHEMA);
  const published: Published[] = [];
  const broadcaster = new Broadcaster({
    world,
    epoch: 1,
    payloadBytesMax,
    publish: ({ data }, address) => {
      if (data.length > payloadBytesMax) throw new RangeError("Cannot publish: too large");
      published.push({ set: decodePayload("ComponentSet", data), address });
    },
  });
  return {
    world,
    broadcaster,
    published,
    publish: (tick) => broadcaster.publish(AI, { tick, changeTick: ++world.changeTick }),
    renew: () => broadcaster.renew(),
  };
}

export function spawnBoids(world: World, count: number, text = "boid"): void {
  for (let i = 0; i < count; i++) {
    world.spawn(new Map([[Position, { x: i, y: -i }], [Label, { text: `${text} ${i}` }]]));
  }
}
