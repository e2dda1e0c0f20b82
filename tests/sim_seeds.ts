/**
 * Seeds of the simulation that once failed, and what they found.
 *
 * @module
 */
export const SEEDS_THAT_FAILED: readonly {
  readonly seed: number;
  readonly bug: string;
  /** Whether it failed with the snapshots that it draws; absent: without. */
  readonly hasSnapshots?: true;
}[] = [
  { seed: 34, bug: "a system's broadcast of what it writes itself was a tick old" },
  { seed: 59, bug: "a system's broadcast of what it writes itself was a tick old" },
  { seed: 252, bug: "broadcast sets that the stream had lost were never sent again" },
  { seed: 366, bug: "broadcast sets that the stream had lost were never sent again" },
  { seed: 46, bug: "a commit named results that had not reached the log" },
  { seed: 127, bug: "a commit named results that had not reached the log" },
  { seed: 38, bug: "a skipped system whose shards were all blocked woke up without end" },
  { seed: 75, bug: "a skipped system whose shards were all blocked woke up without end" },
  { seed: 1, bug: "an instance that was stopped failed when the connection broke meanwhile" },
  { seed: 9, bug: "an instance that was stopped failed when the connection broke meanwhile" },
  { seed: 541, bug: "a snapshot of which a part was stored twice could not be read" },
  { seed: 567, bug: "a snapshot of which a part was stored twice could not be read" },
  { seed: 4031065779, bug: "a trace did not fit into a message" },
  { seed: 4031065917, bug: "a trace did not fit into a message" },
  { seed: 1498056665, bug: "a trace did not fit into a message" },
  {
    seed: 3352091456,
    bug: "a coordinator whose place was taken while it began answered from its own tick",
  },
  {
    seed: 3352094774,
    bug: "a coordinator held a tick for ever, whose successor had come and gone unheard",
  },
  {
    seed: 1498055992,
    bug: "a commit named a result that was lost, since another instance's was stored",
  },
  {
    seed: 1496131688,
    bug: "the simulation took what a succeeded coordinator was asked for too much",
    hasSnapshots: true,
  },
  {
    seed: 14,
    bug: "a log that was cut to a newer snapshot while it was read ended its reader",
    hasSnapshots: true,
  },
  {
    seed: 3959429110,
    bug: "a log that was cut to a newer snapshot while it was read, twice, ended its reader",
    hasSnapshots: true,
  },
];
