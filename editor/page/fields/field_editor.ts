/**
 * One field of the selected entities, with the editor that fits its type.
 *
 * @module
 */
/// <reference lib="dom" />
import { type FieldType, strideOf } from "../../../lib/ecs/field_type.ts";
import type { FieldChange } from "../../model/field_change.ts";
import type { GestureMark } from "../../model/gesture.ts";
import type { MixedField } from "../../model/mixed.ts";
import { type FieldInfo, fieldText } from "../../model/schema.ts";
import { selectEntities } from "../../model/selection.ts";
import type { App } from "../app.ts";
import { classes, html } from "../html.ts";
import { icon } from "../panels/icons.ts";
import { ColourField } from "./colour_field.ts";
import type { EditorProps } from "./editor_props.ts";
import { NumberField } from "./number_field.ts";
import { QuaternionField } from "./quaternion_field.ts";
import { TextField } from "./text_field.ts";

export interface FieldProps {
  readonly app: App;
  readonly component: string;
  readonly mixed: MixedField;
}

const LANES: Partial<Record<FieldType, string>> = { vec2: "xy", vec3: "xyz", vec4: "xyzw" };

export function FieldEditor({ app, component, mixed }: FieldProps) {
  const { inspection } = app;
  const { field, value, isMixed } = mixed;
  const key = `${component}.${field.name}`;
  const problem = inspection.problems.value.get(key);
  const problemId = problem === undefined ? undefined : `problem-${key}`;
  // A gesture goes on with those that it began with, whatever is selected by then.
  const entities = inspection.having(component);
  const set = (to: FieldChange["to"], gesture?: GestureMark) =>
    inspection.setField({ entities, component, field: field.name, to }, gesture);
  const props: EditorProps = {
    label: key,
    title: fieldText(field),
    field,
    value,
    isMixed,
    isReadOnly: !inspection.canEdit.value,
    problemId,
    set: (value, gesture) => set({ value }, gesture),
    setLane: set,
    begin: (send) => inspection.begin(send),
  };
  const isWaiting = inspection.isWaiting(component, field.name);
  return html`
    <div class=${classes({ field: true, wrong: problem !== undefined, waiting: isWaiting })}
      data-field=${key}>
      <span class="field-name" title=${`${key}: ${props.title}`}>
        <span class="name">${field.name}</span>
        ${field.unit && html`<span class="unit">${field.unit}</span>`}
      </span>
      <div class="field-value">${editorFor(props, app)}</div>
      ${problem && html`<p id=${problemId} class="problem" role="alert">${problem}</p>`}
    </div>
  `;
}

function editorFor(props: EditorProps, app: App) {
  const { field, value, isMixed, isReadOnly, label, title, problemId } = props;
  switch (field.type) {
    case "bool":
      return html`<${BoolField} ...${props} />`;
    case "quat":
      return html`<${QuaternionField} ...${props} />`;
    case "vec2":
    case "vec3":
    case "vec4":
      if (isColour(field)) return html`<${ColourField} ...${props} />`;
      return html`<${VectorField} ...${props} names=${LANES[field.type]} />`;
    case "mat4":
      return html`<${VectorField} ...${props} names="" />`;
    case "entity":
      return html`<${EntityField} ...${props} app=${app} />`;
    case "i64":
    case "u64":
    case "string":
    case "bytes":
    case "any":
      return html`<${TextField} ...${props} />`;
    default:
      return html`
        <${NumberField} label=${label} title=${title} type=${field.type}
          value=${Number(value)} isMixed=${isMixed[0]} isReadOnly=${isReadOnly}
          problemId=${problemId} set=${props.set} />
      `;
  }
}

function isColour({ name, type }: FieldInfo): boolean {
  return type !== "vec2" && /colou?r|tint|albedo|emissive/i.test(name);
}

function VectorField(props: EditorProps & { names: string }) {
  const { label, title, field, value, isMixed, isReadOnly, problemId, setLane, begin, names } =
    props;
  const numbers = Array.isArray(value) ? value.map(Number) : [];
  const lanes = strideOf(field.type);
  return html`
    <div class=${`vector lanes-${lanes}`} role="group" aria-label=${label} title=${title}>
      ${Array.from({ length: lanes }, (_, i) =>
        html`
          <${NumberField} key=${i} label=${`${label}.${names[i] ?? i}`} name=${names[i]}
            type=${field.type} value=${numbers[i] ?? 0} isMixed=${isMixed[i]}
            isReadOnly=${isReadOnly} problemId=${problemId} begin=${begin}
            set=${(value: number, gesture?: GestureMark) =>
              setLane({ index: i, value }, gesture)} />
        `)}
    </div>
  `;
}

function BoolField({ label, title, value, isMixed, isReadOnly, problemId, set }: EditorProps) {
  return html`
    <input type="checkbox" aria-label=${label} title=${title} aria-describedby=${problemId}
      checked=${value === true} disabled=${isReadOnly} indeterminate=${isMixed[0]}
      onChange=${(event: Event) => set((event.currentTarget as HTMLInputElement).checked)} />
  `;
}

function EntityField({ app, ...props }: EditorProps & { app: App }) {
  const { label, title, value, isMixed, isReadOnly, problemId, field, set } = props;
  const entity = Number(value);
  return html`
    <div class="entity-link">
      <${NumberField} label=${label} title=${title} type=${field.type} value=${entity}
        isMixed=${isMixed[0]} isReadOnly=${isReadOnly} problemId=${problemId} set=${set} />
      <button type="button" class="icon-button" aria-label=${`Select entity ${entity}`}
        title=${`Select entity ${entity}`} disabled=${entity === 0 || isMixed[0]}
        onClick=${() => app.inspection.selection.value = selectEntities([entity])}
      >${icon("goto")}</button>
    </div>
  `;
}
