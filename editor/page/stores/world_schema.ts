/**
 * The world's schema out of a message.
 *
 * @module
 */
import { isFieldType } from "../../../lib/ecs/field_type.ts";
import type { MessageOf } from "../../../lib/wire/messages.ts";
import type { ComponentInfo, FieldInfo, WorldSchema } from "../../model/schema.ts";

type SchemaReply = MessageOf<"SchemaReply">;
type Component = SchemaReply["components"][number];
type Field = Component["fields"][number];

export interface WorldSchemaOptions {
  /** Kept where nothing but the archetypes' counts has changed, so that forms stay as they are. */
  readonly before: WorldSchema;
  /** Whether the world is as it was: the log has no units and descriptions, so those of before count. */
  readonly isPast: boolean;
}

export function toWorldSchema(
  { world, components, archetypes }: SchemaReply,
  { before, isPast }: WorldSchemaOptions,
): WorldSchema {
  const infos = components.map((component) =>
    infoOf(component, isPast ? before.components.get(component.name) : undefined)
  );
  const known = new Map(infos.map((info) => [info.name, info]));
  return {
    world: world ?? before.world,
    components: isSame(known, before.components) ? before.components : known,
    archetypes,
  };
}

/** @param before whose units and description count where the message has none */
function infoOf(
  { name, description, fields }: Component,
  before: ComponentInfo | undefined,
): ComponentInfo {
  return {
    name,
    description: description ?? before?.description,
    fields: fields.flatMap((field) => fieldInfosOf(field, before?.fields ?? [])),
  };
}

/** None of a field whose type is not known here. */
function fieldInfosOf(
  { name, type, default: value, unit, description }: Field,
  before: readonly FieldInfo[],
): FieldInfo[] {
  if (!isFieldType(type)) return [];
  const same = before.find((field) => field.name === name && field.type === type);
  return [{
    name,
    type,
    default: value,
    unit: unit ?? same?.unit,
    description: description ?? same?.description,
  }];
}

function isSame(a: WorldSchema["components"], b: WorldSchema["components"]): boolean {
  return a.size === b.size && layoutText(a) === layoutText(b);
}

/** What forms show of the components. */
function layoutText(components: WorldSchema["components"]): string {
  return JSON.stringify([...components.values()].map(({ name, description, fields }) => [
    name,
    description,
    fields.map(({ name, type, unit, description }) => [name, type, unit, description]),
  ]));
}
