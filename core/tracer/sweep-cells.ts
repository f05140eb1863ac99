import type { Reply } from "../probe.ts";

/** One probe of a sweep in its place: hop by hop, and in a hop query by query. */
export interface SweepCell {
  readonly hop: number;
  /** From 0. */
  readonly query: number;
  state: "unsent" | "flight" | "answered" | "lost";
  sentAtMs: number;
  reply: Reply | undefined;
  /** Milliseconds; undefined: not measured. */
  rttMs: number | undefined;
  /** The probe got no farther until packets were made this small, octets. */
  shrunkTo: number | undefined;
  /** This host itself sends no packets larger than this many octets unfragmented. */
  tooBigHere: number | undefined;
}

/** How long a probe is waited for. */
export interface SweepWait {
  /** Milliseconds. */
  readonly maxMs: number;
  /** Times the round-trip time of an answer at the same hop; 0: no bound. */
  readonly here: number;
  /** Times the round-trip time of an answer behind it; 0: no bound. */
  readonly near: number;
}

export function createCells(maxHop: number, queries: number): SweepCell[] {
  return Array.from({ length: maxHop * queries }, (_, index) => ({
    hop: Math.floor(index / queries) + 1,
    query: index % queries,
    state: "unsent",
    sentAtMs: 0,
    reply: undefined,
    rttMs: undefined,
    shrunkTo: undefined,
    tooBigHere: undefined,
  }));
}

export const isDone = ({ state }: SweepCell): boolean => state === "answered" || state === "lost";

/** Nothing lies behind it: the target answered, or a router or this host says that there is no way on. */
export const isFinal = ({ reply, tooBigHere }: SweepCell): boolean =>
  tooBigHere !== undefined || (reply !== undefined && reply.effect !== "transit");

/** Answers take a little longer now and then, however short the round trip: added before it is multiplied. */
const PRECISION_MS = 1;

/**
 * How long the cell at `index` is waited for, milliseconds after it was sent: `here` times the first answer of its own
 * hop, else `near` times the first of those sent after it, but never longer than `max` (traceroute(8), `-w`).
 */
export function timeoutMs(cells: readonly SweepCell[], index: number, queries: number, wait: SweepWait): number {
  const bound = (rttMs: number, factor: number): number => Math.min(wait.maxMs, (rttMs + PRECISION_MS) * factor);
  const first = index - (index % queries);
  if (wait.here > 0) {
    const here = findRttMs(cells, first, first + queries);
    if (here !== undefined) return bound(here, wait.here);
  }
  if (wait.near > 0) {
    const near = findRttMs(cells, index + 1, cells.length);
    if (near !== undefined) return bound(near, wait.near);
  }
  return wait.maxMs;
}

function findRttMs(cells: readonly SweepCell[], from: number, to: number): number | undefined {
  for (let index = from; index < to; index += 1) {
    const cell = cells[index];
    if (cell === undefined || cell.state === "unsent") return undefined;
    if (cell.state === "answered" && cell.rttMs !== undefined && cell.rttMs > 0) return cell.rttMs;
  }
  return undefined;
}

/**
 * Routers and hosts limit how often they say "unreachable": of several probes sent at once, only a late one may be
 * answered. Where all signs say that the lost probe at `index` would have got the answer of a later one, that answer
 * takes its place, as in traceroute 2.1.
 */
export function takeFinalForward(cells: readonly SweepCell[], index: number, queries: number): void {
  const cell = cells[index];
  if (cell === undefined) return;
  const before = cells.slice(index - (index % queries), index);
  if (before.some((each) => !isDone(each) || !isFinal(each))) return;
  const at = findFinal(cells, index + 1);
  const final = at === undefined ? undefined : cells[at];
  if (at === undefined || final?.reply === undefined || !isRefusal(final.reply)) return;
  const isSameHop = before.length > 0 || (index % queries) + (at - index) < queries;
  if (!isSameHop && !isSeenBefore(cells, index, final.reply) && !isAsFarAs(cells, index, final.reply)) return;
  const { reply, rttMs } = final;
  Object.assign(cell, { state: "answered", reply, rttMs });
  // It was sent, and nobody will answer it any more.
  Object.assign(final, { state: "flight", sentAtMs: Number.NEGATIVE_INFINITY, reply: undefined, rttMs: undefined });
}

const ECHO_REPLY = { 4: 0, 6: 129 } as const;

/** The first answered cell among those sent, if it is a final one. */
function findFinal(cells: readonly SweepCell[], from: number): number | undefined {
  for (let index = from; index < cells.length; index += 1) {
    const cell = cells[index];
    if (cell === undefined || cell.state === "unsent") return undefined;
    if (isDone(cell)) return isFinal(cell) ? index : undefined;
  }
  return undefined;
}

/** "Unreachable", and not merely a closed port; an echo reply is an ICMP message too. */
function isRefusal({ icmp, from, effect, mark }: Reply): boolean {
  if (icmp === undefined || mark === "closed") return false;
  return effect === "unreachable" || (effect === "reached" && icmp.type !== ECHO_REPLY[from.family]);
}

/** The same router has answered before: it first let a hop limit run out, then refused to go on. */
function isSeenBefore(cells: readonly SweepCell[], index: number, { from }: Reply): boolean {
  return cells.slice(0, index).some((cell) => cell.reply?.from.text === from.text);
}

/** By the hop limit that is left of the answer, the responder stands at this hop or before it. */
function isAsFarAs(cells: readonly SweepCell[], index: number, { replyHopLimit }: Reply): boolean {
  if (replyHopLimit === undefined) return false;
  let distance = hopsBack(replyHopLimit);
  for (let at = index - 1; at >= 0; at -= 1) {
    const cell = cells[at];
    const left = cell?.state === "answered" && !isFinal(cell) ? cell.reply?.replyHopLimit : undefined;
    if (cell === undefined || left === undefined || hopsBack(left) >= distance) continue;
    // The way back may be longer than the way out: the last router that is nearer shows by how much.
    distance = distance - hopsBack(left) + cell.hop;
    break;
  }
  return distance <= (cells[index]?.hop ?? 0);
}

/** How many hops an answer has come, if its hop limit began at 64, 128 or 255 as nearly all do. */
export function hopsBack(replyHopLimit: number): number {
  const initial = [64, 128, 255].find((each) => replyHopLimit <= each) ?? 255;
  return initial + 1 - replyHopLimit;
}
