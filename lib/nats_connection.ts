/**
 * How the programs get to NATS: to the servers of `--nats` or `NATS_URL`, with the
 * credentials and certificates that the environment names.
 *
 * @module
 */
import { Option } from "commander";
import type { Bus } from "./bus/bus.ts";
import type { Log } from "./bus/log.ts";
import { type NatsSecrets, readSecrets, SECRET_VARIABLES } from "./bus/nats_access.ts";
import { connectNats } from "./bus/nats_bus.ts";
import type { Report } from "./report.ts";
import { UserError } from "./user_error.ts";

export const NATS_DEFAULT = "nats://localhost:4222";

/** `--nats`, else `NATS_URL`, else `fallback`. */
export function natsOption(fallback?: string): Option {
  return new Option(
    "--nats <url>",
    "NATS server, or several joined by commas; for credentials see docs/cluster.md",
  ).env("NATS_URL").default(fallback).argParser((text) => text || fallback);
}

/** @throws {UserError} when what the environment names cannot be read or used. */
export function environmentSecrets(): NatsSecrets {
  return readSecrets({ env: (name) => Deno.env.get(name), readFile: Deno.readFileSync });
}

/** What a child process needs in its environment to get to `servers` as its parent does. */
export function childEnvironment(
  servers: string,
  { isOpen }: { isOpen: boolean },
): Record<string, string> {
  // An open server asks for nothing, and has no TLS: what is meant for others is not for it.
  const unset = isOpen ? SECRET_VARIABLES.map((name) => [name, ""]) : [];
  return { NATS_URL: servers, ...Object.fromEntries(unset) };
}

export interface ConnectOptions {
  /** How the server's own monitoring shows this client. */
  readonly name: string;
  readonly report: Report;
  /** By default the environment's. */
  readonly secrets?: NatsSecrets | undefined;
}

/**
 * Connects a program, which from then on is told of errors by its report.
 * @throws {NoServerError} when no server answers.
 * @throws {UserError} when it lets nobody like this in, or will not do.
 */
export function connectProgram(
  servers: string,
  { name, report, secrets = environmentSecrets() }: ConnectOptions,
): Promise<{ bus: Bus; log: Log }> {
  return connectNats({
    servers,
    secrets,
    name,
    onError(error, subject) {
      const reason = error instanceof UserError ? error.message : error.stack ?? error.message;
      report.warn(subject === "" ? reason : `${subject}: ${reason}`);
    },
  });
}
