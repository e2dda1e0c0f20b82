/**
 * What the end-to-end tests share: projects in temp folders, programs as child
 * processes whose output is waited for, and a client on the bus to look on.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { Program, type ProgramOptions } from "../chaos/program.ts";
import {
  type Final,
  type LocalWorld,
  openLocalWorld,
  runUndisturbed,
} from "../chaos/undisturbed.ts";
import { within } from "../chaos/wait.ts";
import type { SnapshotPolicy } from "../coordinator/snapshotter.ts";
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import type { NatsSecrets } from "../lib/bus/nats_access.ts";
import { connectNats } from "../lib/bus/nats_bus.ts";
import { writeGeneratedFiles } from "../lib/manifest/generated_files.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import { decodeMessage, decodePayload } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import { requestMessage } from "../lib/wire/request.ts";
import { createSubjects } from "../lib/wire/subjects.ts";

export { Program } from "../chaos/program.ts";
export type { Final, LocalWorld } from "../chaos/undisturbed.ts";
export { poll } from "../chaos/wait.ts";

export const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
export const PROGRAMS = {
  coord: `${REPOSITORY}coordinator/main.ts`,
  demo: `${REPOSITORY}coordinator/demo_main.ts`,
  ctl: `${REPOSITORY}operator/ctl_main.ts`,
  editor: `${REPOSITORY}editor/main.ts`,
  despawn: `${REPOSITORY}operator/despawn_main.ts`,
  plan: `${REPOSITORY}coordinator/plan_main.ts`,
  query: `${REPOSITORY}operator/query_main.ts`,
  set: `${REPOSITORY}operator/set_main.ts`,
  spawn: `${REPOSITORY}operator/spawn_main.ts`,
  top: `${REPOSITORY}operator/top_main.ts`,
  snapshot: `${REPOSITORY}coordinator/snapshot_main.ts`,
  replay: `${REPOSITORY}coordinator/replay_main.ts`,
  system: `${REPOSITORY}lib/runtime/main.ts`,
  types: `${REPOSITORY}lib/manifest/types_main.ts`,
  new: `${REPOSITORY}lib/manifest/new_main.ts`,
} as const;

/** Generous, since the machine may be busy; nothing waits for it to pass. */
const REQUEST_TIMEOUT_MS = 20_000;

/** A user's project in a temp folder, outside of the repository. */
export interface Project extends AsyncDisposable {
  readonly path: string;
  /** Absolute path of the folder of manifests. */
  readonly manifests: string;
}

/** Writes a project's files, by path relative to it, and generates its component handles. */
export async function createProject(files: Readonly<Record<string, string>>): Promise<Project> {
  const path = await Deno.makeTempDir({ prefix: "orrery-e2e-" });
  const manifests = `${path}/manifests`;
  for (const [file, text] of Object.entries(files)) {
    const target = `${path}/${file}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(target, text);
  }
  await writeGeneratedFiles(await loadManifests(manifests));
  return { path, manifests, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Runs one of the programs, as its task does. */
export function startProgram(
  program: keyof typeof PROGRAMS,
  args: readonly string[],
  options: ProgramOptions = {},
): Program {
  const fixed = ["run", "-A", "-q", "--config", `${REPOSITORY}deno.json`, PROGRAMS[program]];
  return new Program(Deno.execPath(), [...fixed, ...args], {
    name: `${program} ${args.join(" ")}`,
    ...options,
  });
}

/** Where a test's programs meet. */
export interface Meeting {
  readonly project: Pick<Project, "manifests">;
  readonly url: string;
  readonly prefix?: string;
}

function meetingFlags({ project, url, prefix }: Meeting): string[] {
  const flags = ["--manifests", project.manifests, "--nats", url];
  return prefix === undefined ? flags : [...flags, "--prefix", prefix];
}

export function startCoordinator(meeting: Meeting, args: readonly string[] = []): Program {
  return startProgram("coord", [...meetingFlags(meeting), ...args]);
}

export function startInstance(
  meeting: Meeting,
  system: string,
  options: ProgramOptions & { readonly args?: readonly string[] } = {},
): Program {
  const { args = [], ...rest } = options;
  return startProgram("system", [system, ...meetingFlags(meeting), ...args], rest);
}

/** Waits for a program's end and returns the object on its last line. */
export async function finalOf<T extends Final = Final>(program: Program): Promise<T> {
  const code = await program.code();
  if (code !== 0) throw new Error(`Ended with code ${code}\n${program.output}`);
  return JSON.parse(program.stdout.at(-1) ?? "") as T;
}

/** A client that looks on, and may take part. */
export class Onlooker implements AsyncDisposable {
  readonly bus: Bus;
  readonly log: Log;
  readonly subjects: ReturnType<typeof createSubjects>;

  private constructor({ bus, log }: { bus: Bus; log: Log }, prefix?: string) {
    this.bus = bus;
    this.log = log;
    this.subjects = createSubjects(prefix);
  }

  static async connect(
    { url, prefix, secrets = {} }: { url: string; prefix?: string; secrets?: NatsSecrets },
  ): Promise<Onlooker> {
    const options = { servers: url, secrets, name: "test", onError: () => {} };
    return new Onlooker(await connectNats(options), prefix);
  }

  /** Messages of a type as they come; `first` resolves with the first that fits. */
  async watch<T extends MessageType>(subject: string, type: T): Promise<Watched<T>> {
    const watched = new Watched<T>(type);
    this.bus.subscribe(subject, (message) => watched.push(message));
    await this.bus.flush();
    return watched;
  }

  control(value: MessageOf<"Control">): Promise<MessageOf<"ControlReply">> {
    return requestMessage(this.bus, this.subjects.control, {
      type: "Control",
      value,
      replyType: "ControlReply",
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
  }

  status(): Promise<MessageOf<"ControlReply">> {
    return this.control({ op: "status" });
  }

  /** Every commit in the log, oldest first. */
  async commits(): Promise<MessageOf<"TickCommit">[]> {
    const { streams, commit } = this.subjects;
    const entries = await Array.fromAsync(this.log.read(streams.components, { filter: commit }));
    return entries.filter(({ headers }) => headers["msg-type"] === "TickCommit")
      .map(({ data }) => decodePayload("TickCommit", data));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.bus.close();
  }
}

class Watched<T extends MessageType> {
  readonly seen: MessageOf<T>[] = [];
  readonly #type: T;
  readonly #waiting = new Set<() => void>();

  constructor(type: T) {
    this.#type = type;
  }

  push(message: Message): void {
    if (message.headers["msg-type"] !== this.#type) return;
    this.seen.push(decodeMessage(this.#type, message));
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves with the first message that fits, past or yet to come. */
  first(what: string, fits: (value: MessageOf<T>) => boolean): Promise<MessageOf<T>> {
    const found = Promise.withResolvers<MessageOf<T>>();
    const look = () => {
      const value = this.seen.find(fits);
      if (value === undefined) return;
      this.#waiting.delete(look);
      found.resolve(value);
    };
    this.#waiting.add(look);
    look();
    return within(found.promise, () => what);
  }
}

/** The numbers 1 to `last`. */
export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}

export interface LocalOptions {
  readonly seed?: number;
  readonly hz?: number;
  /** By default the folder's first. */
  readonly world?: string;
  /** What the manifests are to be like instead. */
  readonly change?: (manifests: Manifests) => Manifests;
  readonly snapshots?: SnapshotPolicy;
}

/** Runs the world of `folder` in this process; `use` is called before its first tick. */
export async function withLocal<T>(
  folder: string,
  options: LocalOptions,
  use: (world: LocalWorld) => Promise<T>,
): Promise<T> {
  const { hz = 60, change = (manifests) => manifests, world, seed, snapshots } = options;
  const manifests = change(await loadManifests(folder));
  await using local = await openLocalWorld({ manifests, hz, world, seed, snapshots });
  return await use(local);
}

/** The outcome of `ticks` undisturbed ticks in this process. */
export async function runLocal(
  folder: string,
  ticks: number,
  options: LocalOptions = {},
): Promise<Final> {
  const { hz = 60, change = (manifests) => manifests, world, seed } = options;
  return await runUndisturbed(ticks, {
    manifests: change(await loadManifests(folder)),
    hz,
    world,
    seed,
  });
}
