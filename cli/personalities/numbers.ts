/** Numbers as the C library reads them, for tools whose options are read by it. */

const UNSIGNED = /^\s*([+-]?)(0[xX][\da-fA-F]+|0[0-7]*|[1-9]\d*)/;
const FLOAT = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/;
const WRAP = 2 ** 32;

/** strtoul(3) with base 0 into 32 bits, and what follows the number; undefined: no number at the start. */
export function leadingUnsigned(text: string): { readonly value: number; readonly rest: string } | undefined {
  const found = UNSIGNED.exec(text);
  if (found === null) return undefined;
  const [all, sign, digits = ""] = found;
  const size = /^0[xX]/.test(digits) ? Number(digits) : Number.parseInt(digits, digits.startsWith("0") ? 8 : 10);
  const value = sign === "-" && size > 0 ? WRAP - (size % WRAP) : size % WRAP;
  return { value, rest: text.slice(all.length) };
}

/** The whole text is one such number. */
export function wholeUnsigned(text: string): number | undefined {
  const found = leadingUnsigned(text);
  return found?.rest === "" ? found.value : undefined;
}

/** strtod(3) of decimal numbers, and what follows; undefined: no number at the start. */
export function leadingFloat(text: string): { readonly value: number; readonly rest: string } | undefined {
  const [all] = FLOAT.exec(text) ?? [];
  return all === undefined ? undefined : { value: Number(all), rest: text.slice(all.length) };
}

/** The whole text is one such number. */
export function wholeFloat(text: string): number | undefined {
  const found = leadingFloat(text);
  return found?.rest === "" ? found.value : undefined;
}
