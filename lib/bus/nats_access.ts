/**
 * How a client gets into a NATS server or cluster: the addresses, who it says it is,
 * and whom it trusts. URLs say it, and the variables that the `nats` command line reads.
 *
 * @module
 */
import { isIP } from "node:net";
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/nats-core";
import { errorMessage } from "../error_message.ts";
import { UserError } from "../user_error.ts";

/** Who a client says it is. */
export interface Login {
  /** Who that is and what said so, without what is secret. */
  readonly name: string;
  readonly authenticator: Authenticator;
}

/** PEM texts: the authorities to trust, and the client's own certificate with its key. */
export interface Certificates {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What the environment says besides the addresses. */
export interface NatsSecrets {
  readonly login?: Login | undefined;
  readonly certificates?: Certificates;
}

export interface NatsAddress {
  /** An IPv6 address has no brackets. */
  readonly hostname: string;
  readonly port: number;
}

export interface NatsAccess {
  /** The servers, for messages: as they were given, without what is secret. */
  readonly name: string;
  readonly addresses: readonly NatsAddress[];
  readonly login: Login | undefined;
  /** A server has to have TLS; undefined where it is left to the server. */
  readonly tls: Certificates | undefined;
}

/** What {@linkcode readSecrets} reads from. */
export interface SecretsSource {
  env(name: string): string | undefined;
  readFile(path: string): Uint8Array;
}

const LOGIN_VARIABLES = ["NATS_USER", "NATS_TOKEN", "NATS_CREDS", "NATS_NKEY"] as const;

/** All that {@linkcode readSecrets} asks for. */
export const SECRET_VARIABLES = [
  ...LOGIN_VARIABLES,
  "NATS_PASSWORD",
  "NATS_CA",
  "NATS_CERT",
  "NATS_KEY",
] as const;

const PORT_DEFAULT = 4222;
const URL_TAKEN = "it takes nats://host:port or tls://host:port; what is special in a user or " +
  "password has to be percent-encoded";

/**
 * Combines the addresses with what the environment says. A user in a URL goes before
 * one of the environment.
 * @param servers `nats://` and `tls://` URLs, or just `host:port`, separated by commas
 * @throws {UserError} when they are something else, or name several users.
 */
export function natsAccess(servers: string, secrets: NatsSecrets = {}): NatsAccess {
  const parts = servers.split(",").map((part) => part.trim());
  checkUsers(parts);
  const urls = parts.map(parseServer);
  const certificates = secrets.certificates ?? {};
  const needsTls = Object.keys(certificates).length > 0 ||
    urls.some(({ protocol }) => protocol === "tls:");
  return {
    name: urls.map(({ protocol, host }) => `${protocol}//${host}`).join(","),
    addresses: urls.map(({ hostname, port }) => ({
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(port) || PORT_DEFAULT,
    })),
    login: loginOf(urls) ?? secrets.login,
    tls: needsTls ? certificates : undefined,
  };
}

/** An address as NATS clients write it. */
export function formatAddress({ hostname, port }: NatsAddress): string {
  return `${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${port}`;
}

/**
 * Reads who to be and whom to trust: `NATS_USER` with `NATS_PASSWORD` (alone it is a
 * token), `NATS_TOKEN`, or the files `NATS_CREDS` or `NATS_NKEY`; and the files
 * `NATS_CA`, `NATS_CERT` and `NATS_KEY`.
 * @throws {UserError} when a file cannot be read, or they do not fit together.
 */
export function readSecrets(source: SecretsSource): NatsSecrets {
  return { login: readLogin(source), certificates: readCertificates(source) };
}

/** A comma in a password makes it look like the end of an address. */
function checkUsers(parts: readonly string[]): void {
  const isBroken = (part: string, i: number) =>
    part.includes("@") && !part.includes("://") && i > 0 && !parts[i - 1].includes("@");
  if (parts.some(isBroken)) throw new UserError(`Cannot use a NATS server's URL: ${URL_TAKEN}`);
}

function parseServer(part: string): URL {
  const given = part.includes("://") ? part : `nats://${part}`;
  const url = URL.parse(given);
  if (url !== null && isServer(url)) return url;
  // What is secret may be anywhere before the last `@`.
  throw new UserError(
    `Cannot use "${given.replace(/^.*@/s, "…@")}" as a NATS server: ${URL_TAKEN}`,
  );
}

function isServer({ protocol, hostname, pathname, search, hash }: URL): boolean {
  const isBare = pathname.length <= 1 && search === "" && hash === "";
  return isBare && hostname !== "" && (protocol === "nats:" || protocol === "tls:");
}

function loginOf(urls: readonly URL[]): Login | undefined {
  const [first, ...others] = urls.filter(({ username }) => username !== "");
  if (first === undefined) return undefined;
  const { username, password } = first;
  if (others.some((url) => url.username !== username || url.password !== password)) {
    throw new UserError("Cannot connect to NATS: its URLs name several users; one may");
  }
  const source = "the server's URL";
  return loginWith(decode(username), { password: password && decode(password), source });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function loginWith(
  user: string,
  { password, source }: { password: string | undefined; source: string },
): Login {
  if (!password) return tokenLogin(user, source);
  return {
    name: `user "${user}" (${source})`,
    authenticator: usernamePasswordAuthenticator(user, password),
  };
}

function tokenLogin(token: string, source: string): Login {
  return { name: `the token (${source})`, authenticator: tokenAuthenticator(token) };
}

function readLogin(source: SecretsSource): Login | undefined {
  const given = LOGIN_VARIABLES.filter((name) => source.env(name));
  if (given.length > 1) {
    throw new UserError(
      `Cannot tell who to be for NATS: ${given.join(" and ")} are set, and one may be`,
    );
  }
  const [name] = given;
  if (name === undefined) return undefined;
  const value = source.env(name) ?? "";
  if (name === "NATS_TOKEN") return tokenLogin(value, name);
  if (name === "NATS_USER") {
    return loginWith(value, { password: source.env("NATS_PASSWORD"), source: name });
  }
  const bytes = readNamed(name, value, source);
  const authenticator = name === "NATS_CREDS"
    ? credsAuthenticator(bytes)
    : nkeyAuthenticator(seedIn(bytes));
  checkAuthenticator(authenticator, `${name}, ${value}`);
  return { name: `the user of ${value} (${name})`, authenticator };
}

/** A file of a seed may have comments and decoration around it. */
function seedIn(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  return new TextEncoder().encode(/\bSU[A-Z2-7]{56}\b/.exec(text)?.[0] ?? "none");
}

/** The library parses a file only when a server asks. */
function checkAuthenticator(authenticator: Authenticator, file: string): void {
  try {
    authenticator("nonce");
  } catch (cause) {
    throw new UserError(`Cannot log in to NATS with ${file}: it holds no user's credentials`, {
      cause,
    });
  }
}

function readCertificates(source: SecretsSource): Certificates {
  const ca = readPem("NATS_CA", source);
  const cert = readPem("NATS_CERT", source);
  const key = readPem("NATS_KEY", source);
  if ((cert === undefined) !== (key === undefined)) {
    throw new UserError("Cannot use a certificate for NATS: NATS_CERT and NATS_KEY go together");
  }
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

function readPem(name: string, source: SecretsSource): string | undefined {
  const path = source.env(name);
  if (!path) return undefined;
  const text = new TextDecoder().decode(readNamed(name, path, source));
  if (text.includes("-----BEGIN ")) return text;
  throw new UserError(`Cannot use ${name}, ${path}: it is no PEM file`);
}

function readNamed(name: string, path: string, { readFile }: SecretsSource): Uint8Array {
  try {
    return readFile(path);
  } catch (cause) {
    const reason = errorMessage(cause);
    throw new UserError(`Cannot read ${name}, ${path}: ${reason}`, { cause });
  }
}
