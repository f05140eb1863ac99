import { visibleLength } from "./style.ts";

/** A line of pieces that are not broken; `gap` is what stands between a piece and the one before it. */
export interface Piece {
  readonly text: string;
  readonly gap: string;
}

/**
 * The pieces as lines of at most `width` columns, the second and later ones indented. A piece that is longer than a
 * line stays whole: nothing is ever cut. Without a width: one line.
 */
export function wrapPieces(pieces: readonly Piece[], width: number | undefined, indent: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const { text, gap } of pieces) {
    const isFirst = line === "";
    const longer = isFirst ? text : line + gap + text;
    if (!isFirst && width !== undefined && visibleLength(longer) > width) {
      lines.push(line);
      line = " ".repeat(indent) + text;
    } else line = longer;
  }
  return [...lines, line];
}

/** Running text as lines of at most `width` columns. */
export function wrapText(text: string, width: number | undefined, indent: number): string[] {
  return wrapPieces(
    text.split(" ").map((word) => ({ text: word, gap: " " })),
    width,
    indent,
  );
}
