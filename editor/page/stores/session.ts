/**
 * The page's connection to a world: how it stands, what the world is made of, and
 * whether the present is looked at or a tick of the past.
 *
 * @module
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Bus, NoRespondersError } from "../../../lib/bus/bus.ts";
import type { MessageOf, MessageType } from "../../../lib/wire/messages.ts";
import { requestMessage } from "../../../lib/wire/request.ts";
import { createSubjects, type Subjects } from "../../../lib/wire/subjects.ts";
import { NO_SCHEMA, type WorldSchema } from "../../model/schema.ts";
import { repeat } from "../browser.ts";
import { toWorldSchema } from "./world_schema.ts";

export type Link = "connecting" | "connected" | "reconnecting";

/** What is looked at: the world as it is, or a view of it as it was. */
export type View =
  | { readonly kind: "live" }
  | { readonly kind: "opening"; readonly tick: number }
  | { readonly kind: "past"; readonly tick: number; readonly prefix: string };

const STATUS_MS = 250;
const SCHEMA_MS = 2000;
const REQUEST_TIMEOUT_MS = 10_000;

export interface SessionOptions {
  readonly prefix: string;
  connect(): Promise<Bus>;
}

export class Session {
  readonly prefix: string;
  readonly link: Signal<Link> = signal<Link>("connecting");
  /** How the coordinator fares; undefined while there is none. */
  readonly status: Signal<MessageOf<"ControlReply"> | undefined> = signal(undefined);
  /** True once it is known whether there is a coordinator. */
  readonly isKnown: Signal<boolean> = signal(false);
  readonly view: Signal<View> = signal<View>({ kind: "live" });
  readonly schema: Signal<WorldSchema> = signal(NO_SCHEMA);
  /** The tick that is looked at. */
  readonly tick: ReadonlySignal<number>;
  /** False where nothing can be changed: in the past, or while nobody answers. */
  readonly canEdit: ReadonlySignal<boolean>;
  readonly subjects: Subjects;
  readonly #options: SessionOptions;
  #bus: Bus | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.prefix = options.prefix;
    this.subjects = createSubjects(options.prefix);
    this.tick = computed(() => {
      const view = this.view.value;
      return view.kind === "live" ? this.status.value?.tick_id ?? 0 : view.tick;
    });
    this.canEdit = computed(() =>
      this.link.value === "connected" && this.status.value !== undefined &&
      this.view.value.kind === "live"
    );
  }

  /** Connects, and then keeps what it shows up to date. */
  async start(): Promise<void> {
    this.#bus = await this.#options.connect();
    this.link.value = "connected";
    this.#bus.onStatus((status) => {
      this.link.value = status === "reconnected" ? "connected" : "reconnecting";
    });
    repeat(STATUS_MS, () => this.#refreshStatus());
    repeat(SCHEMA_MS, () => this.refreshSchema());
  }

  get bus(): Bus {
    if (this.#bus === undefined) throw new Error("Not connected to NATS yet");
    return this.#bus;
  }

  /** The subjects of what is looked at; queries and schema are answered there. */
  get viewSubjects(): Subjects {
    const view = this.view.value;
    return view.kind === "past" ? createSubjects(view.prefix) : this.subjects;
  }

  request<T extends MessageType, R extends MessageType>(
    subject: string,
    { type, value, replyType, timeoutMs = REQUEST_TIMEOUT_MS }: {
      type: T;
      value: MessageOf<T>;
      replyType: R;
      timeoutMs?: number;
    },
  ): Promise<MessageOf<R>> {
    return requestMessage(this.bus, subject, { type, value, replyType, timeoutMs });
  }

  /** @param subjects those of what is looked at by default */
  query(
    value: MessageOf<"QueryRequest">,
    { queryRequest: subject }: Subjects = this.viewSubjects,
  ): Promise<MessageOf<"QueryResponse">> {
    return this.request(subject, { type: "QueryRequest", value, replyType: "QueryResponse" });
  }

  /** Asks the coordinator for something; `status` is what it answers. */
  async control(
    value: MessageOf<"Control">,
    timeoutMs: number = REQUEST_TIMEOUT_MS,
  ): Promise<MessageOf<"ControlReply">> {
    const reply = await this.request(this.subjects.control, {
      type: "Control",
      value,
      replyType: "ControlReply",
      timeoutMs,
    });
    this.status.value = reply;
    return reply;
  }

  async refreshSchema(): Promise<void> {
    const view = this.view.value;
    if (view.kind === "opening" || !this.isKnown.value) return;
    const reply = await this.request(this.viewSubjects.querySchema, {
      type: "SchemaRequest",
      value: {},
      replyType: "SchemaReply",
    });
    if (this.view.value !== view) return;
    const isPast = view.kind === "past";
    this.schema.value = toWorldSchema(reply, { before: this.schema.value, isPast });
  }

  async #refreshStatus(): Promise<void> {
    const isFirst = this.status.value === undefined;
    try {
      await this.control({ op: "status" });
    } catch (error) {
      // Who does not answer in time may be busy; where nobody listens, nobody is there.
      if (error instanceof NoRespondersError) this.status.value = undefined;
      return;
    } finally {
      batch(() => this.isKnown.value = true);
    }
    if (isFirst) await this.refreshSchema();
  }
}
