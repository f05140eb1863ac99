import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Our licence, and those of all that is inside an executable. Throws an Error where a package has none. */
export function notices(root: string): string {
  const { dependencies } = Object(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  const packages = Object.keys(Object(dependencies)).sort();
  return [
    readFileSync(join(root, "LICENSE"), "utf8").trim(),
    ...packages.map((name) => `${RULE}\nIt contains ${name}:\n\n${licenceOf(root, name)}`),
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

function licenceOf(root: string, name: string): string {
  const path = ["LICENSE", "LICENSE.md", "LICENSE.txt"]
    .map((file) => join(root, "node_modules", name, file))
    .find((file) => existsSync(file));
  if (path === undefined) throw new Error(`Cannot name the licence of ${name}: its package has no LICENSE`);
  return readFileSync(path, "utf8").trim();
}
