/**
 * Following a pointer from where it was pressed until it is released.
 *
 * @module
 */
/// <reference lib="dom" />

export interface PointerDrag {
  move(event: PointerEvent): void;
  /** @param isCancelled whether it ends by Escape, or by the browser, and is to count for nothing */
  end(isCancelled: boolean): unknown;
}

/** Follows the pointer of `pressed`, wherever it goes. */
export function followPointer(pressed: PointerEvent, { move, end }: PointerDrag): void {
  const target = pressed.currentTarget as HTMLElement;
  const { pointerId } = pressed;
  const listening = new AbortController();
  const { signal } = listening;
  const finish = (isCancelled: boolean) => {
    listening.abort();
    end(isCancelled);
  };
  // Of the document, since the target may be gone before the pointer is released.
  const on = (
    type: "pointermove" | "pointercancel" | "lostpointercapture",
    act: (event: PointerEvent) => void,
  ) =>
    document.addEventListener(type, (event) => event.pointerId === pointerId && act(event), {
      signal,
    });
  target.setPointerCapture(pointerId);
  // It may have been released where nobody was told, as outside of the window.
  on("pointermove", (event) => event.buttons === 0 ? finish(false) : move(event));
  on("pointercancel", () => finish(true));
  on("lostpointercapture", () => finish(false));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    finish(true);
  }, { capture: true, signal });
}
