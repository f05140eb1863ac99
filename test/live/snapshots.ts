import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Panes as they were captured from a real terminal, and looked at before they were put here. */
const DIRECTORY = join(import.meta.dirname, "snapshots");

/** Compares with the reviewed one; `UPDATE_SNAPSHOTS=1` writes it instead. */
export function assertSnapshot(name: string, screen: string): void {
  const file = join(DIRECTORY, `${name}.txt`);
  const text = `${masked(screen).trimEnd()}\n`;
  if (process.env["UPDATE_SNAPSHOTS"] === "1") writeFileSync(file, text);
  assert.ok(existsSync(file), `there is no snapshot ${name}: look at\n${text}`);
  assert.equal(text, readFileSync(file, "utf8"), `${name}: captured as\n${screen}`);
}

/** Times, counts and what is drawn from them are no two runs' same; their places are. Of two routers either answers. */
function masked(screen: string): string {
  let isPane = false;
  return screen
    .split("\n")
    .map((line) => {
      isPane ||= line.startsWith("── hop");
      const text = line
        .replace(/\b(r\d+)[ab]\b/g, "$1*")
        .replace(/((?:198\.18)\.\d+\.)[12]\b(?=.*)/g, (whole, start: string) =>
          start === "198.18.4." ? `${start}*` : whole,
        )
        .replace(/▁ \S+ {2}█ \S+ ms/, "▁ # █ # ms")
        .replace(/\d+ rounds/, "# rounds")
        .replace(/\d+:\d\d {2}\d\d:\d\d:\d\d$/, "#:## ##:##:##");
      if (isPane) return paneMasked(text);
      return /^[> ]\s?\d+\. /.test(text) ? rowMasked(text) : text;
    })
    .join("\n")
    .replace(/(?:# - # ms █ # \(#%\)\n)+\n*/, "# - # ms █ # (#%)\n...\n");
}

function rowMasked(row: string): string {
  const numbers = row
    .slice(5)
    .replace(/ [▁▂▃▄▅▆▇█×·]+$/, " ▒")
    .replace(/ +(?!(?:100|0)\.0 )\d+\.\d+(?= |$)/g, hashed)
    .replace(/ +\d+(?= )/g, hashed);
  return row.slice(0, 5) + numbers;
}

function hashed(number: string): string {
  return "#".padStart(number.length);
}

function paneMasked(line: string): string {
  if (/^ *(\S+( ms)?)? *│/.test(line)) return line.replace(/^.*│.*$/, "         │▒");
  return line
    .split(" ")
    .map((word) => (/^\*?\d+\.\d+\.\d+\./.test(word) ? word : word.replace(/\d+(\.\d+)?/g, "#").replace(/█+/, "█")))
    .join(" ")
    .replace(/^ *# - # +ms *█? *# \(#%\)$/, "# - # ms █ # (#%)");
}
