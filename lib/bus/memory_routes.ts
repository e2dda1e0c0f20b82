/**
 * The routes of the in-memory bus: which subscriptions a message goes to.
 *
 * @module
 */
import { hasWildcard, matchesSubject } from "./subject.ts";

/** What routing needs to know of a subscription. */
export interface Route {
  readonly subject: string;
  readonly queue: string | undefined;
}

/** A set of routes that finds the receivers of a subject. */
export class RouteTable<R extends Route> {
  readonly #exact = new Map<string, Set<R>>();
  readonly #wildcards = new Set<R>();

  add(route: R): void {
    if (hasWildcard(route.subject)) {
      this.#wildcards.add(route);
      return;
    }
    const routes = this.#exact.get(route.subject);
    if (routes === undefined) this.#exact.set(route.subject, new Set([route]));
    else routes.add(route);
  }

  /** Does nothing when the route is not there. */
  delete(route: R): void {
    this.#wildcards.delete(route);
    const routes = this.#exact.get(route.subject);
    routes?.delete(route);
    if (routes?.size === 0) this.#exact.delete(route.subject);
  }

  /** Every route to `subject` without a queue group, and one random member of each group. */
  select(subject: string, random: () => number): R[] {
    const receivers: R[] = [];
    const groups = new Map<string, R[]>();
    for (const route of this.#match(subject)) {
      if (route.queue === undefined) {
        receivers.push(route);
        continue;
      }
      const members = groups.get(route.queue);
      if (members === undefined) groups.set(route.queue, [route]);
      else members.push(route);
    }
    for (const members of groups.values()) {
      const member = members[Math.floor(random() * members.length)];
      if (member !== undefined) receivers.push(member);
    }
    return receivers;
  }

  *#match(subject: string): Iterable<R> {
    yield* this.#exact.get(subject) ?? [];
    for (const route of this.#wildcards) {
      if (matchesSubject(route.subject, subject)) yield route;
    }
  }
}
