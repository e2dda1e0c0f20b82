/**
 * The world's schema out of a message.
 *
 * @module
 */
import { isFieldType } from "../../../lib/ecs/field_type.ts";
import type { MessageOf } from "../../../lib/wire/messages.ts";
import type { ComponentInfo, WorldSchema } from "../../model/schema.ts";

/** @param before kept where nothing but the archetypes' counts has changed, so that forms stay as they are */
export function toWorldSchema(
  { world, components, archetypes }: MessageOf<"SchemaReply">,
  before: WorldSchema,
): WorldSchema {
  const infos = components.map(({ name, fields }): ComponentInfo => ({
    name,
    description: undefined,
    fields: fields.flatMap((field) =>
      isFieldType(field.type)
        ? [{ ...field, type: field.type, unit: undefined, description: undefined }]
        : []
    ),
  }));
  const known = new Map(infos.map((info) => [info.name, info]));
  return {
    world: world ?? before.world,
    components: isSame(known, before.components) ? before.components : known,
    archetypes,
  };
}

function isSame(a: WorldSchema["components"], b: WorldSchema["components"]): boolean {
  return a.size === b.size && layoutText(a) === layoutText(b);
}

function layoutText(components: WorldSchema["components"]): string {
  return [...components.values()].map(({ name, fields }) =>
    `${name}:${fields.map((field) => `${field.name} ${field.type}`)}`
  ).join(";");
}
