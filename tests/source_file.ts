/**
 * What the tidy test knows of a source file: its imports and exports, its
 * functions, and what it takes from the machine. Parsed by Deno's own linter.
 *
 * @module
 */
import { dirname, join, normalize } from "node:path";

export interface Import {
  /** Path of the imported file from the repository's root, or the name of a package. */
  readonly target: string;
  /** True for a file of this repository, under whatever name it is imported. */
  readonly isFile: boolean;
  /** As `deno.json` names it; undefined for a relative import. */
  readonly alias: string | undefined;
  /** Imported names; undefined: all. */
  readonly names: readonly string[] | undefined;
}

export interface Export {
  readonly name: string;
  readonly isType: boolean;
}

export interface FunctionLength {
  /** 1 for the file's first. */
  readonly line: number;
  readonly lines: number;
}

export interface SourceFile {
  /** From the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  readonly functions: readonly FunctionLength[];
  /** Globals of the machine that it uses, such as `Deno` or `Math.random`. */
  readonly globals: ReadonlySet<string>;
  /** Lines with the type `any`. */
  readonly anys: readonly number[];
  /** Lines with a `!` that asserts a value to be there. */
  readonly assertions: readonly number[];
  /** Lines with a test that is left out, or leaves out others. */
  readonly partialTests: readonly number[];
}

/** What a file collects while it is parsed. */
interface Found {
  readonly imports: Import[];
  readonly exports: Export[];
  readonly functions: FunctionLength[];
  readonly globals: Set<string>;
  readonly anys: number[];
  readonly assertions: number[];
  readonly partialTests: number[];
}

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** Objects of which all, or the named members only, are of the machine. */
const GLOBAL_OBJECTS: Readonly<Record<string, readonly string[] | "all">> = {
  Deno: "all",
  console: "all",
  crypto: "all",
  performance: "all",
  Date: "all",
  Math: ["random"],
};
const GLOBAL_FUNCTIONS = ["setTimeout", "setInterval", "fetch"];

/** @param aliases the import map's names for files of the repository */
export function parseSource(
  path: string,
  text: string,
  aliases: Readonly<Record<string, string>>,
): SourceFile {
  const found: Found = {
    imports: [],
    exports: [],
    functions: [],
    globals: new Set(),
    anys: [],
    assertions: [],
    partialTests: [],
  };
  const lineOf = ({ range }: { range: Deno.lint.Range }) =>
    text.slice(0, range[0]).split("\n").length;
  const visitor = {
    ...moduleVisitor(found, (specifier) => resolveImport(path, specifier, aliases)),
    ...codeVisitor(found, lineOf),
  };
  Deno.lint.runPlugin(
    { name: "tidy", rules: { collect: { create: () => visitor } } },
    path,
    text,
  );
  return { path, text, ...found };
}

function resolveImport(
  path: string,
  specifier: string,
  aliases: Readonly<Record<string, string>>,
): Omit<Import, "names"> {
  if (specifier.startsWith(".")) {
    return { target: normalize(join(dirname(path), specifier)), isFile: true, alias: undefined };
  }
  const file = aliases[specifier];
  if (file?.startsWith(".")) return { target: normalize(file), isFile: true, alias: specifier };
  return { target: specifier, isFile: false, alias: specifier };
}

function moduleVisitor(
  { imports, exports }: Found,
  resolve: (specifier: string) => Omit<Import, "names">,
): Deno.lint.LintVisitor {
  return {
    ImportDeclaration({ source, specifiers }) {
      const isWhole = specifiers.some(({ type }) => type === "ImportNamespaceSpecifier");
      const names = specifiers.map((specifier) =>
        specifier.type === "ImportSpecifier" ? nameOf(specifier.imported) : "default"
      );
      imports.push({ ...resolve(source.value), names: isWhole ? undefined : names });
    },
    ImportExpression({ source }) {
      if (source.type !== "Literal" || typeof source.value !== "string") return;
      imports.push({ ...resolve(source.value), names: undefined });
    },
    ExportAllDeclaration({ source }) {
      imports.push({ ...resolve(source.value), names: undefined });
    },
    ExportDefaultDeclaration() {
      exports.push({ name: "default", isType: false });
    },
    ExportNamedDeclaration({ source, specifiers, declaration }) {
      const names = specifiers.map(({ local }) => nameOf(local));
      if (source) imports.push({ ...resolve(source.value), names });
      for (const { exported } of specifiers) {
        exports.push({ name: nameOf(exported), isType: false });
      }
      if (declaration) exports.push(...declaredExports(declaration));
    },
  };
}

function nameOf(node: Deno.lint.Identifier | Deno.lint.StringLiteral): string {
  return node.type === "Identifier" ? node.name : node.value;
}

function declaredExports(
  declaration: NonNullable<Deno.lint.ExportNamedDeclaration["declaration"]>,
): Export[] {
  const isType = /^TS(Interface|TypeAlias)Declaration$/.test(declaration.type);
  const ids = declaration.type === "VariableDeclaration"
    ? declaration.declarations.map(({ id }) => id)
    : "id" in declaration
    ? [declaration.id]
    : [];
  return ids.flatMap((id) => id?.type === "Identifier" ? [{ name: id.name, isType }] : []);
}

function codeVisitor(
  { functions, globals, anys, assertions, partialTests }: Found,
  lineOf: (node: Deno.lint.Node) => number,
): Deno.lint.LintVisitor {
  const measure = (node: FunctionNode) => {
    const line = lineOf(node);
    const lastLine = lineOf({ ...node, range: [node.range[1], node.range[1]] });
    functions.push({ line, lines: lastLine - line + 1 });
  };
  return {
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
    TSAnyKeyword: (node) => void anys.push(lineOf(node)),
    TSNonNullExpression: (node) => void assertions.push(lineOf(node)),
    TSQualifiedName({ left }) {
      if (left.type === "Identifier" && left.name === "Deno") globals.add("Deno");
    },
    MemberExpression(node) {
      const global = globalOf(node);
      if (global) globals.add(global);
      if (isPartial(node)) partialTests.push(lineOf(node));
    },
    CallExpression({ callee }) {
      if (callee.type === "Identifier" && GLOBAL_FUNCTIONS.includes(callee.name)) {
        globals.add(callee.name);
      }
    },
    NewExpression({ callee }) {
      if (callee.type === "Identifier" && callee.name === "Date") globals.add("Date");
    },
    Property(node) {
      const isNamed = node.key.type === "Identifier" && ["only", "ignore"].includes(node.key.name);
      if (isNamed && !node.computed) partialTests.push(lineOf(node));
    },
  };
}

function globalOf({ object, property }: Deno.lint.MemberExpression): string | undefined {
  if (object.type !== "Identifier") return undefined;
  const members = Object.hasOwn(GLOBAL_OBJECTS, object.name)
    ? GLOBAL_OBJECTS[object.name]
    : undefined;
  if (members === "all") return object.name;
  if (property.type !== "Identifier" || !members?.includes(property.name)) return undefined;
  return `${object.name}.${property.name}`;
}

/** `Deno.test.only`, `Deno.test.ignore`. */
function isPartial({ object, property }: Deno.lint.MemberExpression): boolean {
  return object.type === "MemberExpression" && object.property.type === "Identifier" &&
    object.property.name === "test" && property.type === "Identifier" &&
    ["only", "ignore"].includes(property.name);
}
