/**
 * The query's text. What is wrong with it is underlined where it is, as it is typed.
 *
 * @module
 */
/// <reference lib="dom" />
import type { App } from "../app.ts";
import type { QueryProblem } from "../stores/entity_list.ts";
import { html } from "../html.ts";

export function QueryBar({ app: { list } }: { app: App }) {
  const text = list.text.value;
  const problem = list.problem.value;
  const run = () => list.setText(list.text.value);
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") (event.currentTarget as HTMLElement).blur();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    run();
  };
  const input = (event: Event) =>
    void list.check((event.currentTarget as HTMLTextAreaElement).value);
  return html`
    <form class="query-bar" role="search" onSubmit=${(event: Event) => event.preventDefault()}>
      <div class="query-box">
        <pre class="query-marks" aria-hidden="true">${marked(text, problem)}</pre>
        <textarea id="query" rows="2" spellcheck=${false} autocomplete="off"
          aria-label="Query" aria-describedby="query-problem" aria-invalid=${problem !== undefined}
          placeholder="Transform3D, !Static where Velocity.linear.y > 3"
          value=${text} onInput=${input} onKeyDown=${key} onChange=${() =>
            list.settle()}></textarea>
      </div>
      <p id="query-problem" class="problem" role="status">${problem?.message ?? ""}</p>
    </form>
  `;
}

/** The text again, invisible, with what is wrong underlined. */
function marked(text: string, problem: QueryProblem | undefined) {
  if (problem?.offset === undefined) return text;
  const { offset, length } = problem;
  const wrong = text.slice(offset, offset + length).padEnd(1, " ");
  return html`${text.slice(0, offset)}<mark>${wrong}</mark>${text.slice(offset + length)}`;
}
