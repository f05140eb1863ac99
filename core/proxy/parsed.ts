/** What an incremental parser makes of the bytes so far. */
export type Parsed<T> =
  /** They are the beginning of something. */
  | { readonly state: "more" }
  /** They are not of this protocol, whatever may follow. */
  | { readonly state: "foreign" }
  /** `length`: the octets that it took. */
  | { readonly state: "done"; readonly value: T; readonly length: number };

/** Reads received bytes; never throws. It is given all of them again whenever more have come. */
export type Parser<T> = (bytes: Uint8Array) => Parsed<T>;

export const MORE = { state: "more" } as const;
export const FOREIGN = { state: "foreign" } as const;

/** As much of a foreign text as fits a line. Not yet harmless in a terminal. */
export function short(text: string): string {
  const characters = Array.from(text.trim());
  return characters.length > 80 ? `${characters.slice(0, 80).join("")}...` : characters.join("");
}
