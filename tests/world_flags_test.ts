import { assertEquals, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "commander";
import { parseSnapshotEvery } from "../coordinator/world_flags.ts";

Deno.test("parseSnapshotEvery() takes durations, ticks and never", () => {
  assertEquals(parseSnapshotEvery("500ms"), { ms: 500 });
  assertEquals(parseSnapshotEvery("30s"), { ms: 30_000 });
  assertEquals(parseSnapshotEvery("1.5m"), { ms: 90_000 });
  assertEquals(parseSnapshotEvery("2h"), { ms: 7_200_000 });
  assertEquals(parseSnapshotEvery("600"), { ticks: 600 });
  assertEquals(parseSnapshotEvery("never"), "never");
});

Deno.test("parseSnapshotEvery() refuses anything else", () => {
  for (const text of ["", "0", "0s", "-1s", "1.5", "s", "1d", "10 s", "1e3", "9007199254740993"]) {
    assertThrows(() => parseSnapshotEvery(text), InvalidArgumentError, "30s");
  }
});
