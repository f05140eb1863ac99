import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Our licence, and those of all that is inside an executable. Throws an Error where a package states none. */
export function notices(root: string): string {
  const packages = new Map<string, string>();
  collect(root, root, packages);
  return [
    readFileSync(join(root, "LICENSE"), "utf8").trim(),
    ...[...packages]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, text]) => `${RULE}\nIt contains ${name}:\n\n${text}`),
    `${RULE}\n${RUNTIME}`,
    "",
  ].join("\n\n");
}

const RULE = "-".repeat(72);

const RUNTIME = `It contains the Bun runtime ${Bun.version}, Copyright (c) Oven and contributors, under
the MIT License, which itself contains JavaScriptCore of WebKit (LGPL-2.1) and
other libraries under their own licences. They are listed at
https://bun.com/docs/project/license; the sources, with which it can be linked
anew, are at https://github.com/oven-sh/bun and https://github.com/oven-sh/WebKit.`;

/** Adds the licences of what a package depends on, and of what that depends on. */
function collect(root: string, folder: string, into: Map<string, string>): void {
  for (const dependency of Object.keys(Object(manifestOf(folder).dependencies))) {
    const found = findPackage(root, folder, dependency);
    const { name, version, license } = manifestOf(found);
    const title = `${name} ${version}`;
    if (into.has(title)) continue;
    into.set(title, licenceOf(found, title, license));
    collect(root, found, into);
  }
}

function manifestOf(folder: string) {
  return Object(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
}

/** As Node finds it: in the nearest node_modules above. */
function findPackage(root: string, from: string, name: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, "node_modules", name);
    if (existsSync(join(found, "package.json"))) return found;
    if (folder === root) throw new Error(`Cannot find ${name}, of which the licence is wanted: npm install`);
  }
}

function licenceOf(folder: string, title: string, stated: unknown): string {
  const files = readdirSync(folder).filter((file) => /^licen[cs]e([.-].*)?$/i.test(file));
  if (files.length > 0)
    return files
      .sort()
      .map((file) => readFileSync(join(folder, file), "utf8").trim())
      .join("\n\n");
  if (typeof stated === "string") return `Its package has no text of its licence, and states: ${stated}`;
  throw new Error(`Cannot name the licence of ${title}: its package states none`);
}
