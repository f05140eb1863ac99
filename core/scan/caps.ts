import { createPacer, type Pacer } from "../tracer/pacer.ts";

/** How many probes may leave: in all, towards one neighbourhood of targets, and with one hop limit. */
export interface Caps {
  /** When the next probe of any kind may leave; `nowMs` or earlier means now. */
  readyAtMs(nowMs: number): number;
  /** The same for a probe of this hop limit to this neighbourhood, whatever the cap on all says. */
  allowedAtMs(nowMs: number, neighbourhood: number, hop: number): number;
  take(nowMs: number, neighbourhood: number, hop: number): void;
}

export interface CapOptions {
  /** Probes a second. */
  readonly packetsPerSecond: number;
  /** To all targets of one /24 (IPv4) or /48 (IPv6); absent: no cap of its own. */
  readonly perPrefix?: number;
  /** With one hop limit, and so mostly through the same few routers; absent: no cap of its own. */
  readonly perHop?: number;
}

/** Timers are no finer than a millisecond, and are late at times: so much may leave at once. */
const BURST_MS = 10;
/** Neighbourhoods that share a number share a cap as well: never more leaves than allowed. */
const BUCKETS = 16_384;

export function createCaps({ packetsPerSecond, perPrefix, perHop }: CapOptions): Caps {
  const all = createPacer(Math.max(1, (packetsPerSecond * BURST_MS) / 1000), packetsPerSecond);
  const prefixes = perPrefix === undefined ? undefined : createPacers(perPrefix);
  const hops = perHop === undefined ? undefined : createPacers(perHop);
  return {
    readyAtMs: (nowMs) => all.readyAtMs(nowMs),
    allowedAtMs(nowMs, neighbourhood, hop) {
      const ofPrefix = prefixes?.(neighbourhood % BUCKETS).readyAtMs(nowMs) ?? nowMs;
      const ofHop = hops?.(hop).readyAtMs(nowMs) ?? nowMs;
      return Math.max(ofPrefix, ofHop);
    },
    take(nowMs, neighbourhood, hop) {
      all.take(nowMs);
      prefixes?.(neighbourhood % BUCKETS).take(nowMs);
      hops?.(hop).take(nowMs);
    },
  };
}

function createPacers(packetsPerSecond: number): (key: number) => Pacer {
  const pacers: (Pacer | undefined)[] = [];
  const burst = Math.max(1, (packetsPerSecond * BURST_MS) / 1000);
  return (key) => {
    const known = pacers[key];
    if (known !== undefined) return known;
    const pacer = createPacer(burst, packetsPerSecond);
    pacers[key] = pacer;
    return pacer;
  };
}
