import { assertEquals } from "@std/assert";
import { limitWarnings, type Report } from "../lib/report.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

function limited(): { lines: string[]; report: Report; clock: VirtualClock } {
  const lines: string[] = [];
  const clock = new VirtualClock();
  const target: Report = {
    info: (line) => lines.push(`info ${line}`),
    warn: (line) => lines.push(`warn ${line}`),
  };
  return { lines, clock, report: limitWarnings(target, clock) };
}

Deno.test("limitWarnings() passes five warnings a second, and says how many it kept back", () => {
  const { lines, report, clock } = limited();
  for (let i = 1; i <= 8; i++) report.warn(`${i}`);
  assertEquals(lines, ["warn 1", "warn 2", "warn 3", "warn 4", "warn 5"]);
  clock.advance(999);
  report.warn("9");
  assertEquals(lines.length, 5);
  clock.advance(1);
  report.warn("10");
  assertEquals(lines.slice(5), ["warn 4 more warnings in the second before", "warn 10"]);
});

Deno.test("limitWarnings() says nothing of warnings kept back where there were none", () => {
  const { lines, report, clock } = limited();
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 5; i++) report.warn("x");
    clock.advance(1000);
  }
  assertEquals(lines, new Array(15).fill("warn x"));
});

Deno.test("limitWarnings() passes on what is no warning, always", () => {
  const { lines, report } = limited();
  for (let i = 0; i < 20; i++) report.warn("x");
  for (let i = 0; i < 20; i++) report.info("y");
  assertEquals(lines.filter((line) => line === "info y").length, 20);
});
