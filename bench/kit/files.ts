import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const RESULTS = "bench/results.json";

/** Keeps what one program measured, beside what others have, in bench/results.json. */
export function saveResults(key: string, value: unknown): void {
  const file = root(RESULTS);
  const all = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>) : {};
  writeFileSync(file, `${JSON.stringify({ ...all, [key]: value }, null, 2)}\n`);
}

/**
 * Puts text between `<!-- NAME -->` and `<!-- /NAME -->` of a file, paths being those of the repository. Throws an Error
 * where the file has no such markers.
 */
export function writeBetween(path: string, name: string, text: string): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const before = readFileSync(root(path), "utf8");
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot write into ${path}: it has no markers ${begin} and ${end}`);
  writeFileSync(root(path), `${before.slice(0, from + begin.length)}\n${text.trim()}\n${before.slice(to)}`);
}

export function writeFile(path: string, text: string): void {
  writeFileSync(root(path), text);
}

/** A table in Markdown; the first column to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = `|---|${"---:|".repeat(Math.max(0, head.length - 1))}`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
