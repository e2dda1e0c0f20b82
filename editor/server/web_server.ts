/**
 * The editor's web server: the page, the bridge to NATS, and what only this process
 * can tell the page, all at one address and for the page of that address alone.
 *
 * @module
 */
import type { NatsAccess } from "../../lib/bus/nats_access.ts";
import type { Clock } from "../../lib/clock.ts";
import { errorMessage } from "../../lib/error_message.ts";
import type { Report } from "../../lib/report.ts";
import { UserError } from "../../lib/user_error.ts";
import { bridge } from "./bridge.ts";
import { refusalOf } from "./origin.ts";
import type { PageBundle } from "./page_bundle.ts";
import { readPageFile } from "./page_files.ts";
import type { SnapshotDesk } from "./snapshot_desk.ts";

/** Pages at a time; each is a client of the NATS server. */
const BRIDGES_MAX = 64;

export interface WebServerOptions {
  readonly host: string;
  /** 0: a free one of the system's choice. */
  readonly port: number;
  /** Whether a port that is in use is exchanged for a free one. */
  readonly isPortFlexible: boolean;
  /** How the bridge gets to NATS. */
  readonly access: NatsAccess;
  readonly prefix: string;
  readonly bundle: PageBundle;
  readonly snapshots: SnapshotDesk;
  readonly clock: Clock;
  readonly report: Report;
}

export class WebServer implements AsyncDisposable {
  readonly #options: WebServerOptions;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #sockets = new Set<WebSocket>();

  /** @throws {UserError} when it cannot listen there. */
  constructor(options: WebServerOptions) {
    this.#options = options;
    this.#server = this.#listen();
  }

  get url(): string {
    const { hostname, port } = this.#server.addr;
    const name = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
    return `http://${name.includes(":") ? `[${name}]` : name}:${port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    await this.#server.shutdown();
  }

  #listen(): Deno.HttpServer<Deno.NetAddr> {
    const { host, port, isPortFlexible } = this.#options;
    const serve = (port: number) =>
      Deno.serve({ hostname: host, port, onListen: () => {} }, (request) => this.#answer(request));
    try {
      return serve(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      if (isPortFlexible) return serve(0);
      throw new UserError(
        `Cannot serve the editor at ${host}:${port}: the port is in use; pass another --port`,
        { cause: error },
      );
    }
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const needsOrigin = pathname === "/nats";
    const { headers } = request;
    const refusal = refusalOf({
      host: headers.get("host"),
      origin: headers.get("origin"),
      site: headers.get("sec-fetch-site"),
      mode: headers.get("sec-fetch-mode"),
    }, { listensOn: this.#options.host, needsOrigin });
    if (refusal !== undefined) return this.#reply(request, refusal, { status: 403 });
    if (pathname === "/nats") return this.#upgrade(request);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return this.#reply(request, "The editor takes GET alone", { status: 405 });
    }
    return await this.#serveFile(request, pathname);
  }

  async #serveFile(request: Request, pathname: string): Promise<Response> {
    const { bundle, snapshots, prefix, report } = this.#options;
    try {
      if (pathname === "/config.json") return this.#reply(request, { prefix });
      if (pathname === "/snapshots.json") return this.#reply(request, await snapshots.list());
      if (pathname === "/comparison.json") {
        const { searchParams } = new URL(request.url);
        const [a, b] = [searchParams.get("a") ?? "", searchParams.get("b") ?? ""];
        return this.#reply(request, await snapshots.compare(a, b));
      }
      const file = await readPageFile(pathname, bundle);
      if (file === undefined) return this.#reply(request, "Not found", { status: 404 });
      return this.#reply(request, file.body, { type: file.type });
    } catch (error) {
      const reason = errorMessage(error);
      if (!(error instanceof UserError)) report.warn(`${pathname}: ${reason}`);
      return this.#reply(request, { error: reason }, { status: 500 });
    }
  }

  #reply(
    request: Request,
    body: BodyInit | object,
    { status = 200, type }: { status?: number; type?: string } = {},
  ): Response {
    const isPlain = typeof body === "string" || body instanceof Uint8Array;
    const contentType = type ?? (isPlain ? "text/plain; charset=utf-8" : "application/json");
    return new Response(isPlain ? body as BodyInit : JSON.stringify(body, bigintAsText), {
      status,
      headers: {
        "content-type": contentType,
        "cache-control": "no-cache",
        "content-security-policy": contentSecurityPolicy(request.headers.get("host") ?? ""),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      },
    });
  }

  #upgrade(request: Request): Response {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return this.#reply(request, "This is for WebSockets", { status: 426 });
    }
    if (this.#sockets.size >= BRIDGES_MAX) {
      return this.#reply(request, `${BRIDGES_MAX} pages are open, which is the most`, {
        status: 503,
      });
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    this.#sockets.add(socket);
    const { access, clock } = this.#options;
    bridge(socket, { access, clock }).finally(() => this.#sockets.delete(socket));
    return response;
  }
}

/** Nothing from elsewhere, nothing inline, and nobody may frame it. */
function contentSecurityPolicy(host: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ws://${host} wss://${host}`,
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
