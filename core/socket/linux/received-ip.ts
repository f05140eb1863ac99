import { addressFromBytes, type Family, type IpAddress } from "../../address.ts";
import { checksum, pseudoHeaderSum } from "../../wire/checksum.ts";
import { PROTO } from "./abi.ts";

/** An ICMP message in a whole IP packet, as the tap sees it. */
export interface TappedIcmp {
  readonly from: IpAddress;
  readonly hopLimit: number;
  readonly bytes: Uint8Array;
}

/** Whether an ICMP message's checksum is right. */
export function verifyIcmpv4(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && checksum(bytes) === 0;
}

/**
 * The ICMP or ICMPv6 message in a packet that starts with its IP header; undefined where lengths or checksums are
 * wrong, which the kernel has not looked at where the tap stands. Octets after the packet's end are the link's padding.
 */
export function parseTapped(packet: Uint8Array, family: Family): TappedIcmp | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (packet.length < (family === 4 ? 20 : 40) || view.getUint8(0) >> 4 !== family) return undefined;
  return family === 4 ? parseIpv4(packet, view) : parseIpv6(packet, view);
}

function parseIpv4(packet: Uint8Array, view: DataView): TappedIcmp | undefined {
  const headerLength = (view.getUint8(0) & 15) * 4;
  const totalLength = view.getUint16(2);
  if (headerLength < 20 || totalLength < headerLength || totalLength > packet.length) return undefined;
  if (view.getUint8(9) !== PROTO.icmp || checksum(packet, 0, headerLength) !== 0) return undefined;
  const bytes = packet.subarray(headerLength, totalLength);
  if (!verifyIcmpv4(bytes)) return undefined;
  return { from: addressFromBytes(packet.subarray(12, 16)), hopLimit: view.getUint8(8), bytes };
}

function parseIpv6(packet: Uint8Array, view: DataView): TappedIcmp | undefined {
  const end = 40 + view.getUint16(4);
  if (view.getUint8(6) !== PROTO.icmpv6 || end > packet.length || end < 48) return undefined;
  const bytes = packet.subarray(40, end);
  const source = packet.subarray(8, 24);
  const pseudo = pseudoHeaderSum(source, packet.subarray(24, 40), PROTO.icmpv6, bytes.length);
  if (checksum(bytes, 0, bytes.length, pseudo) !== 0) return undefined;
  return { from: addressFromBytes(source), hopLimit: view.getUint8(7), bytes };
}
