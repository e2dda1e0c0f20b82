/**
 * The configuration file of an embedded server.
 *
 * @module
 */

export interface ServerConfig {
  /** 0: a free one of the system's choice. */
  readonly port: number;
  readonly storeFolder: string;
  readonly maxPayloadBytes: number;
  /** Absent: no WebSocket. */
  readonly websocket?: WebsocketConfig;
}

export interface WebsocketConfig {
  /** 0: a free one of the system's choice. */
  readonly port: number;
  /** Web origins that may connect; any when empty. */
  readonly origins: readonly string[];
}

/** What the server may hold for one slow client before it drops it, in payloads of the largest size. */
const PENDING_PAYLOADS_MAX = 32;

/** Text of a nats-server configuration file. */
export function formatConfig(config: ServerConfig): string {
  const { port, storeFolder, maxPayloadBytes, websocket } = config;
  const lines = [
    `host: "127.0.0.1"`,
    `port: ${formatPort(port)}`,
    `max_payload: ${maxPayloadBytes}`,
    `max_pending: ${maxPayloadBytes * PENDING_PAYLOADS_MAX}`,
    `jetstream { store_dir: ${JSON.stringify(storeFolder)} }`,
  ];
  if (websocket !== undefined) {
    const origins = websocket.origins.length === 0
      ? ""
      : `, allowed_origins: ${JSON.stringify(websocket.origins)}`;
    const address = `host: "127.0.0.1", port: ${formatPort(websocket.port)}`;
    lines.push(`websocket { ${address}, no_tls: true${origins} }`);
  }
  return lines.join("\n") + "\n";
}

/** nats-server takes -1 for a port of the system's choice. */
function formatPort(port: number): number {
  return port === 0 ? -1 : port;
}
