/**
 * What may happen to a run's processes, and the choice among it: pure, so that a
 * seed always gives the same faults.
 *
 * @module
 */

/** The names of the players, by what they are now. */
export interface Cast {
  readonly server: string;
  readonly leader: string;
  readonly standby: string | undefined;
  /** By system. */
  readonly instances: ReadonlyMap<string, readonly string[]>;
}

/** One fault: all of `victims` at once. */
export interface Fault {
  readonly name: string;
  readonly signal: "SIGKILL" | "SIGSTOP";
  readonly victims: readonly string[];
  /** When they are started again, or continued. */
  readonly backAfterMs: number;
}

type Choose = (cast: Cast, random: () => number) => readonly string[];

interface FaultKind {
  readonly name: string;
  readonly signal: Fault["signal"];
  /** How often it is drawn, as compared to the others. */
  readonly weight: number;
  readonly needsStandby: boolean;
  readonly choose: Choose;
}

/** A killed process is started again within this, */
const RESTART_MAX_MS = 500;
/** and a stopped one goes on within this: longer than a deadline, a lease and some heartbeats. */
const PAUSE_MAX_MS = 3000;

const server: Choose = (cast) => [cast.server];
const leader: Choose = (cast) => [cast.leader];
const standby: Choose = (cast) => cast.standby === undefined ? [] : [cast.standby];
const instance: Choose = ({ instances }, random) => [draw([...instances.values()].flat(), random)];
const system: Choose = ({ instances }, random) => draw([...instances.values()], random);
const together = (...choices: Choose[]): Choose => (cast, random) =>
  choices.flatMap((choose) => choose(cast, random));
const everyInstance: Choose = ({ instances }) => [...instances.values()].flat();

const KINDS: readonly FaultKind[] = [
  kill("an instance", 4, instance),
  kill("a system", 2, system),
  kill("the coordinator", 4, leader),
  { ...kill("the standby", 2, standby), needsStandby: true },
  { ...kill("both coordinators", 2, together(leader, standby)), needsStandby: true },
  kill("nats-server", 4, server),
  kill("nats-server and an instance", 2, together(server, instance)),
  kill("nats-server and the coordinator", 2, together(server, leader)),
  kill("everything", 1, together(server, leader, standby, everyInstance)),
  stop("an instance", 4, instance),
  stop("the coordinator", 4, leader),
  { ...stop("the standby", 2, standby), needsStandby: true },
  stop("nats-server", 4, server),
];

export function drawFault(cast: Cast, random: () => number): Fault {
  const kinds = KINDS.filter(({ needsStandby }) => !needsStandby || cast.standby !== undefined);
  const { name, signal, choose } = drawWeighted(kinds, random);
  const backMaxMs = signal === "SIGKILL" ? RESTART_MAX_MS : PAUSE_MAX_MS;
  const victims = choose(cast, random);
  return { name, signal, victims, backAfterMs: Math.round(random() * backMaxMs) };
}

function kill(whom: string, weight: number, choose: Choose): FaultKind {
  return { name: `kill ${whom}`, signal: "SIGKILL", weight, needsStandby: false, choose };
}

function stop(whom: string, weight: number, choose: Choose): FaultKind {
  return { name: `stop ${whom}`, signal: "SIGSTOP", weight, needsStandby: false, choose };
}

function drawWeighted(kinds: readonly FaultKind[], random: () => number): FaultKind {
  let at = random() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  return kinds.find(({ weight }) => (at -= weight) < 0) ?? kinds[0];
}

function draw<T>(choices: readonly T[], random: () => number): T {
  return choices[Math.floor(random() * choices.length)];
}
