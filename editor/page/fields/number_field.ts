/**
 * A number: typed, also as a small sum, dragged by its name, or changed with the keys.
 *
 * @module
 */
/// <reference lib="dom" />
import { type Signal, useSignal } from "@preact/signals";
import type { FieldType } from "../../../lib/ecs/field_type.ts";
import { errorMessage } from "../../../lib/error_message.ts";
import { numberText, parseNumber, parseText } from "../../model/field_text.ts";
import type { GestureMark } from "../../model/gesture.ts";
import { classes, html } from "../html.ts";
import { followPointer } from "../pointer_drag.ts";
import type { BeginGesture } from "./editor_props.ts";

export interface NumberProps {
  readonly label: string;
  /** Such as `x`, by which it is dragged. */
  readonly name?: string | undefined;
  /** More about it, where it has no name. */
  readonly title?: string | undefined;
  readonly type: FieldType;
  readonly unit?: string | undefined;
  readonly value: number;
  readonly isMixed: boolean;
  readonly isReadOnly: boolean;
  readonly problemId: string | undefined;
  set(value: number, gesture?: GestureMark): Promise<void>;
  /** For a drag; where it has no name, there is none. */
  readonly begin?: BeginGesture | undefined;
}

const INTEGERS: readonly FieldType[] = ["i8", "i16", "i32", "u8", "u16", "u32", "entity"];
/** Longer ones are rounded while nobody types. */
const SHOWN_LENGTH = 7;
const SHOWN_DIGITS = 5;
/** Pixels of a drag that do not count, so that a click is none. */
const DRAG_SLACK = 3;

export function NumberField(props: NumberProps) {
  const { label, name, title, type, unit, value, isMixed, isReadOnly, problemId } = props;
  /** What is typed, until it is set. */
  const draft = useSignal<string | undefined>(undefined);
  const dragged = useSignal<Dragged | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  /** What was there when it was focused, which need not be set; nothing once it is another. */
  const base = useSignal<string | undefined>(undefined);
  const isFixed = isReadOnly || dragged.value?.isOn === true;
  const full = dragged.value?.text ?? (isMixed ? "" : numberText(value, type));
  const text = draft.value ?? dragged.value?.text ?? (isMixed ? "" : shortText(value, type));
  const commit = () => {
    const typed = draft.value;
    draft.value = undefined;
    if (typed === undefined || typed === base.value) return;
    base.value = dragged.value = undefined;
    problem.value = tryTo(() => props.set(numberOf(typed, type)));
  };
  const key = (event: KeyboardEvent) => {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") commit();
    else if (event.key === "Escape") draft.value = undefined;
    else if (direction !== undefined && !isFixed) {
      event.preventDefault();
      const from = Number(draft.value ?? dragged.value?.text ?? value);
      draft.value = numberText(from + direction * stepOf(event, value, type), type);
    } else return;
    if (event.key === "Escape") problem.value = undefined;
  };
  return html`
    <label class=${classes({
      number: true,
      wrong: problem.value !== undefined,
      named: name !== undefined,
    })}
      title=${problem.value ?? (name === undefined ? undefined : `Drag to change ${label}`)}>
      ${name !== undefined &&
        html`
          <span class=${`lane lane-${name}`} aria-hidden="true"
            onClick=${(event: Event) => event.preventDefault()}
            onPointerDown=${(event: PointerEvent) =>
              startDrag(event, { ...props, draft, dragged, base, problem })}>${name}</span>
        `}
      <input type="text" inputmode="decimal" aria-label=${label} spellcheck=${false}
        title=${problem.value === undefined ? title : undefined}
        aria-describedby=${problemId} aria-invalid=${problem.value !== undefined ||
          problemId !== undefined}
        placeholder=${isMixed ? "mixed" : undefined} readonly=${isFixed} value=${text}
        onFocus=${(event: FocusEvent) => {
          const input = event.currentTarget as HTMLInputElement;
          // Before it is drawn anew, lest what is typed meanwhile is put behind what is there.
          input.value = full;
          input.select();
          if (!isFixed) draft.value = base.value = full;
        }}
        onInput=${(event: Event) => draft.value = (event.currentTarget as HTMLInputElement).value}
        onKeyDown=${key}
        onBlur=${(event: FocusEvent) => {
          commit();
          if (isReadOnly) (event.currentTarget as HTMLInputElement).value = text;
        }} />
      ${unit && html`<span class="unit" aria-hidden="true">${unit}</span>`}
    </label>
  `;
}

/** A number as it is shown while nobody types: what fits. */
function shortText(value: number, type: FieldType): string {
  let text = numberText(value, type);
  for (let digits = SHOWN_DIGITS; text.length > SHOWN_LENGTH && digits > 1; digits--) {
    text = String(Number(value.toPrecision(digits)));
  }
  return text;
}

/** @throws {TypeError} when it is none that the type holds. */
function numberOf(text: string, type: FieldType): number {
  const value = parseNumber(text);
  return INTEGERS.includes(type) ? Number(parseText(String(value), type)) : value;
}

function tryTo(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** A hundredth of the number, or one of an integer; ten times that with Shift, a tenth with Alt. */
function stepOf(
  { shiftKey, altKey }: { shiftKey: boolean; altKey: boolean },
  value: number,
  type: FieldType = "f64",
): number {
  const factor = shiftKey ? 10 : altKey ? 0.1 : 1;
  if (INTEGERS.includes(type)) return Math.max(1, factor);
  const size = 10 ** Math.floor(Math.log10(Math.max(Math.abs(value), 0.1)));
  return factor * size / 10;
}

/** What a number is dragged to, until the world has it. */
interface Dragged {
  readonly text: string;
  /** False once it was released. */
  readonly isOn: boolean;
}

interface DragProps extends NumberProps {
  readonly draft: Signal<string | undefined>;
  readonly dragged: Signal<Dragged | undefined>;
  readonly base: Signal<string | undefined>;
  readonly problem: Signal<string | undefined>;
}

/** Sends what it is dragged to while it is; a click goes to the box instead. */
function startDrag(event: PointerEvent, { draft, dragged, base, problem, ...props }: DragProps) {
  const { value, type, isMixed, isReadOnly, begin, set } = props;
  if (event.button !== 0 || isReadOnly || begin === undefined) return;
  event.preventDefault();
  const target = event.currentTarget as HTMLElement;
  const gesture = begin((value: number, gesture) => set(value, gesture));
  const valueAt = dragSteps(event, value);
  let shown: string | undefined;
  followPointer(event, {
    move(moved) {
      const changed = valueAt(moved);
      if (changed === undefined) return;
      draft.value = base.value = problem.value = undefined;
      shown = numberText(changed, type);
      dragged.value = { text: shown, isOn: true };
      gesture.set(Number(shown));
    },
    async end(isCancelled) {
      if (shown === undefined) {
        if (!isCancelled) target.closest("label")?.querySelector("input")?.focus();
        return;
      }
      const before = isMixed ? "" : numberText(value, type);
      const last = dragged.value = { text: isCancelled ? before : shown, isOn: false };
      await (isCancelled ? gesture.cancel() : gesture.end());
      // Unless it is dragged again by then.
      if (dragged.value === last) dragged.value = undefined;
    },
  });
}

/** What a drag makes of a value; nothing while it may still be a click. */
function dragSteps(
  { clientX: from }: PointerEvent,
  value: number,
): (moved: PointerEvent) => number | undefined {
  const step = stepOf({ shiftKey: false, altKey: false }, value) / 5;
  let hasMoved = false;
  return ({ clientX, shiftKey, altKey }) => {
    const pixels = clientX - from;
    hasMoved ||= Math.abs(pixels) >= DRAG_SLACK;
    if (!hasMoved) return undefined;
    const changed = value + pixels * step * (shiftKey ? 10 : altKey ? 0.1 : 1);
    return Number(changed.toPrecision(6));
  };
}
