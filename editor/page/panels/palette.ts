/**
 * Colours for things of several kinds; the style sheet has them, for light and dark.
 *
 * @module
 */
/// <reference lib="dom" />

export const COLOURS = 8;

/** The custom properties that scripts read, without their dashes. */
const NAMES = [
  "line",
  "viewport",
  "viewport-grid",
  "viewport-selected",
  ...Array.from({ length: COLOURS }, (_, i) => `series-${i}`),
];

/** Tells the browser that they are colours: read as such, they are those of the theme. */
export function registerColours(): void {
  for (const name of NAMES) {
    CSS.registerProperty({
      name: `--${name}`,
      syntax: "<color>",
      inherits: true,
      initialValue: "gray",
    });
  }
}

/** As `rgb(…)`, which is how browsers tell the colours that a style sheet has as hex. */
export function colourOf(
  name: string,
  style: Pick<CSSStyleDeclaration, "getPropertyValue">,
): string {
  return style.getPropertyValue(`--${name}`);
}

/** One of {@linkcode COLOURS}, and then those again. */
export function seriesColour(
  index: number,
  style: Pick<CSSStyleDeclaration, "getPropertyValue">,
): string {
  return colourOf(`series-${index % COLOURS}`, style);
}

/** A colour of {@linkcode colourOf} as three numbers from 0 to 1, for WebGL. */
export function channelsOf(colour: string): [number, number, number] {
  const [, ...numbers] = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour) ?? ["", 128, 128, 128];
  const [red, green, blue] = numbers.map((number) => Number(number) / 255);
  return [red, green, blue];
}
