/**
 * Text, bytes as hex, 64-bit integers, and free values as JSON.
 *
 * @module
 */
/// <reference lib="dom" />
import { useSignal } from "@preact/signals";
import { errorMessage } from "../../../lib/error_message.ts";
import { editText, parseText } from "../../model/field_text.ts";
import { html } from "../html.ts";
import type { EditorProps } from "./editor_props.ts";

const ROWS_MAX = 12;

export function TextField(
  { label, title, field, value, isMixed, isReadOnly, problemId, set }: EditorProps,
) {
  const draft = useSignal<string | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const shown = isMixed[0] ? "" : editText(value, field.type);
  const text = draft.value ?? shown;
  const isLong = field.type === "any" || text.includes("\n");
  const commit = () => {
    const typed = draft.value;
    if (typed === undefined || typed === shown) {
      draft.value = undefined;
      return;
    }
    try {
      set(parseText(typed, field.type));
      draft.value = undefined;
      problem.value = undefined;
    } catch (error) {
      problem.value = errorMessage(error);
    }
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      draft.value = undefined;
      problem.value = undefined;
    } else if (event.key === "Enter" && (!isLong || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      commit();
    }
  };
  const id = `text-${label}`;
  const common = {
    "aria-label": label,
    title: isLong ? `Ctrl+Enter sets it. ${title}` : title,
    "aria-describedby": problem.value === undefined ? problemId : id,
    "aria-invalid": problem.value !== undefined || problemId !== undefined,
    readonly: isReadOnly,
    spellcheck: false,
    placeholder: isMixed[0] ? "mixed" : undefined,
    value: text,
    onInput: (event: Event) => draft.value = (event.currentTarget as HTMLInputElement).value,
    onKeyDown: key,
    onBlur: commit,
  };
  return html`
    ${isLong
      ? html`
        <textarea class="code" rows=${Math.min(ROWS_MAX, text.split("\n").length + 1)}
          ...${common}></textarea>
      `
      : html`<input type="text" class=${field.type === "string" ? "" : "code"} ...${common} />`}
    ${problem.value && html`<p id=${id} class="problem" role="alert">${problem.value}</p>`}
  `;
}
