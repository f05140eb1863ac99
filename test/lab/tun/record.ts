import { writeSync } from "node:fs";
import { addressFromBytes } from "../../../core/address.ts";
import { flowKey } from "../../../core/sim/balance.ts";
import { parseIp } from "../../../core/wire/mod.ts";

/** A probe, or any packet, that really reached the path. */
export interface SentPacket {
  /** Monotonic milliseconds of the machine. */
  readonly at_ms: number;
  /** As it left the host. */
  readonly hop_limit: number;
  /** IP protocol. */
  readonly protocol: number;
  readonly to: string;
  /** The fields that balancers hash. */
  readonly flow: string;
  /** The whole IP packet. */
  readonly octets: number;
}

/** Time (8 octets), length of the packet (2), length of what is kept of it (2). */
const HEAD = 12;
/** Holds the ports behind some extension headers. */
const KEPT = 128;
const SPACE = 1 << 20;

/** Notes packets in memory, and writes them down when there is time for it. */
export interface Recorder {
  note(packet: Uint8Array, atMs: number): void;
  readonly isEmpty: boolean;
  flush(): void;
}

export function createRecorder(write: (bytes: Uint8Array) => void): Recorder {
  const bytes = new Uint8Array(new ArrayBuffer(SPACE));
  const view = new DataView(bytes.buffer);
  let end = 0;
  const flush = (): void => {
    if (end > 0) write(bytes.subarray(0, end));
    end = 0;
  };
  return {
    note(packet, atMs) {
      if (end + HEAD + KEPT > SPACE) flush();
      const kept = Math.min(packet.length, KEPT);
      view.setFloat64(end, atMs, true);
      view.setUint16(end + 8, packet.length, true);
      view.setUint16(end + 10, kept, true);
      for (let at = 0; at < kept; at += 1) bytes[end + HEAD + at] = packet[at] ?? 0;
      end += HEAD + kept;
    },
    get isEmpty() {
      return end === 0;
    },
    flush,
  };
}

/** A file's whole, however much of it one call takes. */
export function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** Reads a record from an offset on; a packet that is not there as a whole is left for later. */
export function readRecord(
  bytes: Uint8Array,
  from: number,
): { readonly packets: readonly SentPacket[]; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packets: SentPacket[] = [];
  let at = from;
  while (at + HEAD <= bytes.length) {
    const kept = view.getUint16(at + 10, true);
    if (at + HEAD + kept > bytes.length) break;
    const ip = parseIp(bytes.slice(at + HEAD, at + HEAD + kept));
    if (ip !== undefined) {
      packets.push({
        at_ms: view.getFloat64(at, true),
        hop_limit: ip.hopLimit,
        protocol: ip.protocol,
        to: addressFromBytes(ip.destination).text,
        flow: flowKey(ip, { icmp: false }),
        octets: view.getUint16(at + 8, true),
      });
    }
    at += HEAD + kept;
  }
  return { packets, end: at };
}
