/**
 * Who may talk to the editor. It listens on this machine, and any page that is open
 * in a browser here can reach it: a page of another origin must not, nor one whose
 * name has been made to point here (DNS rebinding).
 *
 * @module
 */

/** Hosts that no other machine's name server can claim. */
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

export interface RequestHeaders {
  readonly host: string | null;
  readonly origin: string | null;
  /** What sort of page asks, as browsers say it: `Sec-Fetch-Site`. */
  readonly site?: string | null;
  /** Whether it is to be a page of its own: `Sec-Fetch-Mode`. */
  readonly mode?: string | null;
}

/**
 * Why a request is turned away; undefined where it is not.
 * @param listensOn what `--host` says
 * @param needsOrigin true where a page must have sent it: WebSockets, and what changes something
 */
export function refusalOf(
  { host, origin, site, mode }: RequestHeaders,
  { listensOn, needsOrigin }: { listensOn: string; needsOrigin: boolean },
): string | undefined {
  if (host === null || !isOurs(host, listensOn)) {
    return `This editor is not at "${host ?? ""}"; open it under the address that it printed`;
  }
  // A link from elsewhere may lead here; what such a page loads into itself may not.
  if ((site === "cross-site" || site === "same-site") && mode !== "navigate") {
    return "Another page cannot use this editor";
  }
  if (origin === null) {
    return needsOrigin ? "This is for the editor's own page" : undefined;
  }
  return origin === `http://${host}` || origin === `https://${host}`
    ? undefined
    : `A page of ${origin} cannot use this editor`;
}

/** A name that points here is only ours when it was asked for; an address always is. */
function isOurs(host: string, listensOn: string): boolean {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (LOOPBACK_NAMES.includes(name) || name === listensOn.toLowerCase()) return true;
  const isAddress = /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || /^\[[0-9a-f:.]+\]$/.test(name);
  return isAddress && !isLoopback(listensOn);
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
