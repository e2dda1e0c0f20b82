import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { checkPattern, checkSubject, matchesSubject } from "../lib/bus/subject.ts";

const tokens = fc.array(fc.constantFrom("a", "b", "ab", "$x"), { minLength: 1, maxLength: 4 });
const patterns = fc.tuple(
  fc.array(fc.constantFrom("a", "b", "ab", "$x", "*"), { minLength: 0, maxLength: 4 }),
  fc.boolean(),
).map(([head, rest]) => rest || head.length === 0 ? [...head, ">"] : head);

/** The naive model: a pattern as a regular expression. */
function toRegExp(pattern: string): RegExp {
  const parts = pattern.split(".").map((token) =>
    token === "*" ? "[^.]+" : token === ">" ? ".+" : token.replaceAll("$", "\\$")
  );
  return new RegExp(`^${parts.join("\\.")}$`);
}

Deno.test("matchesSubject() agrees with a regular expression", () => {
  fc.assert(fc.property(patterns, tokens, (patternTokens, subjectTokens) => {
    const [pattern, subject] = [patternTokens.join("."), subjectTokens.join(".")];
    assertEquals(matchesSubject(pattern, subject), toRegExp(pattern).test(subject));
  }));
});

Deno.test("matchesSubject() takes > for one token at least", () => {
  assert(matchesSubject("a.>", "a.b"));
  assert(!matchesSubject("a.>", "a"));
});

Deno.test("checkSubject() and checkPattern() name what is wrong", () => {
  assertThrows(() => checkSubject("a..b"), TypeError, `Cannot publish to "a..b": it has an empty`);
  assertThrows(() => checkSubject("a.>"), TypeError, "it holds a wildcard");
  assertThrows(() => checkPattern("a.>.b"), TypeError, `">" is the last token`);
  assertThrows(() => checkPattern("a.b*"), TypeError, "a token of its own");
  checkSubject("engine.coord.tick");
  checkPattern("engine.*.tick.>");
});
