/**
 * An annotation is what `components.yaml` says to people of a component or of a
 * field. Nothing is computed from it, so no layout, id or signature knows of it.
 *
 * @module
 */

export interface Annotation {
  readonly description?: string;
  /** What a field's numbers count, such as `m/s`. */
  readonly unit?: string;
}

/** By component (`Mesh`) or field (`Mesh.extent`), in the order of the file. */
export type Annotations = ReadonlyMap<string, Annotation>;

/** An annotation in sentences; undefined where it says nothing. */
export function annotationText({ description, unit }: Annotation = {}): string | undefined {
  if (unit === undefined) return description;
  return description === undefined ? `In ${unit}.` : `${description} In ${unit}.`;
}
