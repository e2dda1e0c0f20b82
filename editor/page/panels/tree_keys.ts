/**
 * How keys move through a tree, as the ARIA practices have it.
 *
 * @module
 */

export interface TreeItem {
  readonly level: number;
  /** Undefined: it has nothing below it. */
  readonly isOpen: boolean | undefined;
}

export interface TreeMove {
  readonly to: number;
  /** Whether the item is opened or closed. */
  readonly toggle?: true;
  readonly choose?: true;
}

/** What a key does at item `at`; undefined for one that does nothing. */
export function nextItem(
  key: string,
  { items, at }: { items: readonly TreeItem[]; at: number },
): TreeMove | undefined {
  const { level, isOpen } = items[at];
  switch (key) {
    case "ArrowDown":
      return { to: Math.min(at + 1, items.length - 1) };
    case "ArrowUp":
      return { to: Math.max(at - 1, 0) };
    case "Home":
      return { to: 0 };
    case "End":
      return { to: items.length - 1 };
    case "ArrowRight":
      if (isOpen === false) return { to: at, toggle: true };
      return isOpen ? { to: Math.min(at + 1, items.length - 1) } : undefined;
    case "ArrowLeft": {
      if (isOpen) return { to: at, toggle: true };
      const parent = items.slice(0, at).findLastIndex((item) => item.level < level);
      return parent >= 0 ? { to: parent } : undefined;
    }
    case "Enter":
    case " ":
      return { to: at, choose: true, ...(level === 1 && isOpen !== undefined && { toggle: true }) };
    default:
      return undefined;
  }
}
