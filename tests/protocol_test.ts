import { assert, assertEquals } from "@std/assert";
import { archetypeId } from "../lib/ecs/archetype.ts";
import { digestHex } from "../lib/ecs/digest.ts";
import { FIELD_TYPES, rowBytesOf } from "../lib/ecs/field_type.ts";
import { parseManifests } from "../lib/manifest/manifests.ts";
import { signatureText, systemSignature } from "../lib/manifest/signature.ts";
import { decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import { type MessageOf, MESSAGES, type MessageType } from "../lib/wire/messages.ts";
import { PROTOCOL_VERSION } from "../lib/wire/protocol.ts";
import { createSubjects, PREFIX_DEFAULT, type Subjects } from "../lib/wire/subjects.ts";
import { allKeyRows } from "./message_keys.ts";
import { blockTagged, parseHex, parseValue, readProtocol, type Row } from "./protocol_document.ts";

const document = await readProtocol();
const COMPONENTS = "components.yaml";
const SYSTEM = "chase.yaml";

function manifestsOfDocument() {
  const files = [COMPONENTS, SYSTEM].map((file) =>
    [file, blockTagged(document, `file=${file}`)] as const
  );
  return parseManifests(new Map(files), "/manifests");
}

function rowsBelow(title: string): readonly Row[] {
  const section = document.sections.find((section) => section.title === title);
  assert(section, `the document has a section "${title}"`);
  return section.rows;
}

/** The examples' values and bytes, in pairs. */
function examples() {
  const values = document.blocks.filter(({ tag }) => tag.startsWith("value="));
  const bytes = document.blocks.filter(({ tag }) => tag.startsWith("bytes="));
  assertEquals(
    values.map(({ tag }) => tag.slice("value=".length)),
    bytes.map(({ tag }) => tag.slice("bytes=".length)),
  );
  return values.map(({ tag, text }, i) => ({
    type: tag.slice("value=".length) as MessageType,
    value: parseValue(text) as MessageOf<MessageType>,
    bytes: parseHex(bytes[i].text),
  }));
}

Deno.test("the protocol's document has byte-level examples of the messages that an instance needs", () => {
  const types = new Set<string>(examples().map(({ type }) => type));
  for (const type of ["SystemDescriptor", "SystemSchedule", "ComponentShard", "TickAck"]) {
    assert(types.has(type), type);
  }
  assert(types.has("ComponentSet"));
});

for (const [i, { type, value, bytes }] of examples().entries()) {
  Deno.test(`example ${i + 1} of the protocol's document, ${type}, encodes to its bytes`, () => {
    assertEquals(new Uint8Array(encodeMessage(type, value).data), bytes);
  });

  Deno.test(`example ${i + 1} of the protocol's document, ${type}, decodes to its value`, () => {
    assertEquals(copyBytes(decodePayload(type, bytes)), value);
  });
}

/** Decoded bin values may be views of another class; only their bytes are compared. */
function copyBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(copyBytes);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyBytes(item)]));
}

Deno.test("the protocol's document tabulates every key of every message, and no others", () => {
  const described = allKeyRows();
  for (const [name, rows] of described) {
    const tabulated = rowsBelow(name).map(([key, type, presence]) => [key, type, presence]);
    assertEquals(sorted(tabulated), sorted(rows), name);
  }
  const titles = document.sections.map(({ title }) => title);
  const isMessage = (title: string) => /^[A-Z]\w+[a-z]$/.test(title) && !PROSE_TITLES.has(title);
  assertEquals(
    titles.filter(isMessage).toSorted(),
    [...described.keys()].toSorted(),
  );
});

/** Headings of one word that are no message. */
const PROSE_TITLES = new Set([
  "Columns",
  "Conventions",
  "Ids",
  "Registration",
  "Signature",
  "Snapshots",
  "Streams",
  "Structures",
  "Subjects",
]);

function sorted(rows: readonly (readonly string[])[]): string[] {
  return rows.map((row) => row.join(" | ")).toSorted();
}

type Functions = {
  [K in keyof Subjects as Subjects[K] extends (...args: never[]) => string ? K : never]: unknown;
};

/** Subjects as the document writes them, without the prefix. */
function documentedForms(): string[] {
  const subjects = createSubjects();
  const part = subjects.componentSet("<system>", "<set>", 0);
  // A view's prefix is in its reply, so nobody has to know it.
  const forms: Record<Exclude<keyof Functions, "pastView">, string[]> = {
    schedule: [subjects.schedule("<system>"), subjects.schedule("<system>", "<instance>")],
    probe: [subjects.probe("<instance>")],
    componentSet: [part.replace(/0$/, "<part>")],
    componentChanged: [subjects.componentChanged("<system>")],
    event: [subjects.event("<topic>")],
    snapshot: [
      subjects.snapshot("<id>"),
      subjects.snapshot("<id>", 0).replace(/0$/, "<part>"),
    ],
  };
  const { prefix: _, streams: __, ...others } = subjects;
  const constants = Object.values(others).filter((subject) => typeof subject === "string");
  return [...constants, ...Object.values(forms).flat()]
    .map((subject) => subject.slice(`${PREFIX_DEFAULT}.`.length));
}

Deno.test("the protocol's document lists every subject, and no others", () => {
  const listed = rowsBelow("Subjects").map(([subject]) => subject);
  assertEquals(listed.toSorted(), documentedForms().toSorted());
});

Deno.test("the protocol's document names a message for every subject, and every message but the refusal", () => {
  const named = rowsBelow("Subjects").flatMap((row) => row[3].match(/[A-Z]\w+/g) ?? []);
  assertEquals(
    [...new Set(named)].toSorted(),
    Object.keys(MESSAGES).filter((type) => type !== "Refusal").toSorted(),
  );
});

Deno.test("the protocol's document names the streams as the code does", () => {
  const { components, sets, snapshots } = createSubjects("worlds.north").streams;
  const names = rowsBelow("Streams").map(([name]) => name.replace("<PREFIX>", "WORLDS_NORTH"));
  assertEquals(names, [components, sets, snapshots]);
});

Deno.test("the protocol's document has the bytes per row of every field type", () => {
  const documented = new Map<string, string>();
  for (const [types, sizes] of rowsBelow("Columns")) {
    const sizeList = sizes.split(", ");
    types.replaceAll("`", "").split(", ").forEach((type, i) =>
      documented.set(type, sizeList[i] ?? sizeList[0])
    );
  }
  const actual = FIELD_TYPES.map((type) => [type, `${rowBytesOf(type) || "varies"}`] as const);
  assertEquals(
    [...documented].map((row) => row.join()).toSorted(),
    actual.map((row) => row.join()).toSorted(),
  );
});

Deno.test("the protocol's document has the signature of its own manifest", () => {
  const [system] = manifestsOfDocument().systems;
  assertEquals(signatureText(system), blockTagged(document, "signature"));
  assertEquals(systemSignature(system), blockTagged(document, "digest").trim());
  const descriptor = examples().find(({ type }) => type === "SystemDescriptor")?.value;
  const { protocol, query } = descriptor as MessageOf<"SystemDescriptor">;
  assertEquals({ protocol, query }, { protocol: PROTOCOL_VERSION, query: signatureText(system) });
});

Deno.test("the protocol's document has the ids of its own components and archetype", () => {
  const { schema } = manifestsOfDocument();
  const lines = blockTagged(document, "ids").trim().split("\n");
  for (const line of lines) {
    const [kind, ...words] = line.split(" ");
    const components = words.slice(0, -1).flatMap((name) => schema.get(name) ?? []);
    assertEquals(components.length, words.length - 1);
    const id = kind === "component" ? components[0].id : archetypeId(components);
    assertEquals(digestHex(id), words.at(-1));
  }
});
