/**
 * A colour: red, green, blue and perhaps alpha, each from 0 to 1.
 *
 * @module
 */
/// <reference lib="dom" />
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { strideOf } from "../../../lib/ecs/field_type.ts";
import type { Gesture, GestureMark } from "../../model/gesture.ts";
import { html } from "../html.ts";
import type { EditorProps } from "./editor_props.ts";
import { NumberField } from "./number_field.ts";

const NAMES = "rgba";

export function ColourField(
  { label, title, field, value, isMixed, isReadOnly, problemId, set, setLane, begin }: EditorProps,
) {
  const numbers = Array.isArray(value) ? value.map(Number) : [0, 0, 0];
  const lanes = strideOf(field.type);
  /** What is being picked, until the world has it. */
  const draft = useSignal<string | undefined>(undefined);
  const gesture = useRef<Gesture<string> | undefined>(undefined);
  const pick = (event: Event) => {
    if (isReadOnly) return;
    if (gesture.current?.isOver !== false) {
      gesture.current = begin((text: string, mark) =>
        set([...parseHexColour(text), ...numbers.slice(3)], mark)
      );
    }
    draft.value = (event.currentTarget as HTMLInputElement).value;
    gesture.current.set(draft.value);
  };
  const end = async () => {
    const picked = gesture.current;
    gesture.current = undefined;
    await picked?.end();
    if (gesture.current === undefined) draft.value = undefined;
  };
  // The browser's picker may go without a word.
  useEffect(() => () => void end(), [isReadOnly]);
  return html`
    <div class="colour">
      <input type="color" aria-label=${`${label}, as a colour`} value=${draft.value ??
        hexColour(numbers)}
        disabled=${isReadOnly} onInput=${pick} onChange=${end} />
      <div class=${`vector lanes-${lanes}`} role="group" aria-label=${label} title=${title}>
          ${numbers.map((number, i) =>
            html`
              <${NumberField} key=${i} label=${`${label}.${NAMES[i]}`} name=${NAMES[i]}
                type=${field.type} value=${number} isMixed=${isMixed[i]} isReadOnly=${isReadOnly}
                problemId=${problemId} begin=${begin}
                set=${(value: number, gesture?: GestureMark) =>
                  setLane({ index: i, value }, gesture)} />
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
