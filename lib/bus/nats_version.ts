/**
 * Which NATS servers will do.
 *
 * @module
 */
import { UserError } from "../user_error.ts";

/** The oldest nats-server that has everything that the bus and the log need. */
export const NATS_VERSION_MIN = "2.9.10";

/** The oldest that checks what an entry expects once more when a cluster stores it. */
export const COPIES_VERSION_MIN = "2.9.21";

/** Negative when `a` is older than `b`; pre-release suffixes do not count. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @throws {UserError} when a server of this version is too old. */
export function checkServerVersion(version: string): void {
  if (compareVersions(version, NATS_VERSION_MIN) >= 0) return;
  throw new UserError(
    `Cannot use nats-server ${version}: Orrery needs ${NATS_VERSION_MIN} or newer`,
  );
}

/** @throws {UserError} when clusters of servers of this version keep copies that cannot be relied on. */
export function checkCopiesVersion(version: string, replicas: number): void {
  if (compareVersions(version, COPIES_VERSION_MIN) >= 0) return;
  throw new UserError(
    `Cannot keep ${replicas} copies on nats-server ${version}: a cluster of them may store the ` +
      `commits of two coordinators at once. Install ${COPIES_VERSION_MIN} or newer on each of its ` +
      "servers, or leave --replicas out",
  );
}

function parse(version: string): number[] {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version);
  return match === null ? [] : match.slice(1).map(Number);
}
