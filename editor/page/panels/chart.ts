/**
 * Curves over the last minutes.
 *
 * @module
 */
/// <reference lib="dom" />
import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { HistoryRing } from "../../model/history_ring.ts";
import { html } from "../html.ts";
import { colourOf, seriesColour } from "./palette.ts";

const HEIGHT = 150;

export interface ChartProps {
  readonly title: string;
  readonly history: HistoryRing;
  /** Changes when there is something new to draw. */
  readonly sampled: Signal<number>;
}

export function Chart({ title, history, sampled }: ChartProps) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const drawn = new DrawnChart(element, history);
    const observer = new ResizeObserver(() => drawn.resize());
    observer.observe(element);
    const stop = sampled.subscribe(() => drawn.update());
    return () => {
      stop();
      observer.disconnect();
      drawn.destroy();
    };
  }, []);
  return html`
    <figure class="chart">
      <figcaption>${title}</figcaption>
      <div ref=${ref} role="img" aria-label=${`${title}, over the last minutes`}></div>
    </figure>
  `;
}

class DrawnChart {
  readonly #element: HTMLElement;
  readonly #history: HistoryRing;
  #plot: uPlot | undefined;
  /** What it was made for: its curves and the theme's colours. */
  #madeFor = "";

  constructor(element: HTMLElement, history: HistoryRing) {
    this.#element = element;
    this.#history = history;
  }

  update(): void {
    const { names } = this.#history;
    const style = getComputedStyle(this.#element);
    const madeFor = `${names.join()} ${style.color}`;
    if (madeFor !== this.#madeFor) {
      this.#plot?.destroy();
      this.#plot = names.length === 0 ? undefined : this.#make(names, style);
      this.#madeFor = madeFor;
    }
    this.#plot?.setData(this.#history.data(names) as uPlot.AlignedData);
  }

  resize(): void {
    this.#plot?.setSize({ width: this.#width, height: HEIGHT });
  }

  destroy(): void {
    this.#plot?.destroy();
  }

  get #width(): number {
    return Math.max(200, this.#element.clientWidth);
  }

  #make(names: readonly string[], style: CSSStyleDeclaration): uPlot {
    const grid = { stroke: colourOf("line", style), width: 1 };
    const axis = { stroke: style.color, grid, ticks: grid, font: `11px ${style.fontFamily}` };
    return new uPlot(
      {
        width: this.#width,
        height: HEIGHT,
        cursor: { y: false },
        legend: { live: true },
        scales: {
          x: { time: false },
          y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          { ...axis, values: (_plot, ticks) => ticks.map((tick) => `${Math.round(tick)} s`) },
          { ...axis, size: 56 },
        ],
        series: [
          {
            label: "Time",
            value: (_plot, value) => value === null ? "–" : `${value.toFixed(0)} s`,
          },
          ...names.map((label, i) => ({
            label,
            stroke: seriesColour(i, style),
            width: 1.5,
            value: (_plot: uPlot, value: number | null) =>
              value === null ? "–" : `${value.toFixed(2)} ms`,
          })),
        ],
      },
      this.#history.data(names) as uPlot.AlignedData,
      this.#element,
    );
  }
}
