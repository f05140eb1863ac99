import { UsageError } from "../core/errors.ts";
import type { ProtocolPlugin } from "../core/plugin.ts";
import { TCP_FLAG } from "../core/wire/mod.ts";
import { openSegments } from "./tcp-session.ts";

/**
 * TCP segments with any control bits and options: what a filter makes of ACK, FIN or ECN shows so. A reset is an answer; of
 * a segment that acknowledges something it tells nothing about the port (`unfiltered`).
 */
export const tcpSegment: ProtocolPlugin = {
  name: "tcp-segment",
  summary: "TCP segments with any control bits",
  modes: [{ name: "raw", needs: "raw" }],
  defaultPort: 443,
  options: [
    { name: "flags", description: "control bits, 0 to 255 (2: SYN, 16: ACK)", type: "number", default: TCP_FLAG.syn },
    { name: "mss", description: "largest segment that a SYN offers, 1 to 65535", type: "number" },
    { name: "sack", description: "offer selective acknowledgements", type: "boolean", default: false },
    { name: "timestamps", description: "send timestamps", type: "boolean", default: false },
    { name: "window-scaling", description: "offer window scaling", type: "boolean", default: false },
  ],
  open(network, target, options) {
    const { flags = TCP_FLAG.syn, mss = USUAL_MSS[target.address.family] } = options.plugin ?? {};
    if (!isFrom(flags, 0, 0xff)) throw new UsageError("Cannot send such TCP flags: they are a number from 0 to 255");
    if (!isFrom(mss, 1, 0xffff)) throw new UsageError("Cannot offer such a TCP segment size: it is 1 to 65535");
    const has = (name: string): boolean => options.plugin?.[name] === true;
    const tcpOptions = encodeOptions({
      mss: (flags & TCP_FLAG.syn) === 0 ? undefined : mss,
      sack: has("sack"),
      timestamps: has("timestamps"),
      windowScaling: has("window-scaling"),
    });
    return openSegments(network, target, options, { name: "tcp-segment", flags, options: tcpOptions });
  },
};

/** Of Ethernet's 1,500 octets. */
const USUAL_MSS = { 4: 1460, 6: 1440 } as const;
const NO_OPERATION = 1;
const WINDOW_SCALE = 7;

interface OptionWishes {
  readonly mss: number | undefined;
  readonly sack: boolean;
  readonly timestamps: boolean;
  readonly windowScaling: boolean;
}

/** RFC 9293 §3.2, RFC 7323 §2 and §3, RFC 2018 §2; each padded to whole words. */
function encodeOptions({ mss, sack, timestamps, windowScaling }: OptionWishes): Uint8Array {
  const octets: number[] = mss === undefined ? [] : [2, 4, mss >>> 8, mss & 0xff];
  if (sack || timestamps) octets.push(...(sack ? [4, 2] : [NO_OPERATION, NO_OPERATION]));
  if (timestamps) octets.push(8, 10, 0x10, 0, 0, 0, 0, 0, 0, 0);
  else if (sack) octets.push(NO_OPERATION, NO_OPERATION);
  if (windowScaling) octets.push(NO_OPERATION, 3, 3, WINDOW_SCALE);
  return Uint8Array.from(octets);
}

function isFrom(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}
