import { TCP_FLAG, type TcpSegment } from "../wire/mod.ts";
import type { StreamService } from "./topology.ts";

/** The target's end of one connection. */
export interface TargetStream {
  /** What it sends on hearing a segment; a segment that is repeated is answered as it was before. */
  hear(segment: TcpSegment): readonly SegmentFields[];
}

/** What the connection says of a segment; addresses and ports are the caller's. */
interface SegmentFields {
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

/** The longest segment; what is longer is said in several. */
const SEGMENT = 1200;
const NOTHING = new Uint8Array(0);

/** `service` undefined: a program that never says a word. */
export function createTargetStream(service: StreamService | undefined): TargetStream {
  let next: number | undefined;
  const given = new Map<string, readonly SegmentFields[]>();

  const answerTo = ({ payload, sequence, acknowledgement: firstNext }: TcpSegment): readonly SegmentFields[] => {
    const answer = service?.(payload);
    const { bytes = NOTHING, end } = answer ?? {};
    const acknowledgement = (sequence + payload.length) >>> 0;
    const segments: SegmentFields[] = [];
    const say = (flags: number, words: Uint8Array): void => {
      const from = next ?? firstNext;
      segments.push({ sequence: from, acknowledgement, flags: flags | TCP_FLAG.ack, payload: words });
      next = (from + words.length + ((flags & TCP_FLAG.fin) === 0 ? 0 : 1)) >>> 0;
    };
    for (let at = 0; at < bytes.length; at += SEGMENT) say(TCP_FLAG.psh, bytes.subarray(at, at + SEGMENT));
    if (end !== undefined) say(end === "closed" ? TCP_FLAG.fin : TCP_FLAG.rst, NOTHING);
    else if (segments.length === 0 && payload.length > 0) say(0, NOTHING);
    return segments;
  };

  return {
    hear(segment) {
      const key = `${segment.sequence} ${segment.payload.length}`;
      const known = given.get(key);
      if (known !== undefined) return known;
      const answers = answerTo(segment);
      given.set(key, answers);
      return answers;
    },
  };
}
