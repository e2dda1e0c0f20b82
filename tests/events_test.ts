import { assertEquals } from "@std/assert";
import { EVENTS, isEventTopic, parseEventData } from "../lib/wire/events.ts";
import { readProtocol } from "./protocol_document.ts";

Deno.test("the protocol's document lists every event of the coordinator with its keys, and no others", async () => {
  const { sections } = await readProtocol();
  const rows = sections.find(({ title }) => title === "The coordinator's events")?.rows ?? [];
  const documented = rows.map(([topic, data]) => `${topic} ${data}`);
  const actual = Object.entries(EVENTS).map(([topic, { shape }]) => {
    const keys = Object.keys(shape).join(", ");
    return `${topic} ${keys ? `{ ${keys} }` : "{}"}`;
  });
  assertEquals(documented.toSorted(), actual.toSorted());
});

Deno.test("parseEventData() returns what an event carries, and nothing of what is wrong", () => {
  assertEquals(isEventTopic("system.up"), true);
  assertEquals(isEventTopic("game.over"), false);
  assertEquals(isEventTopic("toString"), false);
  const data = { system: "physics", instance: "physics-1" };
  assertEquals(parseEventData("system.up", data), data);
  assertEquals(parseEventData("system.up", { system: "physics" }), undefined);
  assertEquals(parseEventData("control.paused", {}), {});
});
