/**
 * The subjects of the protocol, all under one prefix.
 *
 * @module
 */
import { UserError } from "../user_error.ts";

export const PREFIX_DEFAULT = "engine";

/** One or more NATS tokens, such as `engine` or `worlds.north`. */
const PREFIX_PATTERN = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

export interface Subjects {
  readonly prefix: string;
  readonly tick: string;
  readonly tickDone: string;
  readonly commit: string;
  readonly lease: string;
  readonly control: string;
  readonly entityCreate: string;
  readonly entityDestroy: string;
  readonly entityCommand: string;
  readonly register: string;
  readonly unregister: string;
  readonly heartbeat: string;
  readonly queryRequest: string;
  readonly queryWatch: string;
  readonly querySchema: string;
  readonly queryGraph: string;
  readonly queryTrace: string;
  readonly querySystems: string;
  readonly supervisorControl: string;
  readonly pastOpen: string;
  readonly pastClose: string;
  readonly pastFork: string;
  /**
   * Schedules of one system; its instances subscribe as a queue group. With an
   * instance: those for it alone, because it keeps their rows.
   */
  schedule(system: string, instance?: string): string;
  /** Where one instance listens, so that the server tells when it does not any more. */
  probe(instance: string): string;
  /** One part of a broadcast set; without `set` and `part`, all parts of all of a system's sets. */
  componentSet(system: string, set?: string, part?: number): string;
  /** What instances of one system changed; without a system, of all. */
  componentChanged(system?: string): string;
  event(topic: string): string;
  /** A snapshot's manifest, or one of its parts; with `*` for either, all of them. */
  snapshot(id: string, part?: number | "*"): string;
  /** The prefix under which a view of the past answers. */
  pastView(id: string): string;
  /** The names of the streams that keep this prefix's messages. */
  readonly streams: {
    readonly components: string;
    readonly sets: string;
    readonly snapshots: string;
  };
}

/**
 * @param prefix with or without a final dot
 * @throws {UserError} when it is no sequence of NATS tokens.
 */
export function createSubjects(prefix: string = PREFIX_DEFAULT): Subjects {
  const root = prefix.replace(/\.$/, "");
  if (!PREFIX_PATTERN.test(root)) {
    throw new UserError(
      `Cannot use the prefix "${prefix}": it takes letters, digits, "_" and "-", in parts joined by "."`,
    );
  }
  const streamRoot = root.replaceAll(".", "_").toUpperCase();
  return {
    prefix: root,
    tick: `${root}.coord.tick`,
    tickDone: `${root}.coord.tick.done`,
    commit: `${root}.coord.commit`,
    lease: `${root}.coord.lease`,
    control: `${root}.coord.control`,
    entityCreate: `${root}.entity.create`,
    entityDestroy: `${root}.entity.destroy`,
    entityCommand: `${root}.entity.command`,
    register: `${root}.system.register`,
    unregister: `${root}.system.unregister`,
    heartbeat: `${root}.system.heartbeat`,
    queryRequest: `${root}.query.request`,
    queryWatch: `${root}.query.watch`,
    querySchema: `${root}.query.schema`,
    queryGraph: `${root}.query.graph`,
    queryTrace: `${root}.query.trace`,
    querySystems: `${root}.query.systems`,
    supervisorControl: `${root}.supervisor.control`,
    pastOpen: `${root}.past.open`,
    pastClose: `${root}.past.close`,
    pastFork: `${root}.past.fork`,
    schedule: (system, instance) =>
      `${root}.system.schedule.${system}${instance === undefined ? "" : `.${instance}`}`,
    probe: (instance) => `${root}.system.probe.${instance}`,
    componentSet: (system, set, part) =>
      `${root}.component.set.${system}.${set === undefined ? ">" : `${set}.${part}`}`,
    componentChanged: (system = "*") => `${root}.component.changed.${system}`,
    event: (topic) => `${root}.event.${topic}`,
    snapshot: (id, part) => `${root}.snapshot.${id}${part === undefined ? "" : `.${part}`}`,
    pastView: (id) => `${root}.past.view.${id}`,
    streams: {
      components: `${streamRoot}_COMPONENTS`,
      sets: `${streamRoot}_SETS`,
      snapshots: `${streamRoot}_SNAPSHOTS`,
    },
  };
}
