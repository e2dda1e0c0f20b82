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
  /** How often what was stored is synced to the disk, such as `10s`, or `always`. Absent: every 2 minutes. */
  readonly syncInterval?: string;
  /** Absent: no WebSocket. */
  readonly websocket?: WebsocketConfig;
  /** Absent: a server of its own. */
  readonly cluster?: ClusterConfig;
}

/** A server's place in a cluster. */
export interface ClusterConfig {
  readonly name: string;
  /** Unique in the cluster, and the same after a restart. */
  readonly serverName: string;
  /** Where the other members connect. */
  readonly port: number;
  /** The other members, as `nats-route://host:port`; its own address does no harm. */
  readonly routes: readonly string[];
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
  const { port, storeFolder, maxPayloadBytes, syncInterval, websocket, cluster } = config;
  const sync = syncInterval === undefined ? "" : `, sync_interval: ${JSON.stringify(syncInterval)}`;
  const lines = [
    `host: "127.0.0.1"`,
    `port: ${formatPort(port)}`,
    `max_payload: ${maxPayloadBytes}`,
    `max_pending: ${maxPayloadBytes * PENDING_PAYLOADS_MAX}`,
    `jetstream { store_dir: ${JSON.stringify(storeFolder)}${sync} }`,
  ];
  if (websocket !== undefined) {
    const origins = websocket.origins.length === 0
      ? ""
      : `, allowed_origins: ${JSON.stringify(websocket.origins)}`;
    const address = `host: "127.0.0.1", port: ${formatPort(websocket.port)}`;
    lines.push(`websocket { ${address}, no_tls: true${origins} }`);
  }
  if (cluster !== undefined) {
    lines.push(`server_name: ${JSON.stringify(cluster.serverName)}`);
    const address = `host: "127.0.0.1", port: ${cluster.port}`;
    const routes = JSON.stringify(cluster.routes);
    lines.push(`cluster { name: ${JSON.stringify(cluster.name)}, ${address}, routes: ${routes} }`);
  }
  return lines.join("\n") + "\n";
}

/** nats-server takes -1 for a port of the system's choice. */
function formatPort(port: number): number {
  return port === 0 ? -1 : port;
}
