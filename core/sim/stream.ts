import type { TcpSegment } from "../wire/mod.ts";
import { TCP_FLAG } from "../wire/mod.ts";

/** The host's end of a connection whose handshake is done: what has been said and heard, by sequence numbers. */
export interface Stream {
  /** Whether anything, or nothing at all, was said: only then does the program hear. */
  readonly begun: boolean;
  /** Takes the number of the next octets said, and moves on behind them. */
  say(length: number): number;
  /** What the other side is told to have been heard up to. */
  readonly heard: number;
  /** Whether the other side has heard all up to this number. */
  isAcknowledged(upTo: number): boolean;
  /** What a segment adds, in order; nothing where it repeats, or comes too early and is kept for later. */
  hear(segment: TcpSegment): readonly Heard[];
  readonly ended: boolean;
}

type Heard = { readonly bytes: Uint8Array } | { readonly end: "closed" | "reset" };

/** Begins behind the numbers of both SYNs. */
export function createStream(first: number, theirFirst: number): Stream {
  let next = first;
  let heard = theirFirst;
  let acknowledged = first;
  let begun = false;
  let ended = false;
  /** Segments that came before their turn. */
  const early = new Map<number, TcpSegment>();
  return {
    get begun() {
      return begun;
    },
    say(length) {
      begun = true;
      const from = next;
      next = (next + length) >>> 0;
      return from;
    },
    get heard() {
      return heard;
    },
    isAcknowledged: (upTo) => isAtLeast(acknowledged, upTo),
    hear(segment) {
      const { flags, sequence, acknowledgement, payload } = segment;
      // A SYN-ACK once more.
      if (ended || (flags & TCP_FLAG.syn) !== 0) return [];
      if ((flags & TCP_FLAG.rst) !== 0) {
        // RFC 5961 §3.2: only a reset of the very next octet is believed.
        ended = sequence === heard;
        return ended ? [{ end: "reset" }] : [];
      }
      if ((flags & TCP_FLAG.ack) !== 0 && isAtLeast(acknowledgement, acknowledged)) acknowledged = acknowledgement;
      if ((payload.length > 0 || (flags & TCP_FLAG.fin) !== 0) && isAtLeast(sequence, heard)) {
        early.set(sequence, segment);
      }
      const found: Heard[] = [];
      for (let turn = early.get(heard); turn !== undefined; turn = early.get(heard)) {
        early.delete(heard);
        heard = (heard + turn.payload.length) >>> 0;
        if (turn.payload.length > 0) found.push({ bytes: Uint8Array.from(turn.payload) });
        if ((turn.flags & TCP_FLAG.fin) === 0) continue;
        ended = true;
        found.push({ end: "closed" });
        break;
      }
      return found;
    },
    get ended() {
      return ended;
    },
  };
}

/** Sequence numbers wrap: what lies less than half a circle ahead is later (RFC 9293 §3.4). */
function isAtLeast(number: number, least: number): boolean {
  return (number - least) >>> 0 < 2 ** 31;
}
