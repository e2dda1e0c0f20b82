/**
 * A rotation, as the three angles that people think in.
 *
 * @module
 */
import { type Angles, fromAngles, toAngles } from "../../model/euler.ts";
import { html } from "../html.ts";
import type { EditorProps } from "./editor_props.ts";
import { NumberField } from "./number_field.ts";

const NAMES = "xyz";
/** Angles are shown to a thousandth of a degree. */
const PRECISION = 1000;

export function QuaternionField(
  { label, title, value, isMixed, isReadOnly, problemId, set }: EditorProps,
) {
  const quaternion = Array.isArray(value) ? value.map(Number) : [0, 0, 0, 1];
  const angles = toAngles(quaternion).map((angle) => Math.round(angle * PRECISION) / PRECISION);
  const isAnyMixed = isMixed.some((mixed) => mixed);
  const change = (lane: number, angle: number) => {
    const changed = angles.map((other, i) => i === lane ? angle : other);
    set(fromAngles(changed as unknown as Angles));
  };
  return html`
    <div class="vector lanes-3" role="group" aria-label=${`${label}, in degrees`}
      title=${title}>
        ${angles.map((angle, i) =>
          html`
            <${NumberField} key=${i} label=${`${label}.${NAMES[i]} in degrees`} name=${NAMES[i]}
              type="f64" unit="°" value=${angle} isMixed=${isAnyMixed} isReadOnly=${isReadOnly}
              problemId=${problemId} set=${(angle: number) => change(i, angle)} />
          `
        )}
      </div>
  `;
}
