import { formatAddress, parseAddress, type ScanProgress, type StopEntry } from "../../core/mod.ts";

/** A scan as it is kept. */
export interface State extends ScanProgress {
  readonly seed: number;
  /** Digest of all that makes it this scan and no other. */
  readonly identity: string;
  /** Of targets. */
  readonly count: number;
  readonly stops: readonly StopEntry[];
}

/** Rows that were about to be written. */
export interface Intent {
  readonly positions: readonly number[];
  /** What they add to the stop set. */
  readonly stops: readonly StopEntry[];
  /** How long the file was that they were to be added to, and by how much; undefined: it was none. */
  readonly file: { readonly id: string; readonly size: number; readonly octets: number } | undefined;
}

const SCHEMA = "nettrace.scan-resume/2";

export function stateText({ stops, ...state }: State): string {
  return JSON.stringify({ schema: SCHEMA, ...state, stops: stops.map(textOfStop) });
}

export function intentText({ positions, stops, file }: Intent): string {
  return JSON.stringify({ positions, stops: stops.map(textOfStop), file: file ?? null });
}

/** Undefined: it is none. */
export function parseState(text: string): State | undefined {
  const { schema, seed, identity, count, next, done, stops } = parse(text);
  const isSound =
    schema === SCHEMA &&
    isNumber(seed) &&
    typeof identity === "string" &&
    isNumber(count) &&
    isNumber(next) &&
    Array.isArray(done) &&
    done.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isNumber));
  const known = parseStops(stops);
  return isSound && known !== undefined ? ({ seed, identity, count, next, done, stops: known } as State) : undefined;
}

/** Undefined: it is none. */
export function parseIntent(text: string): Intent | undefined {
  const { positions, stops, file } = parse(text);
  const known = parseStops(stops);
  if (known === undefined || !Array.isArray(positions) || !positions.every(isNumber)) return undefined;
  if (file === null) return { positions, stops: known, file: undefined };
  const { id, size, octets } = Object(file);
  if (typeof id !== "string" || !isNumber(size) || !isNumber(octets)) return undefined;
  return { positions, stops: known, file: { id, size, octets } };
}

function textOfStop({ hop, address }: StopEntry): readonly [number, string] {
  return [hop, formatAddress(address)];
}

function parseStops(value: unknown): readonly StopEntry[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const stops: StopEntry[] = [];
  for (const entry of value) {
    const [hop, text] = Array.isArray(entry) ? entry : [];
    const address = typeof text === "string" ? parseAddress(text) : undefined;
    if (!isNumber(hop) || hop < 1 || hop > 255 || address === undefined) return undefined;
    stops.push({ hop, address });
  }
  return stops;
}

function parse(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    // Not JSON, so nothing of what is looked for is in it.
    return {};
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
