import stringWidth from "string-width";

/** What a piece of text means; how that looks is the painter's. */
export type Tone = "good" | "warn" | "bad" | "lost" | "dim" | "bold" | "accent" | "chosen";

export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}

/** A row of the screen. Its texts are harmless in a terminal already. */
export type Line = readonly Span[];

/** One column each: ASCII, the middle dot, the multiplication sign, arrows, and what boxes and bars are drawn with. */
const NARROW = /^[\x20-\x7e\u00b7\u00d7\u2190-\u2193\u2500-\u259f]*$/;

/** Columns that a text takes on a terminal: letters of some scripts take two. */
export function widthOf(text: string): number {
  return NARROW.test(text) ? text.length : stringWidth(text);
}

/** The longest start of a text that fits into so many columns. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (NARROW.test(text)) return text.slice(0, columns);
  let kept = "";
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += stringWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return kept;
}

/** Exactly so many columns: cut, or filled with spaces on the right. */
export function left(text: string, columns: number): string {
  const kept = cut(text, columns);
  return kept + " ".repeat(Math.max(0, columns - widthOf(kept)));
}

/** At least so many columns, filled with spaces on the left. */
export function right(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - widthOf(text))) + text;
}

export function span(text: string, tone?: Tone): Span {
  return tone === undefined ? { text } : { text, tone };
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0);
}

export function lineText(line: Line): string {
  return line
    .map(({ text }) => text)
    .join("")
    .trimEnd();
}

/** The start of a line that fits into so many columns. */
export function cutLine(line: Line, columns: number): Line {
  const kept: Span[] = [];
  let rest = columns;
  for (const each of line) {
    if (rest <= 0) break;
    const text = cut(each.text, rest);
    kept.push({ ...each, text });
    rest -= widthOf(text);
  }
  return kept;
}

/** Two ends of a row, the right one at its margin; it gives way where there is no room. */
export function spread(start: Line, end: Line, columns: number): Line {
  const gap = columns - lineWidth(start) - lineWidth(end);
  return gap < 1 ? cutLine(start, columns) : [...start, { text: " ".repeat(gap) }, ...end];
}

/** What turns a tone on and off again (ECMA-48 §8.3.117). */
const CODES: Readonly<Record<Tone, readonly [string, string]>> = {
  good: ["32", "39"],
  warn: ["33", "39"],
  bad: ["31", "39"],
  lost: ["35", "39"],
  accent: ["36", "39"],
  dim: ["2", "22"],
  bold: ["1", "22"],
  chosen: ["7", "27"],
};

/** The line with escape sequences for its tones, or, where colour is unwanted, without. */
export function paintLine(line: Line, hasColor: boolean): string {
  if (!hasColor) return lineText(line);
  return line
    .map(({ text, tone }) => {
      if (tone === undefined || text.trim() === "") return text;
      const [on, off] = CODES[tone];
      return `\x1b[${on}m${text}\x1b[${off}m`;
    })
    .join("")
    .trimEnd();
}

/** A line as several of at most so many columns, broken at spaces; what does not fit into `most` of them is cut. */
export function wrapLine(line: Line, columns: number, most: number): Line[] {
  const lines: Span[][] = [[]];
  let width = 0;
  for (const { text, tone } of line) {
    for (const word of text.split(/(?<= )/)) {
      const size = widthOf(word.trimEnd());
      if (width > 0 && width + size > columns && lines.length < most) {
        lines.push([]);
        width = 0;
      }
      lines.at(-1)?.push(span(word, tone));
      width += widthOf(word);
    }
  }
  return lines.map((each) => cutLine(each, columns));
}
