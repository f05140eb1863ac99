import type { IpAddress } from "../address.ts";
import type { Effect, Reply } from "../probe.ts";
import type { ScanHop } from "./row.ts";

/** What is known of the hops of all paths under way: entries of some forty octets each, in chains. */
export interface HopStore {
  /** The entry of a hop in a chain that begins at `head`; -1: none. */
  find(head: number, hop: number): number;
  /** A new entry before `head`, which becomes the chain's head. */
  add(head: number, hop: number): number;
  /** A probe is about to leave: its number among those of the hop, 0-31. Undefined: there were as many as there can be. */
  nextTry(entry: number): number | undefined;
  /** It was none: nothing left, and nothing can answer it. */
  untry(entry: number): void;
  hasLeft(entry: number, attempt: number): boolean;
  /** It did not leave after all. */
  unleft(entry: number, attempt: number): void;
  /** Better knowledge of when it left. */
  departed(entry: number, attempt: number, atMs: number): void;
  /** It left. */
  left(entry: number, attempt: number, atMs: number): void;
  /** How many left. */
  sent(entry: number): number;
  /** When the latest left. */
  sentAtMs(entry: number): number;
  /** The latest try's number; -1: none. */
  latest(entry: number): number;
  isAnswered(entry: number): boolean;
  effect(entry: number): Effect | undefined;
  /** Takes the answer to one of its probes. False: to one that never left, or there was an answer already. */
  answer(
    entry: number,
    attempt: number,
    reply: Reply,
    at: { readonly atMs: number; readonly isLate: boolean },
  ): boolean;
  /** The responder; undefined: nobody answered. */
  responder(entry: number): IpAddress | undefined;
  hop(entry: number): number;
  /** The entry behind it in its chain; -1: none. */
  next(entry: number): number;
  read(entry: number): ScanHop;
  /** Gives a chain's entries back. */
  release(head: number): void;
  /** Entries in use. */
  readonly used: number;
}

const FIRST_CAPACITY = 1024;
const MOST_TRIES = 32;
const EFFECTS: readonly Effect[] = ["transit", "reached", "unreachable"];

/** Bits of `flags`. */
const ANSWERED = 1;
const LATE = 2;
const HAS_ICMP = 4;
const HAS_REPLY_LIMIT = 8;
const HAS_QUOTED_LIMIT = 16;
/** The effect is in the bits above. */
const EFFECT_SHIFT = 5;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface Columns {
  readonly sentAt: Float64Array;
  readonly rtts: Float32Array;
  /** Which tries left, a bit each. */
  readonly leftTries: Uint32Array;
  readonly nexts: Int32Array;
  /** Of each entry: hop, tries, flags, type, code, reply's hop limit, quoted hop limit. */
  readonly octets: Uint8Array;
}

const OCTETS = 7;
const [HOP, TRIES, FLAGS, TYPE, CODE, REPLY_LIMIT, QUOTED_LIMIT] = [0, 1, 2, 3, 4, 5, 6] as const;

function createColumns(capacity: number, old?: Columns): Columns {
  const columns: Columns = {
    sentAt: new Float64Array(capacity),
    rtts: new Float32Array(capacity),
    leftTries: new Uint32Array(capacity),
    nexts: new Int32Array(capacity),
    octets: new Uint8Array(capacity * OCTETS),
  };
  if (old === undefined) return columns;
  columns.sentAt.set(old.sentAt);
  columns.rtts.set(old.rtts);
  columns.leftTries.set(old.leftTries);
  columns.nexts.set(old.nexts);
  columns.octets.set(old.octets);
  return columns;
}

export function createHopStore(): HopStore {
  let capacity = FIRST_CAPACITY;
  let columns = createColumns(capacity);
  let fresh = 0;
  let free = -1;
  let used = 0;
  /** What few answers have. */
  const extras = new Map<number, Pick<ScanHop, "mark" | "mpls" | "mtu">>();

  const octet = (entry: number, field: number): number => columns.octets[entry * OCTETS + field] ?? 0;
  const setOctet = (entry: number, field: number, value: number): void => {
    columns.octets[entry * OCTETS + field] = value;
  };
  const next = (entry: number): number => columns.nexts[entry] ?? -1;
  const hop = (entry: number): number => octet(entry, HOP);
  const effect = (entry: number): Effect | undefined =>
    (octet(entry, FLAGS) & ANSWERED) === 0 ? undefined : EFFECTS[octet(entry, FLAGS) >> EFFECT_SHIFT];
  /** Most are by few routers, and one object for each. */
  const responders: (IpAddress | undefined)[] = [];
  const responder = (entry: number): IpAddress | undefined => responders[entry];
  const sent = (entry: number): number => {
    let count = 0;
    for (let bits = columns.leftTries[entry] ?? 0; bits !== 0; bits = (bits & (bits - 1)) >>> 0) count += 1;
    return count;
  };
  const hasLeft = (entry: number, attempt: number): boolean =>
    attempt < MOST_TRIES && ((columns.leftTries[entry] ?? 0) & (1 << attempt)) !== 0;
  const take = (): number => {
    used += 1;
    if (free >= 0) {
      const entry = free;
      free = next(entry);
      return entry;
    }
    if (fresh === capacity) {
      capacity *= 2;
      columns = createColumns(capacity, columns);
    }
    fresh += 1;
    return fresh - 1;
  };

  return {
    find(head, wanted) {
      for (let entry = head; entry >= 0; entry = next(entry)) if (hop(entry) === wanted) return entry;
      return -1;
    },
    add(head, number) {
      const entry = take();
      // The others are read only where the flags say that they were written.
      setOctet(entry, HOP, number);
      setOctet(entry, TRIES, 0);
      setOctet(entry, FLAGS, 0);
      columns.leftTries[entry] = 0;
      responders[entry] = undefined;
      columns.rtts[entry] = Number.NaN;
      columns.nexts[entry] = head;
      return entry;
    },
    nextTry(entry) {
      const attempt = octet(entry, TRIES);
      if (attempt >= MOST_TRIES) return undefined;
      setOctet(entry, TRIES, attempt + 1);
      return attempt;
    },
    untry: (entry) => setOctet(entry, TRIES, Math.max(0, octet(entry, TRIES) - 1)),
    hasLeft,
    unleft(entry, attempt) {
      columns.leftTries[entry] = ((columns.leftTries[entry] ?? 0) & ~(1 << attempt)) >>> 0;
    },
    departed(entry, attempt, atMs) {
      if (hasLeft(entry, attempt) && attempt === octet(entry, TRIES) - 1) columns.sentAt[entry] = atMs;
    },
    latest: (entry) => octet(entry, TRIES) - 1,
    left(entry, attempt, atMs) {
      columns.leftTries[entry] = ((columns.leftTries[entry] ?? 0) | (1 << attempt)) >>> 0;
      columns.sentAt[entry] = atMs;
    },
    sent,
    sentAtMs: (entry) => columns.sentAt[entry] ?? Number.NaN,
    isAnswered: (entry) => (octet(entry, FLAGS) & ANSWERED) !== 0,
    effect,
    answer(entry, attempt, reply, { atMs, isLate }) {
      if (!hasLeft(entry, attempt) || (octet(entry, FLAGS) & ANSWERED) !== 0) return false;
      const { from, icmp, replyHopLimit, quotedHopLimit, mark, mpls, mtu } = reply;
      responders[entry] = from;
      // Only of the latest probe is it known when it left.
      const rttMs = attempt === octet(entry, TRIES) - 1 ? atMs - (columns.sentAt[entry] ?? Number.NaN) : Number.NaN;
      columns.rtts[entry] = rttMs >= 0 && reply.ambiguous !== true ? rttMs : Number.NaN;
      let flags = ANSWERED | (EFFECTS.indexOf(reply.effect) << EFFECT_SHIFT) | (isLate ? LATE : 0);
      if (icmp !== undefined) {
        flags |= HAS_ICMP;
        setOctet(entry, TYPE, icmp.type);
        setOctet(entry, CODE, icmp.code);
      }
      if (replyHopLimit !== undefined) {
        flags |= HAS_REPLY_LIMIT;
        setOctet(entry, REPLY_LIMIT, replyHopLimit);
      }
      if (quotedHopLimit !== undefined) {
        flags |= HAS_QUOTED_LIMIT;
        setOctet(entry, QUOTED_LIMIT, quotedHopLimit);
      }
      setOctet(entry, FLAGS, flags);
      if (mark !== undefined || mpls !== undefined || mtu !== undefined) {
        extras.set(entry, {
          ...(mark !== undefined && { mark }),
          ...(mpls !== undefined && { mpls }),
          ...(mtu !== undefined && { mtu }),
        });
      }
      return true;
    },
    responder,
    hop,
    next,
    read(entry) {
      const flags = octet(entry, FLAGS);
      const from = responder(entry);
      const said = effect(entry);
      const base: Writable<ScanHop> = { hop: hop(entry), sent: sent(entry) };
      if (from === undefined || said === undefined) return base;
      base.from = from;
      base.effect = said;
      const rttMs = columns.rtts[entry] ?? Number.NaN;
      if (!Number.isNaN(rttMs)) base.rttMs = rttMs;
      if ((flags & LATE) !== 0) base.late = true;
      if ((flags & HAS_ICMP) !== 0) base.icmp = { type: octet(entry, TYPE), code: octet(entry, CODE) };
      if ((flags & HAS_REPLY_LIMIT) !== 0) base.replyHopLimit = octet(entry, REPLY_LIMIT);
      if ((flags & HAS_QUOTED_LIMIT) !== 0) base.quotedHopLimit = octet(entry, QUOTED_LIMIT);
      const more = extras.get(entry);
      return more === undefined ? base : { ...base, ...more };
    },
    release(head) {
      for (let entry = head; entry >= 0; ) {
        const following = next(entry);
        if (extras.size > 0) extras.delete(entry);
        responders[entry] = undefined;
        columns.nexts[entry] = free;
        free = entry;
        used -= 1;
        entry = following;
      }
    },
    get used() {
      return used;
    },
  };
}
