/**
 * Which rows a scrolled table shows. Browsers cannot lay out an element of more than
 * some ten million pixels, so a long list gets a shorter one, on which a pixel stands
 * for more than one.
 *
 * @module
 */

/** Half of what the most limited browser takes. */
const HEIGHT_MAX = 8_000_000;

export interface ScrollShape {
  readonly rows: number;
  readonly rowHeight: number;
  /** The part of the list that is seen. */
  readonly viewHeight: number;
}

/** The scrolled element's height. */
export function contentHeight({ rows, rowHeight }: ScrollShape): number {
  return Math.min(rows * rowHeight, HEIGHT_MAX);
}

export interface Window {
  /** The first row that is seen, and how many are, at least in part. */
  readonly first: number;
  readonly count: number;
  /** Where the first row begins on the scrolled element. */
  readonly top: number;
}

/** What is seen when the element is scrolled to `scrollTop`. */
export function windowAt(shape: ScrollShape, scrollTop: number): Window {
  const { rows, rowHeight, viewHeight } = shape;
  const at = scrollTop * scaleOf(shape);
  const first = Math.max(0, Math.min(Math.floor(at / rowHeight), rows - 1));
  const count = Math.max(0, Math.min(Math.ceil(viewHeight / rowHeight) + 1, rows - first));
  return { first, count, top: scrollTop - (at - first * rowHeight) };
}

/** Where to scroll so that `row` is wholly seen; as it is where it is already. */
export function scrollToShow(shape: ScrollShape, row: number, scrollTop: number): number {
  const { rowHeight, viewHeight } = shape;
  const scale = scaleOf(shape);
  const top = row * rowHeight;
  const at = scrollTop * scale;
  if (top < at) return top / scale;
  return top + rowHeight > at + viewHeight ? (top + rowHeight - viewHeight) / scale : scrollTop;
}

/** Pixels of the list per pixel of the element. */
function scaleOf(shape: ScrollShape): number {
  const { rows, rowHeight, viewHeight } = shape;
  const scrollable = contentHeight(shape) - viewHeight;
  return scrollable <= 0 ? 1 : (rows * rowHeight - viewHeight) / scrollable;
}
