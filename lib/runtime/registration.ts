/**
 * A registration: an instance's standing with the coordinator. It is kept up by
 * heartbeats, and made anew when the coordinator does not know the instance, or
 * another one has taken its place, which the lease tells at once.
 *
 * @module
 */
import { type Bus, type Message, NoRespondersError, type Subscription } from "../bus/bus.ts";
import { type Clock, delay } from "../clock.ts";
import { errorMessage } from "../error_message.ts";
import type { SystemManifest } from "../manifest/manifest.ts";
import { signatureText, systemSignature } from "../manifest/signature.ts";
import type { Report } from "../report.ts";
import { decodeMessage } from "../wire/codec.ts";
import type { MessageOf, MessageType } from "../wire/messages.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { requestMessage, type WireRequest } from "../wire/request.ts";
import type { Subjects } from "../wire/subjects.ts";
import { WireError } from "../wire/wire_error.ts";

const REQUEST_TIMEOUT_MS = 2000;
const UNREGISTER_TIMEOUT_MS = 500;
const RETRY_MS = 250;

/** What a heartbeat says of the time since the one before, and of all time. */
export type Vitals = Omit<MessageOf<"Heartbeat">, "instance_id" | "system">;

export interface RegistrationOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly manifest: SystemManifest;
  readonly instanceId: string;
  /** Shards that the instance takes at a time. */
  readonly credits: number;
  readonly report: Report;
  /** @param elapsedMs since the last call */
  vitals(elapsedMs: number): Vitals;
  /** The instance is registered with a coordinator that it did not know before. */
  onTerm(): void;
}

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #stopping = new AbortController();
  #lease: Subscription | undefined;
  #probe: Subscription | undefined;
  /** Aborted when the coordinator is to hear from us at once. */
  #pause = new AbortController();
  #epoch = 0;
  #heartbeatMs = 1000;
  #heartbeats: Promise<void> = Promise.resolve();
  /** While it is being made. */
  #making: Promise<void> | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** The term of the coordinator that the instance is registered with; 0 before. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Registers, however long that takes, and keeps that up; resolves earlier when it is stopped. */
  async begin(): Promise<void> {
    const { bus, subjects, instanceId } = this.#options;
    // Nothing is to be answered: without this the server would say that nobody is here.
    this.#probe = bus.subscribe(subjects.probe(instanceId), () => {});
    this.#lease = bus.subscribe(subjects.lease, (message) => this.#hearLease(message));
    bus.onStatus((status) => status === "reconnected" && this.#pause.abort());
    await this.#make();
    this.#heartbeats = this.#beat();
  }

  /** Registers no more, and gives no more signs of life. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#pause.abort();
    this.#lease?.unsubscribe();
    await this.#heartbeats;
  }

  /** Tells the coordinator, if there is one. */
  async unregister(): Promise<void> {
    const { bus, clock, subjects, manifest, instanceId } = this.#options;
    // Without a server there is nobody to tell.
    const flushed = bus.flush().catch(() => undefined);
    await Promise.race([flushed, delay(clock, UNREGISTER_TIMEOUT_MS)]);
    // Without an answer the coordinator notices by the missing heartbeats.
    await requestMessage(bus, subjects.unregister, {
      type: "Unregister",
      value: { instance_id: instanceId, system: manifest.name },
      replyType: "UnregisterReply",
      timeoutMs: UNREGISTER_TIMEOUT_MS,
    }).catch(() => undefined);
    this.#probe?.unsubscribe();
  }

  /** Registers, once however many ask for it at a time. */
  #make(): Promise<void> {
    this.#making ??= this.#register().finally(() => this.#making = undefined);
    return this.#making;
  }

  async #register(): Promise<void> {
    const { clock, report, manifest } = this.#options;
    let said = "";
    while (!this.#stopping.signal.aborted) {
      const refusal = await this.#tryRegister();
      if (refusal === undefined) {
        report.info(`registered with the coordinator as an instance of ${manifest.name}`);
        return;
      }
      if (refusal !== said) report.warn(refusal);
      said = refusal;
      await delay(clock, RETRY_MS, this.#stopping.signal);
    }
  }

  /** Why it did not work, or undefined when it did. */
  async #tryRegister(): Promise<string | undefined> {
    const { subjects, manifest, instanceId, credits, onTerm } = this.#options;
    try {
      const { accepted, reason, epoch, heartbeat_ms } = await this.#request(subjects.register, {
        type: "SystemDescriptor",
        replyType: "RegisterReply",
        value: {
          protocol: PROTOCOL_VERSION,
          name: manifest.name,
          instance_id: instanceId,
          query: signatureText(manifest),
          schema_hash: systemSignature(manifest),
          credits,
          probes: true,
        },
      });
      if (!accepted) return `Cannot register: ${reason}`;
      this.#heartbeatMs = heartbeat_ms;
      const isNew = epoch !== this.#epoch;
      this.#epoch = epoch;
      if (isNew) onTerm();
      return undefined;
    } catch (error) {
      if (error instanceof NoRespondersError) return "waiting for a coordinator";
      return `Cannot register: ${errorMessage(error)}; trying again`;
    }
  }

  async #beat(): Promise<void> {
    const { clock, subjects, manifest, instanceId, report, vitals } = this.#options;
    const { signal } = this.#stopping;
    let since = clock.now();
    let isAlone = false;
    while (!signal.aborted) {
      this.#pause = new AbortController();
      await delay(clock, this.#heartbeatMs, this.#pause.signal);
      if (signal.aborted) return;
      const now = clock.now();
      const value = { instance_id: instanceId, system: manifest.name, ...vitals(now - since) };
      since = now;
      try {
        const reply = await this.#request(subjects.heartbeat, {
          type: "Heartbeat",
          replyType: "HeartbeatReply",
          value,
        });
        if (!reply.known) await this.#make();
        isAlone = false;
      } catch (error) {
        if (!isAlone) report.warn(`no answer from the coordinator: ${errorMessage(error)}`);
        isAlone = true;
      }
    }
  }

  #hearLease(message: Message): void {
    try {
      const { epoch } = decodeMessage("Lease", message);
      // Whoever led before may still speak.
      if (this.#epoch > 0 && epoch > this.#epoch) this.#make();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }

  #request<T extends MessageType, R extends MessageType>(
    subject: string,
    request: Pick<WireRequest<T, R>, "type" | "value" | "replyType">,
  ): Promise<MessageOf<R>> {
    const { bus, instanceId } = this.#options;
    const fields = { instance: instanceId };
    return requestMessage(bus, subject, { ...request, fields, timeoutMs: REQUEST_TIMEOUT_MS });
  }
}
