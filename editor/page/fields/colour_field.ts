/**
 * A colour: red, green, blue and perhaps alpha, each from 0 to 1.
 *
 * @module
 */
/// <reference lib="dom" />
import { strideOf } from "../../../lib/ecs/field_type.ts";
import { html } from "../html.ts";
import type { EditorProps } from "./editor_props.ts";
import { NumberField } from "./number_field.ts";

const NAMES = "rgba";

export function ColourField(
  { label, title, field, value, isMixed, isReadOnly, problemId, set, setLane }: EditorProps,
) {
  const numbers = Array.isArray(value) ? value.map(Number) : [0, 0, 0];
  const lanes = strideOf(field.type);
  const pick = (event: Event) => {
    const { value } = event.currentTarget as HTMLInputElement;
    set([...parseHexColour(value), ...numbers.slice(3)]);
  };
  return html`
    <div class="colour">
      <input type="color" aria-label=${`${label}, as a colour`} value=${hexColour(numbers)}
        disabled=${isReadOnly} onChange=${pick} />
      <div class=${`vector lanes-${lanes}`} role="group" aria-label=${label} title=${title}>
          ${numbers.map((number, i) =>
            html`
              <${NumberField} key=${i} label=${`${label}.${NAMES[i]}`} name=${NAMES[i]}
                type=${field.type} value=${number} isMixed=${isMixed[i]} isReadOnly=${isReadOnly}
                problemId=${problemId} set=${(value: number) => setLane(i, value)} />
            `
          )}
        </div>
    </div>
  `;
}

function hexColour(numbers: readonly number[]): string {
  const parts = numbers.slice(0, 3).map((part) =>
    Math.round(Math.max(0, Math.min(1, part)) * 255).toString(16).padStart(2, "0")
  );
  return `#${parts.join("")}`;
}

function parseHexColour(text: string): number[] {
  return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16) / 255);
}
