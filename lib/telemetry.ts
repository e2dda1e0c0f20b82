/**
 * Traces and metrics by OpenTelemetry, as Deno exports them where `OTEL_DENO=true`:
 * elsewhere nothing is recorded, and what is here costs next to nothing. A trace
 * goes from process to process in the header `traceparent`, as the W3C's Trace
 * Context has it.
 *
 * @module
 */
import {
  type Attributes,
  context,
  type Meter,
  metrics,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Headers } from "./bus/bus.ts";
import { systemOriginMs } from "./clock.ts";

export type { Histogram, Observable, ObservableResult } from "@opentelemetry/api";

const SCOPE = "orrery";
const NOTHING: Headers = Object.freeze({});

export interface SpanOptions {
  readonly attributes?: Attributes;
  /** Whether it asks another process to do something, or does what another one asked for. */
  readonly side?: "asks" | "answers";
}

const KINDS = { asks: SpanKind.CLIENT, answers: SpanKind.SERVER };

/** A part of a trace that has begun; nothing at all where no trace is recorded. */
export class TraceSpan {
  readonly #span: Span;
  readonly #context: ReturnType<typeof context.active>;

  private constructor(name: string, { attributes = {}, side }: SpanOptions, parent: Parent) {
    const kind = side === undefined ? SpanKind.INTERNAL : KINDS[side];
    const root = parent === undefined;
    const outer = parent ?? context.active();
    this.#span = trace.getTracer(SCOPE).startSpan(name, { attributes, kind, root }, outer);
    this.#context = trace.setSpan(outer, this.#span);
  }

  /** Begins a trace of its own. */
  static root(name: string, options: SpanOptions = {}): TraceSpan {
    return new TraceSpan(name, options, undefined);
  }

  /** Goes on with the trace that came with a message. */
  static from(headers: Headers, name: string, options: SpanOptions = {}): TraceSpan {
    return new TraceSpan(name, options, propagation.extract(context.active(), headers));
  }

  /** False where nobody will ever see it. */
  get isRecording(): boolean {
    return this.#span.isRecording();
  }

  /** The headers by which another process goes on with the trace. */
  get headers(): Headers {
    if (!this.isRecording) return NOTHING;
    const headers: Record<string, string> = {};
    propagation.inject(this.#context, headers);
    return headers;
  }

  /** Begins a part of this one. */
  child(name: string, options: SpanOptions = {}): TraceSpan {
    return new TraceSpan(name, options, this.#context);
  }

  /** Calls `work` as part of the span, so that what is traced or logged there belongs to it. */
  run<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  fail(message: string): void {
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
  }

  /** @param at when it ended, on the machine's own clock; now by default */
  end(at?: number): void {
    this.#span.end(at === undefined ? undefined : systemOriginMs() + at);
  }
}

type Parent = ReturnType<typeof context.active> | undefined;

/** Where metrics are made. */
export function getMeter(): Meter {
  return metrics.getMeter(SCOPE);
}
