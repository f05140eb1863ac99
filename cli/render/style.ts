import type { Output } from "../context.ts";

export type Style = "good" | "bad" | "warn" | "dim" | "bold";

/** Puts a style around text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

const CODES: Readonly<Record<Style, string>> = { good: "32", bad: "31", warn: "33", dim: "2", bold: "1" };

/**
 * Colour is for terminals. NO_COLOR (no-color.org) forbids it, FORCE_COLOR and CLICOLOR_FORCE ask for it elsewhere too.
 */
export function createPaint(output: Output, env: Readonly<Record<string, string | undefined>>): Paint {
  const has = (name: string): boolean => (env[name] ?? "") !== "";
  const forced = (name: string): boolean => has(name) && env[name] !== "0";
  const isWanted = forced("FORCE_COLOR") || forced("CLICOLOR_FORCE") || (output.isTerminal && env["TERM"] !== "dumb");
  if (has("NO_COLOR") || !isWanted) return (_style, text) => text;
  return (style, text) => `\x1b[${CODES[style]}m${text}\x1b[0m`;
}

const ESCAPES = /\x1b\[[\d;]*m/g;

/** Columns that a text takes on a terminal, styles not counted. */
export function visibleLength(text: string): number {
  return Array.from(text.replace(ESCAPES, "")).length;
}
