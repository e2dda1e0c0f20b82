/**
 * What a system's script imports.
 *
 * @module
 */
export {
  type Columns,
  component,
  type ComponentHandle,
  type Layout,
  type Values,
} from "./ecs/component.ts";
export { type Entity, NO_ENTITY } from "./ecs/entity.ts";
export type { EntityReference } from "./ecs/command.ts";
export type { Commands } from "./runtime/commands.ts";
export type { BroadcastSet, ReadonlyColumns, Rows } from "./runtime/rows.ts";
export {
  defineSystem,
  type SystemContext,
  type SystemDefinition,
  type SystemFunction,
} from "./runtime/system.ts";
