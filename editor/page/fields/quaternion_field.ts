/**
 * A rotation, as the three angles that people think in.
 *
 * @module
 */
import { type Angles, fromAngles, toAngles } from "../../model/euler.ts";
import type { GestureMark } from "../../model/gesture.ts";
import { html } from "../html.ts";
import type { EditorProps } from "./editor_props.ts";
import { NumberField } from "./number_field.ts";

const NAMES = "xyz";
/** Angles are shown to a thousandth of a degree. */
const PRECISION = 1000;

export function QuaternionField(
  { label, title, value, isMixed, isReadOnly, problemId, set, begin }: EditorProps,
) {
  const quaternion = Array.isArray(value) ? value.map(Number) : [0, 0, 0, 1];
  const angles = toAngles(quaternion).map((angle) => Math.round(angle * PRECISION) / PRECISION);
  const isAnyMixed = isMixed.some((mixed) => mixed);
  const change = (lane: number, angle: number, gesture?: GestureMark) => {
    const changed = angles.map((other, i) => i === lane ? angle : other);
    return set(fromAngles(changed as unknown as Angles), gesture);
  };
  return html`
    <div class="vector lanes-3" role="group" aria-label=${`${label}, in degrees`} title=${title}>
      ${angles.map((angle, i) =>
        html`
          <${NumberField} key=${i} label=${`${label}.${NAMES[i]} in degrees`} name=${NAMES[i]}
            type="f64" unit="°" value=${angle} isMixed=${isAnyMixed} isReadOnly=${isReadOnly}
            problemId=${problemId} begin=${begin}
            set=${(angle: number, gesture?: GestureMark) => change(i, angle, gesture)} />
        `
      )}
    </div>
  `;
}
