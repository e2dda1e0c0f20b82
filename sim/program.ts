/**
 * A program is a random script: one pure function over rows, made from a few
 * numbers, so that a seed stands for it. It treats each row alike whichever
 * others come with it, as scripts must.
 *
 * @module
 */
import { encode, type ValueType } from "@std/msgpack";
import type { EntityReference } from "../lib/ecs/command.ts";
import { component, type ComponentHandle, type Layout } from "../lib/ecs/component.ts";
import type { Field, Schema } from "../lib/ecs/component.ts";
import { type FieldType, type FieldValue, strideOf, zeroOf } from "../lib/ecs/field_type.ts";
import type { Access } from "../lib/ecs/query.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import type { BroadcastSet } from "../lib/runtime/rows.ts";
import type { SystemContext, SystemFunction } from "../lib/runtime/system.ts";

export type CommandKind = "spawn" | "family" | "despawn" | "add" | "remove" | "set";

/** Issues one command for one row in so many. */
export interface CommandRule {
  readonly kind: CommandKind;
  readonly every: number;
  readonly components: readonly string[];
}

export interface Program {
  readonly salt: number;
  /** One row in so many is changed by a run. */
  readonly changeEvery: number;
  /** One row in so many makes the script throw; 0: none does. */
  readonly throwEvery: number;
  readonly commands: readonly CommandRule[];
}

/** What a program throws on purpose. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";

  constructor(row: number) {
    super(`row ${row} is not to my liking`);
    // The same on every machine, wherever the files are.
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** One column that the script reads, and may write. */
interface Input {
  readonly type: FieldType;
  readonly data: ArrayLike<unknown>;
}

export function createScript(
  program: Program,
  { manifest, schema }: { manifest: SystemManifest; schema: Schema },
): SystemFunction {
  const { query } = manifest;
  const foldSet = new Map(
    Array.from(manifest.broadcast, ([name, set]) => [
      name,
      (rows: BroadcastSet) => {
        let fold = mix(program.salt, rows.count);
        if (set.entities) fold = foldColumn(fold, { type: "entity", data: rows.entities });
        for (const input of inputsOf(set.read, (handle) => rows.read(handle))) {
          fold = foldColumn(fold, input);
        }
        return fold;
      },
    ]),
  );
  return ({ rows, tick, dt, broadcast, commands }: SystemContext) => {
    const writes = inputsOf(query.write, (handle) => rows.write(handle));
    const inputs = [
      ...writes,
      ...inputsOf(query.read, (handle) => rows.read(handle)),
      ...inputsOf(query.optional, (handle) => rows.optional(handle) ?? {}),
    ];
    let start = mix(program.salt, tick);
    for (const [name, fold] of foldSet) start = mix(start, broadcast[name].derive(fold));
    for (let row = 0; row < rows.count; row++) {
      let signal = query.entities ? mix(start, rows.entities[row]) : start;
      for (const { type, data } of inputs) signal = mix(signal, foldValue(type, data, row));
      if (isOneIn(program.changeEvery, signal)) {
        for (const { type, data } of writes) {
          change(data as ArrayLike<never>, type, { row, signal, dt });
        }
      }
      if (isOneIn(program.throwEvery, signal >>> 7)) throw new ProgramError(row);
      for (const [place, rule] of program.commands.entries()) {
        const chosen = mix(signal, place + 1);
        if (!isOneIn(rule.every, chosen)) continue;
        const self = query.entities ? rows.entities[row] : chosen % ENTITY_GUESS_MAX;
        issue(rule, { commands, schema, self, signal: chosen });
      }
    }
  };
}

/** Entities that a script without their numbers guesses from. */
const ENTITY_GUESS_MAX = 64;

function issue(
  { kind, components }: CommandRule,
  { commands, schema, self, signal }: {
    commands: SystemContext["commands"];
    schema: Schema;
    self: EntityReference;
    signal: number;
  },
): void {
  const [first] = components;
  const inits = (entity?: EntityReference) =>
    components.map((name) =>
      [handleOf(schema, name), valuesOf(schema, name, { signal, entity })] as const
    );
  switch (kind) {
    case "spawn":
      commands.spawn(...inits());
      break;
    case "family": {
      const child = commands.spawn(...inits(self));
      commands.spawn(...inits(child));
      commands.set(child, handleOf(schema, first), valuesOf(schema, first, { signal: signal ^ 5 }));
      break;
    }
    case "despawn":
      commands.despawn(self);
      break;
    case "remove":
      commands.remove(self, handleOf(schema, first));
      break;
    case "add":
    case "set":
      commands[kind](self, handleOf(schema, first), valuesOf(schema, first, { signal }));
  }
}

function handleOf(schema: Schema, name: string): ComponentHandle<Layout> {
  const fields = schema.get(name)?.fields ?? [];
  return component(name, Object.fromEntries(fields.map(({ name, type }) => [name, type])));
}

/** A value for each field of a component; `entity` is what entity fields get. */
export function valuesOf(
  schema: Schema,
  name: string,
  { signal, entity }: { signal: number; entity?: EntityReference | undefined },
): Record<string, FieldValue> {
  const fields = schema.get(name)?.fields ?? [];
  return Object.fromEntries(fields.map((field, i) => [
    field.name,
    field.type === "entity" && entity !== undefined ? entity : valueOf(field, mix(signal, i)),
  ]));
}

function valueOf({ type }: Field, signal: number): FieldValue {
  const stride = strideOf(type);
  const zero = zeroOf(type);
  if (stride === 1) return nextValue(type, zero, { signal, dt: 0 }) as FieldValue;
  return Array.from(
    zero as ArrayLike<number>,
    (item) => Number(nextValue(type, item, { signal, dt: 0 })),
  );
}

function inputsOf(
  accesses: readonly Access[],
  columnsOf: (handle: ComponentHandle<Layout>) => Readonly<Record<string, ArrayLike<unknown>>>,
): Input[] {
  return accesses.flatMap(({ component: { name, fields: all }, fields }) => {
    const layout = Object.fromEntries(all.map(({ name, type }) => [name, type]));
    const columns = columnsOf(component(name, layout));
    return fields.flatMap((field) => {
      const isThere = Object.hasOwn(columns, field.name);
      return isThere ? [{ type: field.type, data: columns[field.name] }] : [];
    });
  });
}

function change(
  data: { [index: number]: unknown },
  type: FieldType,
  { row, signal, dt }: { row: number; signal: number; dt: number },
): void {
  const stride = strideOf(type);
  for (let k = 0; k < stride; k++) {
    const at = row * stride + k;
    data[at] = nextValue(type, data[at], { signal: mix(signal, k), dt });
  }
}

function nextValue(
  type: FieldType,
  before: unknown,
  { signal, dt }: { signal: number; dt: number },
): unknown {
  switch (type) {
    case "i64":
    case "u64":
      return BigInt.asUintN(
        type === "u64" ? 64 : 63,
        BigInt(before as bigint) + BigInt(signal % 1000),
      );
    case "bool":
      return typeof before === "boolean" ? signal % 2 === 1 : signal % 2;
    case "entity":
      return signal % ENTITY_GUESS_MAX;
    case "string":
      return `v${signal % 11}`;
    case "bytes":
      return Uint8Array.of(signal % 3, signal % 5);
    case "any":
      return anyOf(signal);
    case "u8":
    case "i8":
      return (Number(before) + signal % 7) % 100;
    case "u16":
    case "i16":
    case "u32":
    case "i32":
      return (Number(before) + signal % 17) % 30_000;
    default:
      return Number(before) / 2 + (signal % 256) / 16 + dt;
  }
}

function anyOf(signal: number): ValueType {
  const small = signal % 9;
  return [null, small, `s${small}`, [small, null], { list: [small], half: small / 2 }][signal % 5];
}

function isOneIn(every: number, signal: number): boolean {
  return every > 0 && (signal >>> 3) % every === 0;
}

function foldColumn(start: number, { type, data }: Input): number {
  const rows = data.length / strideOf(type);
  let fold = start;
  for (let row = 0; row < rows; row++) fold = mix(fold, foldValue(type, data, row));
  return fold;
}

function foldValue(type: FieldType, data: ArrayLike<unknown>, row: number): number {
  const stride = strideOf(type);
  let fold = 0;
  for (let at = row * stride; at < (row + 1) * stride; at++) {
    const value = data[at];
    if (typeof value === "number") fold = mix(fold, Math.trunc(value * 8));
    else if (typeof value === "bigint") fold = mix(fold, Number(BigInt.asIntN(32, value)));
    else for (const byte of encode(value as ValueType)) fold = mix(fold, byte);
  }
  return fold;
}

/** Stirs a number into a 32-bit hash; the result is not negative. */
function mix(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ (value | 0), 0x9e3779b1);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
