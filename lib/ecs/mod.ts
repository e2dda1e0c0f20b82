/**
 * The ECS core: pure data structures, no IO, no time.
 *
 * @module
 */
export { archetypeId, type ComponentColumns, markChanged, Table } from "./archetype.ts";
export { type AnyColumn, FixedColumn, ListColumn } from "./column.ts";
export {
  applyCommands,
  type Command,
  type CommandOutcome,
  type EntityReference,
} from "./command.ts";
export {
  type Columns,
  component,
  type ComponentHandle,
  type ComponentType,
  componentType,
  type ComponentValue,
  createSchema,
  type Field,
  type Layout,
  type Schema,
  type Values,
} from "./component.ts";
export { createDigest, digest64, digestHex } from "./digest.ts";
export { type Entity, isEntity, NO_ENTITY } from "./entity.ts";
export { type Access, matchesComponents, type Query, requiredComponents } from "./query.ts";
export { type ComponentValues, World } from "./world.ts";
export { worldDigest } from "./world_digest.ts";
