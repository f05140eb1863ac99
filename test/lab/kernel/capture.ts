import { openSync, readSync } from "node:fs";
import type { Endpoint } from "../../../core/address.ts";
import type { ProbeSocket } from "../../../core/network.ts";

/** Octets before the first packet of a pcap file, before each packet, and of an Ethernet header. */
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
/** Microseconds, in this machine's order of octets, which is little-endian on x86-64 and AArch64. */
const MAGIC = 0xa1b2c3d4;
const IP_ETHERTYPES: readonly number[] = [0x0800, 0x86dd];
const CHUNK = 1 << 16;
/** Far more than a capturing program lags behind. */
const PATIENCE_MS = 5000;

/** What `tcpdump -w` has written so far, kept up with. */
export interface Capture {
  /**
   * The IP packets captured so far, all that were sent before this call among them: a packet sent now is waited for
   * (the event loop stands still). Throws an Error where it does not come.
   */
  packets(): readonly Uint8Array[];
}

/** Follows a pcap file. Whatever `marker` sends to `to` must be captured; such packets count as no packets. */
export function followCapture(file: string, marker: ProbeSocket, to: Endpoint): Capture {
  const fd = openSync(file, "r");
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const packets: Uint8Array[] = [];
  /** What was read and not yet understood. */
  let rest = new Uint8Array(0);
  let isStarted = false;

  /** Reads what was written since; whether the packet with this mark is among it. */
  const readOn = (mark: Uint8Array): boolean => {
    const chunks = [rest];
    for (;;) {
      const chunk = new Uint8Array(CHUNK);
      const length = readSync(fd, chunk);
      if (length === 0) break;
      chunks.push(chunk.subarray(0, length));
    }
    const bytes = joined(chunks);
    let at = 0;
    if (!isStarted && bytes.length >= FILE_HEADER) {
      if (new DataView(bytes.buffer).getUint32(0, true) !== MAGIC) throw new Error(`Cannot read ${file}: no pcap file`);
      at = FILE_HEADER;
      isStarted = true;
    }
    let isThere = false;
    for (let frame = frameAt(bytes, at); isStarted && frame !== undefined; frame = frameAt(bytes, at)) {
      at += RECORD_HEADER + frame.length;
      const ethertype = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
      if (!IP_ETHERTYPES.includes(ethertype)) continue;
      if (endsWith(frame, mark)) isThere = true;
      else packets.push(frame.subarray(ETHERNET));
    }
    rest = bytes.slice(at);
    return isThere;
  };

  return {
    packets() {
      const mark = crypto.getRandomValues(new Uint8Array(16));
      marker.send(mark, to, 64, 0);
      const untilMs = performance.now() + PATIENCE_MS;
      while (!readOn(mark)) {
        if (performance.now() > untilMs) throw new Error(`Cannot tell what was sent: nothing more comes into ${file}`);
        Atomics.wait(pause, 0, 0, 1);
      }
      return packets;
    },
  };
}

/** The frame of the record that begins at `at`, if all of it is there. */
function frameAt(bytes: Uint8Array, at: number): Uint8Array | undefined {
  const start = at + RECORD_HEADER;
  if (bytes.length < start) return undefined;
  const end = start + new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 8, true);
  return bytes.length < end ? undefined : bytes.subarray(start, end);
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  return bytes.length >= end.length && end.every((octet, at) => octet === bytes[bytes.length - end.length + at]);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
