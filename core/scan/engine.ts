import { SocketError } from "../errors.ts";
import type { Arrival } from "../network.ts";
import type { Reply } from "../probe.ts";
import { createQueue } from "../tracer/queue.ts";
import { createCaps } from "./caps.ts";
import { createDeadlines } from "./deadlines.ts";
import { createHopStore } from "./hops.ts";
import type { Ledger } from "./ledger.ts";
import type { CompleteScanOptions } from "./options.ts";
import { createPaths } from "./paths.ts";
import type { Permutation } from "./permutation.ts";
import type { FlushWatcher, Prober, ProbeWatcher } from "./prober.ts";
import { isCongestion, isOfAllTargets, isSettled, localRefusal } from "./refusals.ts";
import type { ScanRow } from "./row.ts";
import { createStopSet, type StopSet } from "./stop-set.ts";
import { neighbourhoodOf, type TargetSet } from "./targets.ts";

/** What a scan has done so far. */
export interface ScanCounts {
  /** Probes that left. */
  readonly sent: number;
  /** Probes that were answered. */
  readonly answered: number;
  /** Sends put off because a queue of this host was full (ENOBUFS, EAGAIN). */
  readonly congested: number;
  /** Targets under way. */
  readonly underWay: number;
}

/** A scan at work; it never waits. */
export interface Engine {
  readonly counts: ScanCounts;
  /** Sends what is due, as much as a turn allows. */
  send(): void;
  accept(arrival: Arrival): void;
  /** Accepts what comes by the batch; how much there was. */
  poll(): number;
  /** Gives up what is overdue; only once all that has arrived was accepted. */
  expire(): void;
  /** When to come again if nothing arrives. */
  readonly wakeAtMs: number;
  readonly isOver: boolean;
  /** Why it cannot go on: this host will not send. Targets that only showed that have no rows. */
  readonly refusal: SocketError | undefined;
}

export interface EngineStart {
  readonly targets: TargetSet;
  readonly order: Permutation;
  readonly ledger: Ledger;
  readonly prober: Prober;
  readonly options: CompleteScanOptions;
  /** Of an earlier run; absent: an empty one. */
  readonly stopSet?: StopSet;
  readonly nowMs: () => number;
  readonly onRow: (row: ScanRow) => void;
}

/** What a slot is about. */
const FREE = 0;
/** Its next probe may leave. */
const READY = 1;
/** Its next probe may leave at its deadline. */
const WAITING = 2;
const FLIGHT = 3;
/** This host would not send; whether it is the target's fault is not known yet. */
const HELD = 4;

/** A turn does so much, then arrivals are looked at. */
const SENDS_PER_TURN = 32;
const BEGINS_PER_TURN = 256;
/** Their rows are written before there are more. */
const EXPIRED_PER_TURN = 256;
/** As `createRefusal` of the tracer: a refusal is policy if it persists for some ten milliseconds. */
const REFUSED_TRIES = 8;
const REFUSED_RETRY_MS = 1;
const CONGESTION_MS = 5;
/** A queue that takes nothing for so long is none: an egress filter of the interface (nft netdev) answers like one. */
const LONGEST_CONGESTION_MS = 3000;
/** So many targets in a row, and none between them that could be asked. */
const REFUSED_TARGETS = 3;

export function createEngine(start: EngineStart): Engine {
  const { targets, order, ledger, prober, options, nowMs, onRow } = start;
  const slots = options.atOnce;
  const store = createHopStore();
  const paths = createPaths(slots, store, options, options.stopSet ? (start.stopSet ?? createStopSet()) : undefined);
  const deadlines = createDeadlines(slots);
  const caps = createCaps(options);
  const states = new Uint8Array(slots);
  const refusals = new Uint8Array(slots);
  const neighbourhoods = new Uint32Array(slots);
  /** Slots that were given back; those from `fresh` on were never used. */
  const free = new Int32Array(slots);
  let freeCount = 0;
  let fresh = 0;
  /** Of slots; one that is no longer READY is passed over. */
  const ready = createQueue<number>();
  const held = new Map<number, SocketError>();
  const counts = { sent: 0, answered: 0, congested: 0, underWay: 0 };
  let pausedUntilMs = Number.NEGATIVE_INFINITY;
  /** Since when nothing but a full queue was met. */
  let congestedSinceMs: number | undefined;
  /** Probes that leave with the next flush. */
  let laidOut = 0;
  let mayBegin = true;
  /** Too many targets are under way behind the oldest: until one ends, none is begun. */
  let isBlocked = false;
  let refusal: SocketError | undefined;

  const makeReady = (slot: number): void => {
    states[slot] = READY;
    deadlines.clear(slot);
    ready.push(slot);
  };

  const finish = (slot: number, atMs: number, error?: SocketError): void => {
    const { address } = targets.at(order.at(paths.position(slot)));
    const row = paths.row(slot, address, atMs, error);
    if (error === undefined) paths.remember(slot);
    prober.end(slot);
    paths.release(slot);
    deadlines.clear(slot);
    states[slot] = FREE;
    free[freeCount] = slot;
    freeCount += 1;
    counts.underWay -= 1;
    isBlocked = false;
    onRow(row);
  };

  const advance = (slot: number, atMs: number): void => {
    refusals[slot] = 0;
    if (paths.advance(slot)) makeReady(slot);
    else finish(slot, atMs);
  };

  /** Rows of targets that this host refused, now that it is known to send to others. */
  const releaseHeld = (): void => {
    for (const [slot, error] of held) finish(slot, nowMs(), error);
    held.clear();
  };

  const hold = (slot: number, error: SocketError): void => {
    states[slot] = HELD;
    deadlines.clear(slot);
    held.set(slot, error);
    if (held.size >= REFUSED_TARGETS) refusal = error;
  };

  const refused = (slot: number, error: SocketError, atMs: number): void => {
    if (isCongestion(error)) {
      counts.congested += 1;
      pausedUntilMs = atMs + CONGESTION_MS;
      congestedSinceMs ??= atMs;
      if (atMs - congestedSinceMs > LONGEST_CONGESTION_MS) refusal = error;
      store.untry(paths.entry(slot));
      makeReady(slot);
      return;
    }
    const count = (refusals[slot] ?? 0) + 1;
    refusals[slot] = count;
    if (isSettled(error)) finish(slot, atMs, error);
    else if (count >= REFUSED_TRIES) hold(slot, error);
    else {
      states[slot] = WAITING;
      deadlines.set(slot, atMs + REFUSED_RETRY_MS);
    }
  };

  /** Whether a probe left. */
  const trySend = (slot: number, atMs: number): boolean => {
    const hop = paths.hop(slot);
    const neighbourhood = neighbourhoods[slot] ?? 0;
    const allowedAtMs = caps.allowedAtMs(atMs, neighbourhood, hop);
    if (allowedAtMs > atMs) {
      states[slot] = WAITING;
      deadlines.set(slot, allowedAtMs);
      return false;
    }
    const entry = paths.entry(slot);
    const attempt = store.nextTry(entry);
    if (attempt === undefined) {
      advance(slot, atMs);
      return false;
    }
    let went: "sent" | "held";
    try {
      went = prober.send(slot, sequenceOf(hop, attempt), hop);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      refused(slot, error, atMs);
      return false;
    }
    caps.take(atMs, neighbourhood, hop);
    store.left(entry, attempt, atMs);
    counts.sent += 1;
    states[slot] = FLIGHT;
    deadlines.set(slot, atMs + options.waitMs);
    if (went === "sent") accepted(slot);
    else laidOut += 1;
    if (laidOut >= options.batch) flush();
    return true;
  };

  const flush = (): void => {
    if (laidOut > 0) prober.flush(onFlush);
    laidOut = 0;
  };

  /** The kernel took a probe. */
  const accepted = (slot: number): void => {
    refusals[slot] = 0;
    congestedSinceMs = undefined;
    if (held.size > 0) releaseHeld();
  };

  const onFlush: FlushWatcher = {
    left(slot, atMs) {
      const entry = paths.entry(slot);
      store.departed(entry, store.latest(entry), atMs);
      accepted(slot);
    },
    refused(slot, error) {
      const entry = paths.entry(slot);
      store.unleft(entry, store.latest(entry));
      counts.sent -= 1;
      refused(slot, error, nowMs());
    },
  };

  const begin = (position: number, atMs: number): void => {
    const { address, skip } = targets.at(order.at(position));
    const tell = (why: Pick<ScanRow, "outcome" | "skip" | "error">): void => {
      onRow({ position, target: address, startedAtMs: atMs, endedAtMs: atMs, hops: [], ...why });
    };
    if (skip !== undefined) {
      tell({ outcome: "skipped", skip });
      return;
    }
    const slot = freeCount > 0 ? (free[freeCount - 1] ?? 0) : fresh;
    try {
      prober.begin(slot, address);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      if (isOfAllTargets(error)) refusal = error;
      else tell({ outcome: "refused", error });
      return;
    }
    if (freeCount > 0) freeCount -= 1;
    else fresh += 1;
    counts.underWay += 1;
    paths.begin(slot, position, atMs);
    neighbourhoods[slot] = neighbourhoodOf(address);
    refusals[slot] = 0;
    makeReady(slot);
  };

  /** The next slot whose probe may leave; new targets are begun only where no old one has anything to send. */
  const nextReady = (): number | undefined => {
    for (let slot = ready.first; slot !== undefined; slot = ready.first) {
      ready.shift();
      if (states[slot] === READY) return slot;
    }
    return undefined;
  };

  const beginNext = (atMs: number): boolean => {
    if (counts.underWay >= slots || !mayBegin || isBlocked) return false;
    const position = ledger.take();
    if (position === undefined) {
      mayBegin = !ledger.isEmpty;
      isBlocked = true;
      return false;
    }
    begin(position, atMs);
    return true;
  };

  const isPaced = (atMs: number): boolean => pausedUntilMs > atMs || caps.readyAtMs(atMs) > atMs;

  const answeredHere = (slot: number, entry: number, reply: Reply, atMs: number): void => {
    const afterMs = atMs - store.sentAtMs(entry);
    const error = localRefusal(reply, afterMs);
    if (error.stage === "route") finish(slot, atMs, error);
    else hold(slot, error);
  };

  const onAnswer: ProbeWatcher = {
    answered(slot, reply, atMs, isLocal) {
      const hop = reply.sequence & 0xff;
      const attempt = reply.sequence >>> 8;
      const entry = paths.entryOf(slot, hop);
      if (entry < 0 || !store.hasLeft(entry, attempt)) return;
      const isCurrent = paths.hop(slot) === hop && states[slot] !== HELD;
      if (isLocal) {
        if (isCurrent && states[slot] === FLIGHT) answeredHere(slot, entry, reply, atMs);
        return;
      }
      const isLate = !isCurrent || states[slot] !== FLIGHT || attempt !== store.latest(entry);
      if (!store.answer(entry, attempt, reply, { atMs, isLate })) return;
      counts.answered += 1;
      paths.note(slot, entry);
      if (isCurrent) advance(slot, atMs);
    },
    departed(slot, sequence, atMs) {
      const entry = paths.entryOf(slot, sequence & 0xff);
      if (entry >= 0) store.departed(entry, sequence >>> 8, atMs);
    },
  };

  const sendDue = (): void => {
    let begins = 0;
    let atMs = nowMs();
    for (let sends = 0; sends < SENDS_PER_TURN && refusal === undefined; ) {
      // What is laid out takes no time to speak of; what was handed to the kernel did.
      if (laidOut === 0) atMs = nowMs();
      if (isPaced(atMs)) return;
      const slot = nextReady();
      if (slot !== undefined) {
        if (trySend(slot, atMs)) sends += 1;
      } else if (begins >= BEGINS_PER_TURN || !beginNext(atMs)) return;
      else begins += 1;
    }
  };

  /** Where nobody is left who could show whether this host sends to anyone. */
  const settleHeld = (): void => {
    if (held.size === 0 || held.size < counts.underWay || mayBegin) return;
    if (counts.sent === 0) [refusal] = held.values();
    else releaseHeld();
  };

  return {
    counts,
    send() {
      sendDue();
      flush();
      settleHeld();
    },
    accept: (arrival) => prober.take(arrival, onAnswer),
    poll: () => prober.poll(onAnswer),
    expire() {
      const atMs = nowMs();
      for (let expired = 0; expired < EXPIRED_PER_TURN; expired += 1) {
        const slot = deadlines.takeDue(atMs);
        if (slot < 0) return;
        if (states[slot] !== FLIGHT) {
          makeReady(slot);
          continue;
        }
        const entry = paths.entry(slot);
        prober.forget(slot, sequenceOf(paths.hop(slot), store.latest(entry)));
        if (store.sent(entry) < options.tries) makeReady(slot);
        else advance(slot, atMs);
      }
    },
    get wakeAtMs() {
      const atMs = nowMs();
      const mayBeginNow = mayBegin && !isBlocked && counts.underWay < slots;
      const hasWork = ready.size > 0 || mayBeginNow;
      const sendAtMs = hasWork ? Math.max(pausedUntilMs, caps.readyAtMs(atMs)) : Number.POSITIVE_INFINITY;
      return Math.min(sendAtMs, deadlines.nextAtMs);
    },
    get isOver() {
      return refusal !== undefined || (!mayBegin && counts.underWay === 0);
    },
    get refusal() {
      return refusal;
    },
  };
}

/** A path's own: the hop, and the number of its try. */
function sequenceOf(hop: number, attempt: number): number {
  return (attempt << 8) | hop;
}
