import { UsageError } from "../errors.ts";

/** How a scan asks, and when it stops asking. */
export interface ScanOptions {
  /** Probes a second, of all targets together. */
  readonly packetsPerSecond: number;
  /** The same for all targets of one /24 or /48; absent: no cap of its own. */
  readonly perPrefix?: number;
  /** The same for all probes of one hop limit; absent: no cap of its own. */
  readonly perHop?: number;
  /** Last hop limit, 1-255. */
  readonly maxHop: number;
  /** Probes to a hop that stays silent, 1-8. */
  readonly tries: number;
  /** How long each is waited for, milliseconds. */
  readonly waitMs: number;
  /** So many silent hops behind the last answer end a path, 1-255. */
  readonly maxGap: number;
  /** Whether hops that earlier rows told are left out. */
  readonly stopSet: boolean;
  /** With a stop set: the hop at which a path is begun, up to its end and then back, 1-255. */
  readonly startHop: number;
  /** Paths under way at once, at most; absent: by the rate. */
  readonly atOnce?: number;
}

/** What a scan does unless told otherwise. */
export const DEFAULT_SCAN_OPTIONS: ScanOptions = {
  packetsPerSecond: 1000,
  maxHop: 30,
  tries: 2,
  waitMs: 1000,
  maxGap: 5,
  stopSet: true,
  startHop: 5,
};

/** The same, and what follows from it. */
export interface CompleteScanOptions extends ScanOptions {
  readonly atOnce: number;
  /** Probes that leave in one call. */
  readonly batch: number;
}

/** Fills in the defaults. Throws UsageError where a value is out of range. */
export function completeScanOptions(given: Partial<ScanOptions> = {}): CompleteScanOptions {
  const options = { ...DEFAULT_SCAN_OPTIONS, ...given };
  const most = { maxHop: 255, maxGap: 255, startHop: 255, tries: 8 } as const;
  for (const key of ["maxHop", "maxGap", "startHop", "tries"] as const) {
    const value = options[key];
    if (!Number.isInteger(value) || value < 1 || value > most[key]) {
      throw new UsageError(`Cannot scan with ${key} ${value}: it must be a whole number from 1 to ${most[key]}`);
    }
  }
  for (const key of ["packetsPerSecond", "perPrefix", "perHop", "waitMs"] as const) {
    const value = options[key];
    if (value !== undefined && !(value > 0)) {
      throw new UsageError(`Cannot scan with ${key} ${value}: it must be greater than 0`);
    }
  }
  const { packetsPerSecond } = options;
  return { ...options, atOnce: options.atOnce ?? atOnceOf(packetsPerSecond), batch: batchOf(packetsPerSecond) };
}

const LARGEST_BATCH = 16;
/** Of probes that leave in one call it is known only roughly when each one did: slow scans send one by one. */
const PPS_OF_ONE = 4000;

function batchOf(packetsPerSecond: number): number {
  return Math.max(1, Math.min(LARGEST_BATCH, Math.floor(packetsPerSecond / PPS_OF_ONE)));
}

const FEWEST = 256;
const MOST = 32_768;

/** A silent path holds its place for some seconds. */
function atOnceOf(packetsPerSecond: number): number {
  return Math.min(MOST, Math.max(FEWEST, Math.ceil(packetsPerSecond * 2)));
}
