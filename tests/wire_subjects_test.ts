import { assert, assertEquals, assertThrows } from "@std/assert";
import { matchesSubject } from "../lib/bus/subject.ts";
import { UserError } from "../lib/user_error.ts";
import { createSubjects, type Subjects } from "../lib/wire/subjects.ts";

/** One concrete subject of each kind. */
function concrete(subjects: Subjects): string[] {
  const {
    prefix: _,
    streams: __,
    schedule,
    probe,
    componentSet,
    componentChanged,
    event,
    snapshot,
    pastView,
    ...constants
  } = subjects;
  return [
    ...Object.values(constants),
    schedule("physics"),
    schedule("physics", "physics-1"),
    probe("physics-1"),
    componentSet("physics", "obstacles", 3),
    componentChanged("physics"),
    event("system.up"),
    snapshot("t7"),
    snapshot("t7", 0),
    pastView("editor-1"),
  ];
}

Deno.test("createSubjects() puts every subject under the prefix, and no two alike", () => {
  for (const prefix of ["engine", "worlds.north", "a_b-c"]) {
    const subjects = concrete(createSubjects(prefix));
    for (const subject of subjects) assert(subject.startsWith(`${prefix}.`), subject);
    assertEquals(new Set(subjects).size, subjects.length);
  }
});

Deno.test("createSubjects() uses `engine` by default, and takes a prefix with its final dot", () => {
  assertEquals(createSubjects().tick, "engine.coord.tick");
  assertEquals(createSubjects("worlds.north.").tick, "worlds.north.coord.tick");
});

Deno.test("createSubjects() refuses a prefix that is no sequence of tokens", () => {
  for (const prefix of ["", ".", "a..b", ".a", "a.*", ">", "a b", "ä", "a.b..", "$JS"]) {
    assertThrows(() => createSubjects(prefix), UserError, `"${prefix}"`);
  }
});

Deno.test("createSubjects() names streams by the prefix, without dots", () => {
  assertEquals(createSubjects("worlds.north").streams, {
    components: "WORLDS_NORTH_COMPONENTS",
    sets: "WORLDS_NORTH_SETS",
    snapshots: "WORLDS_NORTH_SNAPSHOTS",
  });
});

Deno.test("patterns of subjects match their own kind of subject and no other", () => {
  const subjects = createSubjects();
  const patterns: [pattern: string, only: string][] = [
    [subjects.componentChanged(), subjects.componentChanged("physics")],
    [subjects.componentSet("physics"), subjects.componentSet("physics", "obstacles", 3)],
    [subjects.snapshot("*"), subjects.snapshot("t7")],
    [subjects.snapshot("*", "*"), subjects.snapshot("t7", 0)],
    [subjects.componentSet("*"), subjects.componentSet("physics", "obstacles", 3)],
  ];
  for (const [pattern, only] of patterns) {
    const matched = concrete(subjects).filter((subject) => matchesSubject(pattern, subject));
    assertEquals(matched, [only], pattern);
  }
  assert(!matchesSubject(subjects.componentSet("ai"), subjects.componentSet("physics", "x", 0)));
});
