/**
 * The entities that have a place, for the viewport: pushed by the coordinator as they
 * move, or, for the past, read once.
 *
 * @module
 */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Message, Subscription } from "../../../lib/bus/bus.ts";
import { decodeEntities } from "../../../lib/ecs/column_bytes.ts";
import { strideOf } from "../../../lib/ecs/field_type.ts";
import { decodeMessage } from "../../../lib/wire/codec.ts";
import type { Chunk, MessageOf } from "../../../lib/wire/messages.ts";
import { type Camera, CAMERA_FIRST } from "../../model/camera.ts";
import { Motion } from "../../model/motion.ts";
import { entitiesOf, vectorColumn } from "../../model/rows.ts";
import { type ArchetypeInfo, fieldOf, type WorldSchema } from "../../model/schema.ts";
import { distinctName } from "../../model/table_query.ts";
import { now, repeat } from "../browser.ts";
import type { Session } from "./session.ts";

export const SHOWN_MAX = 50_000;
/** How often what has moved is told: fluently, or where drawing it takes time that the world needs. */
const EVERY_MS = { fluent: 100, sparing: 400 };
const LEASE_MS = 10_000;
const RENEW_MS = 3000;
const PAGE_ROWS = 10_000;

/** Entities of one colour: an archetype. */
export interface Kind {
  readonly components: string;
  readonly name: string;
}

export class Scene {
  readonly motion: Motion = new Motion({ capacityMax: SHOWN_MAX });
  /** `Component.field` of the positions; "" where there is none. */
  readonly field: Signal<string> = signal("");
  readonly kinds: Signal<readonly Kind[]> = signal([]);
  readonly count: Signal<number> = signal(0);
  readonly isOpen: Signal<boolean> = signal(false);
  #pace: keyof typeof EVERY_MS = "fluent";
  #version = 0;
  /** Where it is looked at from. */
  camera: Camera = CAMERA_FIRST;
  /** Whether the camera has been put where it sees everything, which is done once. */
  isFramed = false;
  readonly fields: ReadonlySignal<readonly string[]>;
  readonly #session: Session;
  #subscription: Subscription | undefined;
  #watched = "";
  #deliver = "";
  /** Since the last message that said so, more is on its way. */
  #isMoreComing = false;
  /** Number of the next delta. */
  #sequence = 0;

  constructor(session: Session) {
    this.#session = session;
    this.fields = computed(() => positionFields(session.schema.value));
  }

  /** Whether there is a graphics card to draw with. Without one, entities do not glide either. */
  set isAccelerated(isAccelerated: boolean) {
    this.#pace = isAccelerated ? "fluent" : "sparing";
    this.motion.isGliding = isAccelerated;
  }

  /** Changes when what is to be seen has changed as a whole, not with each message of an update. */
  get version(): number {
    return this.#version;
  }

  start(): void {
    this.fields.subscribe((fields) => {
      if (!fields.includes(this.field.value)) this.field.value = fields[0] ?? "";
    });
    repeat(RENEW_MS, () => this.#follow());
    for (const cause of [this.field, this.isOpen, this.#session.view]) {
      cause.subscribe(() => this.#follow().catch(() => {}));
    }
  }

  /** Sees to it that what is looked at is watched, and goes on being so. */
  async #follow(): Promise<void> {
    const { view, status, link } = this.#session;
    const field = this.field.value;
    if (!this.isOpen.value || field === "" || link.value !== "connected") return;
    if (view.value.kind === "opening") return;
    const watched = view.value.kind === "past"
      ? `${view.value.prefix} ${field}`
      : `live ${field} ${this.#pace}`;
    const isNew = watched !== this.#watched;
    if (view.value.kind === "past") {
      if (isNew) await this.#readOnce(watched, field);
      return;
    }
    if (status.value === undefined) return;
    if (isNew) this.#subscribe(watched);
    await this.#session.request(this.#session.subjects.queryWatch, {
      type: "QueryWatch",
      value: {
        query: { read: ["Entity", field] },
        deliver: this.#deliver,
        lease_ms: LEASE_MS,
        every_ms: EVERY_MS[this.#pace],
        max_rows: SHOWN_MAX,
        components: true,
        ...(isNew && { restart: true }),
      },
      replyType: "QueryWatchReply",
    });
  }

  #subscribe(watched: string): void {
    const { bus } = this.#session;
    this.#begin(watched);
    this.#deliver = bus.createInbox();
    this.#subscription = bus.subscribe(this.#deliver, (message) => this.#take(message));
  }

  #begin(watched: string): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#watched = watched;
    this.#isMoreComing = false;
    this.motion.clear();
    this.#version = this.motion.version;
    this.kinds.value = this.#knownKinds();
    this.count.value = 0;
  }

  #take(message: Message): void {
    const delta = decodeMessage("QueryDelta", message);
    if (delta.reset) this.#sequence = delta.sequence;
    // One was lost, and with it what it told: all of it is to be told anew.
    if (delta.sequence !== this.#sequence) {
      this.#watched = "";
      this.#follow().catch(() => {});
      return;
    }
    this.#sequence++;
    if (delta.reset && !this.#isMoreComing) this.motion.clear();
    if (!this.#isMoreComing) this.motion.begin(now());
    this.#isMoreComing = delta.more;
    this.#place(delta.chunks);
    this.motion.remove(decodeEntities(delta.gone));
    this.count.value = this.motion.count;
    if (!delta.more) this.#version = this.motion.version;
  }

  async #readOnce(watched: string, field: string): Promise<void> {
    this.#begin(watched);
    this.motion.begin(now());
    for (let offset = 0; offset < SHOWN_MAX;) {
      const reply: MessageOf<"QueryResponse"> = await this.#session.query({
        query: { read: ["Entity", field] },
        offset,
        limit: PAGE_ROWS,
        components: true,
      });
      if (this.#watched !== watched) return;
      this.#place(reply.chunks);
      this.count.value = this.motion.count;
      this.#version = this.motion.version;
      const rows = reply.chunks.reduce((sum, { count }) => sum + count, 0);
      if (rows === 0) return;
      offset += rows;
    }
  }

  #place(chunks: readonly Chunk[]): void {
    const key = this.field.value;
    const field = fieldOf(this.#session.schema.value, key);
    if (field === undefined) return;
    for (const chunk of chunks) {
      const positions = vectorColumn(chunk, key, field);
      if (positions === undefined) continue;
      this.motion.place({
        entities: entitiesOf(chunk),
        positions: positions as Float32Array,
        stride: strideOf(field.type),
        kind: this.#kindOf(chunk),
      });
    }
  }

  /** In an order of their own, so that each keeps its colour from view to view. */
  #knownKinds(): Kind[] {
    return this.#placedArchetypes().map(({ components }) => this.#kind(components))
      .toSorted((a, b) => a.components < b.components ? -1 : 1);
  }

  #kindOf({ components = [] }: Chunk): number {
    const kind = this.#kind(components);
    const known = this.kinds.value.findIndex(({ components }) => components === kind.components);
    if (known >= 0) return known;
    this.kinds.value = [...this.kinds.value, kind];
    return this.kinds.value.length - 1;
  }

  #kind(components: readonly string[]): Kind {
    return {
      components: components.toSorted().join(),
      name: distinctName({ components }, this.#placedArchetypes()),
    };
  }

  /** Those that have a position. */
  #placedArchetypes(): readonly ArchetypeInfo[] {
    const [component] = this.field.value.split(".");
    return this.#session.schema.value.archetypes.filter(({ components }) =>
      components.includes(component)
    );
  }
}

/** Fields that may be positions, the likeliest first. */
function positionFields({ components }: WorldSchema): string[] {
  const fields = [...components.values()].flatMap(({ name, fields }) =>
    fields.filter(({ type }) => type === "vec3" || type === "vec2")
      .map((field) => `${name}.${field.name}`)
  );
  return fields.toSorted((a, b) => rankOf(a) - rankOf(b));
}

function rankOf(key: string): number {
  if (/\.(translation|position|pos)$/i.test(key)) return 0;
  if (/position|translation|place/i.test(key)) return 1;
  return /velocity|force|scale|extent/i.test(key) ? 3 : 2;
}
