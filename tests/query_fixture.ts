/**
 * A world of many kinds of values that changes at random, and queries over it:
 * whatever answers these is held to the evaluation row by row.
 *
 * @module
 */
import { type ComponentType, componentType, createSchema } from "../lib/ecs/component.ts";
import type { FieldType, FieldValue } from "../lib/ecs/field_type.ts";
import { World } from "../lib/ecs/world.ts";
import type { EntityRow } from "../lib/query/evaluate.ts";
import type { QuerySpec } from "../lib/query/spec.ts";
import type { Comparison, Condition } from "../lib/wire/condition.ts";
import { createRandom } from "../lib/random.ts";

const LAYOUTS: Readonly<Record<string, Readonly<Record<string, FieldType>>>> = {
  Transform: { translation: "vec3", rotation: "quat", scale: "f32" },
  Velocity: { linear: "vec3" },
  Health: { hp: "u16", armor: "i8", rate: "f64" },
  Label: { text: "string", tags: "any" },
  Account: { id: "u64", balance: "i64", isOpen: "bool" },
  Follows: { leader: "entity" },
  Static: {},
  Boid: {},
};

export const SCHEMA = createSchema(
  Object.entries(LAYOUTS).map(([name, layout]) =>
    componentType(
      name,
      Object.entries(layout).map(([field, type]) => ({
        name: field,
        type,
        default: defaultOf(type),
      })),
    )
  ),
);

function defaultOf(type: FieldType): FieldValue {
  if (type === "vec3") return [0, 0, 0];
  if (type === "quat") return [0, 0, 0, 1];
  if (type === "u64" || type === "i64") return 0n;
  if (type === "bool") return false;
  return type === "string" ? "" : type === "any" ? null : 0;
}

const WORDS = ["", "ship", "starship", "Ship", "rock", "a", "b"];

/** A world whose every change is drawn from a seed. */
export class RandomWorld {
  readonly world = new World(SCHEMA);
  readonly random: () => number;

  constructor(seed: number, entities: number) {
    this.random = createRandom(seed);
    this.world.changeTick = 1;
    for (let i = 0; i < entities; i++) this.#spawn();
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** As a tick does: some values change, some rows come, go and move. */
  change(count: number): void {
    this.world.changeTick++;
    for (let i = 0; i < count; i++) {
      const dice = this.below(10);
      if (dice === 0) this.#spawn();
      else this.#changeOne(dice);
    }
  }

  #changeOne(dice: number): void {
    const { world } = this;
    const entity = 1 + this.below(world.nextEntity - 1);
    if (!world.isAlive(entity)) return;
    const component = this.pick([...SCHEMA.values()]);
    const hasIt = world.componentsOf(entity).includes(component);
    if (dice === 1) world.despawn(entity);
    else if (!hasIt) {
      if (dice < 5) world.add(entity, component, this.#value(component));
    } else if (dice === 2) world.remove(entity, component);
    else world.set(entity, component, this.#value(component));
  }

  /** Every entity, as the evaluation row by row takes them. */
  rows(): EntityRow[] {
    const { world } = this;
    return Array.from(world.entities(), (entity) => ({
      entity,
      components: new Map(
        world.componentsOf(entity).map((component) => [
          component.name,
          world.get(entity, component) ?? {},
        ]),
      ),
    }));
  }

  #spawn(): void {
    const components = [...SCHEMA.values()].filter(() => this.random() < 0.5);
    this.world.spawn(new Map(components.map((component) => [component, this.#value(component)])));
  }

  #value(component: ComponentType): Record<string, FieldValue> {
    return Object.fromEntries(component.fields.map(({ name, type }) => [name, this.#draw(type)]));
  }

  /** From few values, so that they are often equal. */
  #draw(type: FieldType): FieldValue {
    const number = this.pick([0, 1, 2, 3, 5, 8, 100]);
    switch (type) {
      case "vec3":
        return [number, -number, this.below(10) / 10];
      case "quat":
        return [0, 0, this.below(3), 1];
      case "f32":
        return this.pick([0.1, 0.2, NaN, -0, Infinity, number]);
      case "f64":
        return this.pick([0.1, NaN, -1, 2 ** 53, number]);
      case "i8":
        return number - 50;
      case "u64":
        return this.pick([0n, 5n, 2n ** 64n - 1n, 2n ** 53n + 1n]);
      case "i64":
        return this.pick([0n, -5n, 5n, -(2n ** 63n)]);
      case "bool":
        return this.random() < 0.5;
      case "string":
        return this.pick(WORDS);
      case "any":
        return this.pick([null, 3, "ship", true, ["a", 3], { a: 1 }]);
      default:
        return number;
    }
  }

  /** A query over what this world has. */
  spec(): QuerySpec {
    const names = [...SCHEMA.keys()];
    const some = () => names.filter(() => this.random() < 0.15);
    const lists = { read: some(), optional: some(), with: some(), without: some() };
    const query = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
    const isEmpty = Object.keys(query).length === 0;
    return {
      query: isEmpty ? { optional: ["*"] } : query,
      ...(this.random() < 0.7 && { where: this.condition(0) }),
      ...(this.random() < 0.5 && { sort: this.#sort() }),
      ...(this.random() < 0.3 && { limit: 1 + this.below(60) }),
    };
  }

  condition(depth: number): Condition {
    const dice = depth > 3 ? 9 : this.below(10);
    if (dice === 0) return { op: "not", of: [this.condition(depth + 1)] };
    if (dice > 3) return this.#comparison();
    const of = Array.from({ length: 2 + this.below(2) }, () => this.condition(depth + 1));
    return { op: dice === 1 ? "or" : "and", of };
  }

  #comparison(): Comparison {
    const op = this.pick(["=", "!=", "<", "<=", ">", ">="] as const);
    const path = this.pick(PATHS);
    const number = this.pick([0, 1, 2, 5, 100, -5, 0.1, 0.5]);
    const isFlat = op === "=" || op === "!=";
    if (path === "Label.text") {
      return { op: this.pick([op, "contains"] as const), path, value: this.pick(WORDS) };
    }
    if (path === "Account.isOpen") {
      return { op: isFlat ? op : "=", path, value: this.random() < 0.5 };
    }
    if (path === "Label.tags") {
      return {
        op: this.pick(["=", "!=", "contains"] as const),
        path,
        value: this.pick([3, "ship", true]),
      };
    }
    if (path.startsWith("Account")) {
      return { op, path, value: this.pick([number, 2n ** 64n - 1n, -(2n ** 63n)]) };
    }
    return { op, path, value: number };
  }

  #sort(): { by: string; descending?: true }[] {
    return Array.from({ length: 1 + this.below(3) }, () => ({
      by: this.pick(PATHS),
      ...(this.random() < 0.5 && { descending: true as const }),
    }));
  }
}

const PATHS = [
  "Entity",
  "Transform.translation.x",
  "Transform.translation.2",
  "Transform.rotation.z",
  "Transform.scale",
  "Velocity.linear.g",
  "Health.hp",
  "Health.armor",
  "Health.rate",
  "Label.text",
  "Label.tags",
  "Account.id",
  "Account.balance",
  "Account.isOpen",
  "Follows.leader",
];

/** Queries that say all that there is to say. */
export const QUERY_TEXTS: readonly string[] = [
  "",
  "*",
  "Entity",
  "Transform",
  "Transform.translation",
  "Transform, Velocity",
  "Transform.scale, !Static",
  "?Label",
  "?Label.text, +Boid",
  "+Static",
  "+Static, +Boid, !Transform",
  "!Static, !Boid",
  "*, !Label",
  "Health where Health.hp > 2",
  "Health where Health.hp >= 2",
  "Health where Health.hp < 2",
  "Health where Health.hp <= 2",
  "Health where Health.hp = 2",
  "Health where Health.hp == 2",
  "Health where Health.hp != 2",
  "where Health.hp != 2",
  "where not Health.hp = 2",
  "where not (Health.hp = 2 or Health.armor < 0)",
  "where Health.hp = 2 or Health.armor < 0 and Velocity.linear.x > 1",
  "where (Health.hp = 2 or Health.armor < 0) and Velocity.linear.x > 1",
  "where not not Health.hp = 2",
  "Entity where Entity > 20",
  "Entity where Entity >= 20 and Entity < 40 and Entity != 30",
  "where Transform.translation.x = 5",
  "where Transform.translation.r = 5",
  "where Transform.translation.0 = 5",
  "where Transform.rotation.w = 1",
  "where Transform.scale = 0.1",
  "where Transform.scale > 0.1",
  "where Transform.scale != 0.1",
  "where Transform.scale = 0",
  "where Health.rate = 0.1",
  "where Health.rate > 9007199254740993",
  'where Label.text = "ship"',
  'where Label.text contains "ship"',
  'where Label.text contains ""',
  'where Label.text > "a"',
  'where Label.tags = "ship"',
  'where Label.tags contains "a"',
  "where Label.tags contains 3",
  "where Label.tags = 3",
  "where Label.tags != true",
  "where Label.tags > 2",
  "where Account.isOpen = true",
  "where Account.isOpen != true",
  "where Account.id = 18446744073709551615",
  "where Account.id > 9007199254740992",
  "where Account.balance < -4.5",
  "where Account.balance = -9223372036854775808",
  "where Follows.leader = 5",
  "sort by Entity",
  "sort by Entity desc limit 7",
  "Health sort by Health.hp, Health.armor desc",
  "* sort by Health.hp desc limit 20",
  "* sort by Health.rate",
  "* sort by Transform.scale desc, Entity desc",
  "* sort by Label.text, Entity",
  "* sort by Label.tags desc",
  "* sort by Account.id desc, Account.balance",
  "* sort by Account.isOpen, Entity desc",
  "Velocity.linear where Velocity.linear.y < 0 sort by Velocity.linear.z desc limit 13",
  'Transform, ?Label where Label.text = "ship" or Transform.scale > 1 sort by Transform.scale limit 50',
  "Boid",
];
