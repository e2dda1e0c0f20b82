/**
 * The bus from a browser: the same client, over a WebSocket to the editor's process,
 * which hands it on to NATS byte by byte.
 *
 * @module
 */
import { createInbox, type Msg, type NatsConnection, wsconnect } from "@nats-io/nats-core";
import type {
  Bus,
  BusStatus,
  Message,
  MessageHandler,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
  Subscription,
} from "../../lib/bus/bus.ts";
import { explainRequestError } from "../../lib/bus/nats_errors.ts";
import { decodeHeaders, encodeHeaders } from "../../lib/bus/nats_headers.ts";

const CONNECT_TIMEOUT_MS = 5000;
const RECONNECT_WAIT_MS = 500;
const PING_INTERVAL_MS = 5000;
const NO_RESPONDERS_CODE = 503;

/** @throws {Error} when nobody answers there. */
export async function connectBrowser(
  url: string,
  onError: (error: Error) => void,
): Promise<Bus> {
  const connection = await wsconnect({
    servers: url,
    name: "editor page",
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    // The way to NATS is that process alone, and who it is may change.
    ignoreClusterUpdates: true,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    noAsyncTraces: true,
  });
  return new BrowserBus(connection, onError);
}

class BrowserBus implements Bus {
  readonly #connection: NatsConnection;
  readonly #onError: (error: Error) => void;

  constructor(connection: NatsConnection, onError: (error: Error) => void) {
    this.#connection = connection;
    this.#onError = onError;
  }

  get payloadBytesMax(): number {
    return this.#connection.info?.max_payload ?? 0;
  }

  publish(subject: string, data: Uint8Array, { headers, reply }: PublishOptions = {}): void {
    this.#connection.publish(subject, data, {
      ...(headers && { headers: encodeHeaders(headers) }),
      ...(reply !== undefined && { reply }),
    });
  }

  subscribe(
    subject: string,
    handler: MessageHandler,
    { queue, max }: SubscribeOptions = {},
  ): Subscription {
    const subscription = this.#connection.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      ...(max !== undefined && { max }),
      callback: (error, msg) => {
        try {
          if (error) throw error;
          handler(messageOf(msg));
        } catch (thrown) {
          this.#onError(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      },
    });
    return {
      unsubscribe: () => subscription.unsubscribe(),
      drain: () => subscription.drain(),
    };
  }

  async request(
    subject: string,
    data: Uint8Array,
    { timeoutMs, headers }: RequestOptions,
  ): Promise<Message> {
    try {
      const options = { timeout: timeoutMs, ...(headers && { headers: encodeHeaders(headers) }) };
      return messageOf(await this.#connection.request(subject, data, options));
    } catch (error) {
      throw explainRequestError(error, { subject, timeoutMs });
    }
  }

  createInbox(): string {
    return createInbox();
  }

  flush(): Promise<void> {
    return this.#connection.flush();
  }

  onStatus(handler: (status: BusStatus) => void): void {
    this.#follow(handler).catch((error) => this.#onError(error));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #follow(handler: (status: BusStatus) => void): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === "disconnect") handler("disconnected");
      else if (type === "reconnect") handler("reconnected");
    }
    handler("closed");
  }
}

function messageOf(msg: Msg): Message {
  return {
    subject: msg.subject,
    data: msg.data,
    headers: decodeHeaders(msg.headers),
    reply: msg.reply || undefined,
    noResponders: msg.data.length === 0 && msg.headers?.code === NO_RESPONDERS_CODE,
  };
}
