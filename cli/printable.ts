/**
 * What must not reach a terminal: controls (C0, DEL, C1), format characters (bidirectional overrides, zero widths),
 * separators and blanks that look like a space or like nothing, and code points that mean nothing.
 */
const UNPRINTABLE = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/** Most texts have nothing but printable ASCII, and that is known sooner. */
const isPlain = (text: string): boolean => !/[^ -~]/.test(text);

/** Foreign text, harmless in a terminal: what cannot be printed is shown as `\xNN` or `\u{…}`. */
export function printable(text: string): string {
  if (isPlain(text)) return text;
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** JSON whose bytes are harmless in a terminal too; JSON.stringify escapes only C0. The value is the same. */
export function printableJson(value: unknown): string {
  return harmlessJson(JSON.stringify(value));
}

/** The same of a text that is JSON already. */
function harmlessJson(json: string): string {
  if (isPlain(json)) return json;
  return json.replace(UNPRINTABLE, (character) =>
    Array.from(character.split(""), (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}
