/**
 * Connecting to NATS, and what it means when that fails.
 *
 * @module
 */
import type { NatsConnection } from "@nats-io/nats-core";
import { errorMessage } from "../error_message.ts";
import { UserError } from "../user_error.ts";
import { formatAddress, type NatsAccess } from "./nats_access.ts";
import { isRefusal } from "./nats_errors.ts";
import { NoTlsError } from "./nats_socket.ts";
import { connect } from "./nats_transport.ts";
import { checkServerVersion } from "./nats_version.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** With as much again at random, lest all clients come back at once. */
const RECONNECT_WAIT_MS = 100;
/** A server that leaves two pings unanswered is taken for dead. */
const PING_INTERVAL_MS = 5_000;

/** Node's codes for certificates that will not do, and for what is no TLS at all. */
const TLS_CODES = /^(CERT_|DEPTH_ZERO_|ERR_SSL_|ERR_TLS_|SELF_SIGNED_|UNABLE_TO_)/;

/** No server answers; one may later. */
export class NoServerError extends UserError {
  override readonly name = "NoServerError";
}

/**
 * Connects a client, which reconnects by itself for as long as it is open, even to a
 * server that has come to refuse it: whoever took its rights away may give them back.
 * @throws {NoServerError} when no server answers.
 * @throws {UserError} when it lets nobody like this in, or is too old or without JetStream.
 */
export async function dial(access: NatsAccess, name: string): Promise<NatsConnection> {
  const { addresses, login, tls } = access;
  try {
    const connection = await connect({
      servers: addresses.map(formatAddress),
      name,
      ...(login && { authenticator: login.authenticator }),
      ...(tls && { tls }),
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_WAIT_MS,
      reconnectJitterTLS: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      noAsyncTraces: true,
    });
    return await checked(connection, access);
  } catch (error) {
    throw error instanceof UserError ? error : explainDialError(error, access);
  }
}

/** What it means that a server refuses a client that it knew. */
export function explainRefusal(error: Error, { name, login }: NatsAccess): Error {
  const who = login?.name ?? "who has no credentials";
  return new UserError(
    `NATS at ${name} refuses ${who}: ${error.message}; trying again until it does not`,
    { cause: error },
  );
}

async function checked(connection: NatsConnection, access: NatsAccess): Promise<NatsConnection> {
  try {
    checkServer(connection, access);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function checkServer({ info }: NatsConnection, { name }: NatsAccess): void {
  checkServerVersion(info?.version ?? "0.0.0");
  if (info?.jetstream === true) return;
  throw new UserError(
    `Cannot use NATS at ${name}: JetStream is off; start nats-server with --jetstream`,
  );
}

function explainDialError(cause: unknown, { name, login, tls }: NatsAccess): UserError {
  const failure = `Cannot connect to NATS at ${name}`;
  const reason = reasonOf(cause);
  if (isRefusal(cause)) {
    const advice = login === undefined
      ? "it wants credentials: set NATS_USER and NATS_PASSWORD, NATS_TOKEN, NATS_CREDS or NATS_NKEY"
      : `it refuses ${login.name}`;
    return new UserError(`${failure}: ${advice} (${reason})`, { cause });
  }
  if (cause instanceof NoTlsError) {
    const advice = "it has no TLS, which tls://, NATS_CA or NATS_CERT ask for";
    return new UserError(`${failure}: ${advice}`, { cause });
  }
  if (TLS_CODES.test(codeOf(cause))) {
    const advice = "NATS_CA names a file of the authorities to trust";
    return new UserError(`${failure}: no TLS with it: ${reason}; ${advice}`, { cause });
  }
  // A server that misses a client's certificate hangs up without a word.
  const mayMissOne = tls !== undefined && tls.cert === undefined && reason === "timeout";
  const advice = mayMissOne ? "pass --nats, or set NATS_CERT and NATS_KEY" : "pass --nats";
  return new NoServerError(`${failure}: ${reason}; start one or ${advice}`, { cause });
}

function reasonOf(error: unknown): string {
  if (codeOf(error) === "ECONNREFUSED") return "connection refused";
  return errorMessage(error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
