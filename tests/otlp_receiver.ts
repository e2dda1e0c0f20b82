/**
 * A stand-in for a back end of OpenTelemetry: takes what processes export over
 * OTLP, as HTTP and JSON.
 *
 * @module
 */

/** Values of attributes, by name. */
export type AttributeValues = Readonly<Record<string, string | number | undefined>>;

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly kind: number;
  readonly attributes: AttributeValues;
}

export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly points: readonly AttributeValues[];
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly doubleValue?: number };
}

interface OtlpSpan extends Omit<ReceivedSpan, "attributes" | "service"> {
  readonly attributes?: readonly OtlpAttribute[];
}

interface OtlpPoints {
  readonly dataPoints: readonly { readonly attributes?: readonly OtlpAttribute[] }[];
}

interface OtlpMetric {
  readonly name: string;
  readonly unit: string;
  readonly sum?: OtlpPoints;
  readonly gauge?: OtlpPoints;
  readonly histogram?: OtlpPoints;
}

interface Otlp {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly OtlpMetric[] }[];
  }[];
  readonly resourceLogs?: readonly {
    readonly scopeLogs: readonly {
      readonly logRecords: readonly { readonly body: { readonly stringValue?: string } }[];
    }[];
  }[];
}

export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  readonly metrics = new Map<string, ReceivedMetric>();
  readonly logs: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        this.#take(await request.json());
        return Response.json({});
      },
    );
  }

  /** What makes a process export to here, soon after something has happened. */
  environment(service: string): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }

  #take({ resourceSpans = [], resourceMetrics = [], resourceLogs = [] }: Otlp): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = String(valuesOf(resource.attributes)["service.name"]);
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({ ...span, service, attributes: valuesOf(span.attributes) });
      }
    }
    for (const metric of resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)) {
      for (const { name, unit, ...kinds } of metric.metrics) {
        const { dataPoints = [] } = kinds.sum ?? kinds.gauge ?? kinds.histogram ?? {};
        const points = dataPoints.map(({ attributes }) => valuesOf(attributes));
        this.metrics.set(name, { name, unit, points });
      }
    }
    for (const { logRecords } of resourceLogs.flatMap(({ scopeLogs }) => scopeLogs)) {
      this.logs.push(...logRecords.map(({ body }) => body.stringValue ?? ""));
    }
  }
}

function valuesOf(attributes: readonly OtlpAttribute[] = []): AttributeValues {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.doubleValue]),
  );
}
