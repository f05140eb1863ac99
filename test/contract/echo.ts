/** The program on the open port of every network bench: it repeats what it hears, and knows some single octets. */

/** It closes the stream. */
export const CLOSE = 0x04;
/** It breaks the connection off. */
export const RESET = 0x18;
/** It says more than fits into a segment. */
export const MUCH = 0x07;

export const MUCH_SAID: Uint8Array = Uint8Array.from({ length: 10_000 }, (_, at) => (at * 7) & 0xff);

export interface EchoAnswer {
  readonly bytes: Uint8Array;
  readonly end?: "closed" | "reset";
}

export function echoAnswer(said: Uint8Array): EchoAnswer {
  const [only] = said;
  if (said.length !== 1) return { bytes: said };
  if (only === MUCH) return { bytes: MUCH_SAID };
  if (only === CLOSE || only === RESET) return { bytes: new Uint8Array(0), end: only === CLOSE ? "closed" : "reset" };
  return { bytes: said };
}
