import type { Check } from "../doctor/check.ts";
import { printable } from "../printable.ts";
import type { Paint } from "./style.ts";
import { wrapText } from "./wrap.ts";

const STATES: Readonly<Record<Check["state"], readonly [word: string, tone: Parameters<Paint>[0]]>> = {
  ok: ["ok", "good"],
  limited: ["limited", "warn"],
  missing: ["MISSING", "bad"],
  unknown: ["unknown", "dim"],
};
const HEADINGS: Readonly<Record<Check["group"], string>> = {
  program: "program",
  rights: "what this process may do",
  sockets: "sockets, each tried (nothing was sent)",
  protocols: "protocols, and the modes they can run in here",
  kernel: "kernel",
  network: "ways out",
  rules: "rules about what this host sends and gets",
};

/** The table of the doctor: readable without colour, each line with its state in words. */
export function doctorTable(checks: readonly Check[], paint: Paint, columns: number | undefined): string {
  const nameWidth = Math.min(24, Math.max(...checks.map(({ name }) => name.length)));
  const stateWidth = Math.max(...Object.values(STATES).map(([word]) => word.length));
  const indent = 2 + stateWidth + 2;
  const lines: string[] = [];
  let group: Check["group"] | undefined;
  for (const check of checks) {
    if (check.group !== group) {
      if (group !== undefined) lines.push("");
      lines.push(paint("dim", HEADINGS[check.group]));
      group = check.group;
    }
    const [word, tone] = STATES[check.state];
    const head = `  ${paint(tone, word.padEnd(stateWidth))}  `;
    const text = `${printable(check.name).padEnd(nameWidth)}  ${printable(check.finding)}`;
    const [first = "", ...rest] = wrapText(text, columns === undefined ? undefined : columns - indent, nameWidth + 2);
    lines.push(head + first, ...rest.map((line) => " ".repeat(indent) + line));
    if (check.remedy === undefined) continue;
    const remedy = wrapText(
      `-> ${printable(check.remedy)}`,
      columns === undefined ? undefined : columns - indent - nameWidth - 2,
      3,
    );
    lines.push(...remedy.map((line) => " ".repeat(indent + nameWidth + 2) + line));
  }
  return `${lines.join("\n")}\n`;
}
