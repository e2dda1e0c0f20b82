/**
 * Subjects: names of dot-separated tokens, as NATS has them. A pattern may hold
 * the wildcards `*`, which stands for one token, and a final `>`, which stands
 * for one or more.
 *
 * @module
 */

const STAR_CODE = "*".charCodeAt(0);
const REST_CODE = ">".charCodeAt(0);

/** Whether `subject`, which holds no wildcards, is among those that `pattern` stands for. */
export function matchesSubject(pattern: string, subject: string): boolean {
  let p = 0;
  let s = 0;
  while (p < pattern.length && s < subject.length) {
    const code = pattern.charCodeAt(p);
    if (code === REST_CODE) return true;
    if (code === STAR_CODE) {
      const dot = subject.indexOf(".", s);
      s = dot === -1 ? subject.length : dot;
    } else if (code === subject.charCodeAt(s)) {
      s++;
    } else {
      return false;
    }
    p++;
  }
  return p === pattern.length && s === subject.length;
}

/** Whether `pattern` holds a wildcard. */
export function hasWildcard(pattern: string): boolean {
  return pattern.includes("*") || pattern.includes(">");
}

/** Whether `subject` is one that can be published to. */
export function isSubject(subject: string): boolean {
  return findFault(subject) === undefined && !hasWildcard(subject);
}

/** @throws {TypeError} unless `subject` is one that can be published to. */
export function checkSubject(subject: string): void {
  const fault = findFault(subject);
  if (fault !== undefined) throw new TypeError(`Cannot publish to "${subject}": ${fault}`);
  if (hasWildcard(subject)) {
    throw new TypeError(`Cannot publish to "${subject}": it holds a wildcard`);
  }
}

/** @throws {TypeError} unless `pattern` is one that can be subscribed to. */
export function checkPattern(pattern: string): void {
  const fault = findFault(pattern) ?? findWildcardFault(pattern);
  if (fault !== undefined) throw new TypeError(`Cannot subscribe to "${pattern}": ${fault}`);
}

function findFault(subject: string): string | undefined {
  if (/\s/.test(subject)) return "it holds white space";
  const hasEmptyToken = subject === "" || subject.startsWith(".") || subject.endsWith(".") ||
    subject.includes("..");
  return hasEmptyToken ? "it has an empty token" : undefined;
}

function findWildcardFault(pattern: string): string | undefined {
  if (!hasWildcard(pattern)) return undefined;
  const tokens = pattern.split(".");
  for (const [index, token] of tokens.entries()) {
    if (token.length > 1 && hasWildcard(token)) return `a wildcard is a token of its own`;
    if (token === ">" && index < tokens.length - 1) return `">" is the last token or none`;
  }
  return undefined;
}
