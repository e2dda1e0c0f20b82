/**
 * Colours for things of several kinds; the style sheet has them, for light and dark.
 *
 * @module
 */
/// <reference lib="dom" />

export const COLOURS = 8;

export function colourOf(
  index: number,
  style: Pick<CSSStyleDeclaration, "getPropertyValue">,
): string {
  return style.getPropertyValue(`--series-${index % COLOURS}`).trim();
}

/** The same as three numbers from 0 to 1, for WebGL. */
export function channelsOf(colour: string): [number, number, number] {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour)?.[1] ?? "808080";
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255) as [
    number,
    number,
    number,
  ];
}
