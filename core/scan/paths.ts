import type { IpAddress } from "../address.ts";
import type { SocketError } from "../errors.ts";
import type { HopStore } from "./hops.ts";
import type { ScanOptions } from "./options.ts";
import type { ScanHop, ScanOutcome, ScanRow } from "./row.ts";
import type { StopSet } from "./stop-set.ts";

/**
 * The paths under way: which hop of each is asked next, and when it is complete. One probe of a path is in flight at a
 * time, since there are other paths to ask meanwhile: nothing is sent past a target.
 *
 * With a stop set a path is begun in its middle, followed to its end, and then back from where it began until a router is
 * met whose way from here earlier rows tell. Pure: no socket, no clock.
 */
export interface Paths {
  begin(slot: number, position: number, nowMs: number): void;
  /** The hop that is asked now. */
  hop(slot: number): number;
  /** Its entry, made where there is none. */
  entry(slot: number): number;
  /** The entry of any hop; -1: it was not asked. */
  entryOf(slot: number, hop: number): number;
  /** An answer was noted at this entry. */
  note(slot: number, entry: number): void;
  /** The hop that was asked is answered, or given up. False: the path is complete. */
  advance(slot: number): boolean;
  /** What is known, as the row of a path that is complete, or (`error`) that this host broke off. */
  row(slot: number, target: IpAddress, nowMs: number, error?: SocketError): ScanRow;
  /** Of the scan's order. */
  position(slot: number): number;
  /** A path that is complete: what its routers' further ways from here look like needs no more telling. */
  remember(slot: number): void;
  release(slot: number): void;
}

const FORWARD = 0;
const BACKWARD = 1;

/** Outcomes that no answer tells. */
const QUIET: readonly ScanOutcome[] = ["silent", "looped", "max-hops"];
const [SILENT, LOOPED, MAX_HOPS] = [0, 1, 2] as const;
/** The same router so often, at equal distances, is a loop. */
const LOOP_TURNS = 3;

type PathOptions = Pick<ScanOptions, "maxHop" | "maxGap" | "startHop">;

/** `stopSet` absent: every hop of every path is asked, from the first on. */
export function createPaths(slots: number, store: HopStore, options: PathOptions, stopSet?: StopSet): Paths {
  const start = stopSet === undefined ? 1 : Math.min(options.startHop, options.maxHop);
  const positions = new Float64Array(slots);
  const startedAt = new Float64Array(slots);
  const heads = new Int32Array(slots).fill(-1);
  const hops = new Uint8Array(slots);
  const phases = new Uint8Array(slots);
  /** Least hops at which the target, or "unreachable", answered; 0: none. */
  const reached = new Uint8Array(slots);
  const unreachable = new Uint8Array(slots);
  const quiet = new Uint8Array(slots);
  /** At which hop the stop set was met; 0: not. */
  const stops = new Uint8Array(slots);

  const entryOf = (slot: number, hop: number): number => store.find(heads[slot] ?? -1, hop);
  const isSilent = (slot: number, hop: number): boolean => {
    const entry = entryOf(slot, hop);
    return entry >= 0 && !store.isAnswered(entry);
  };

  const endsInGap = (slot: number, hop: number): boolean => {
    for (let back = 0; back < options.maxGap; back += 1) if (!isSilent(slot, hop - back)) return false;
    return true;
  };

  const routerAt = (slot: number, hop: number): IpAddress | undefined => {
    const entry = entryOf(slot, hop);
    return entry >= 0 && store.effect(entry) === "transit" ? store.responder(entry) : undefined;
  };

  /** One router that answers at every second hop, or third… and never twice in a row, as some do on their own. */
  const isLooping = (slot: number, hop: number): boolean => {
    const here = routerAt(slot, hop)?.text;
    if (here === undefined || routerAt(slot, hop - 1)?.text === here) return false;
    for (let period = 2; hop - (LOOP_TURNS - 1) * period >= start; period += 1) {
      let turns = 1;
      while (turns < LOOP_TURNS && routerAt(slot, hop - turns * period)?.text === here) turns += 1;
      if (turns === LOOP_TURNS) return true;
    }
    return false;
  };

  const hasEnd = (slot: number): boolean => reached[slot] !== 0 || unreachable[slot] !== 0;

  /** Whether the way forward is at its end with this hop. */
  const isForwardOver = (slot: number, hop: number): boolean => {
    if (hasEnd(slot)) return true;
    if (isLooping(slot, hop)) quiet[slot] = LOOPED;
    else if (endsInGap(slot, hop)) quiet[slot] = SILENT;
    else if (hop >= options.maxHop) quiet[slot] = isSilent(slot, hop) ? SILENT : MAX_HOPS;
    else return false;
    return true;
  };

  const outcomeOf = (slot: number): ScanOutcome => {
    if (reached[slot] !== 0) return "reached";
    if (unreachable[slot] !== 0) return "unreachable";
    return QUIET[quiet[slot] ?? SILENT] ?? "silent";
  };

  const readHops = (slot: number): readonly ScanHop[] => {
    const end = reached[slot] || unreachable[slot] || 255;
    const read: ScanHop[] = [];
    for (let entry = heads[slot] ?? -1; entry >= 0; entry = store.next(entry)) {
      if (store.hop(entry) <= end && store.sent(entry) > 0) read.push(store.read(entry));
    }
    // The hops asked last come first, and without a way back those are the farthest.
    read.reverse();
    return read.every(({ hop }, at) => at === 0 || hop > (read[at - 1]?.hop ?? 0))
      ? read
      : read.sort((a, b) => a.hop - b.hop);
  };

  const stopOf = (slot: number): Pick<ScanRow, "stopSet"> => {
    const hop = stops[slot] ?? 0;
    const address = hop > 1 ? routerAt(slot, hop) : undefined;
    return address === undefined ? {} : { stopSet: { hop, address } };
  };

  return {
    begin(slot, position, nowMs) {
      positions[slot] = position;
      startedAt[slot] = nowMs;
      hops[slot] = start;
      for (const column of [phases, reached, unreachable, quiet, stops]) column[slot] = 0;
    },
    position: (slot) => positions[slot] ?? 0,
    hop: (slot) => hops[slot] ?? 0,
    entry(slot) {
      const hop = hops[slot] ?? 0;
      const known = entryOf(slot, hop);
      if (known >= 0) return known;
      const entry = store.add(heads[slot] ?? -1, hop);
      heads[slot] = entry;
      return entry;
    },
    entryOf,
    note(slot, entry) {
      const effect = store.effect(entry);
      const hop = store.hop(entry);
      const column = effect === "reached" ? reached : effect === "unreachable" ? unreachable : undefined;
      if (column !== undefined) column[slot] = column[slot] === 0 ? hop : Math.min(column[slot] ?? hop, hop);
    },
    advance(slot) {
      let hop = hops[slot] ?? 0;
      if (phases[slot] === FORWARD) {
        if (!isForwardOver(slot, hop)) {
          hops[slot] = hop + 1;
          return true;
        }
        phases[slot] = BACKWARD;
        hop = start;
      }
      const router = hop > 1 ? routerAt(slot, hop) : undefined;
      if (router !== undefined && stopSet?.has(router, hop)) {
        stops[slot] = hop;
        return false;
      }
      if (hop <= 1) return false;
      hops[slot] = hop - 1;
      return true;
    },
    row(slot, target, nowMs, error) {
      const startedAtMs = startedAt[slot] ?? 0;
      const plain: ScanRow = {
        position: positions[slot] ?? 0,
        target,
        outcome: error === undefined ? outcomeOf(slot) : "refused",
        startedAtMs,
        // The stamp of the last answer may be some microseconds off.
        endedAtMs: Math.max(startedAtMs, nowMs),
        hops: readHops(slot),
      };
      const isPlain = error === undefined && stops[slot] === 0;
      return isPlain ? plain : { ...plain, ...(error !== undefined && { error }), ...stopOf(slot) };
    },
    remember(slot) {
      if (stopSet === undefined) return;
      for (let entry = heads[slot] ?? -1; entry >= 0; entry = store.next(entry)) {
        const hop = store.hop(entry);
        // The way back begins where the path does: farther routers are never looked up, nor is the first hop.
        const router = hop > 1 && hop <= start ? routerAt(slot, hop) : undefined;
        if (router !== undefined) stopSet.add(router, hop);
      }
    },
    release(slot) {
      store.release(heads[slot] ?? -1);
      heads[slot] = -1;
    },
  };
}
