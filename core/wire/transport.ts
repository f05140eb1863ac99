import { pseudoHeaderSum, sum16 } from "./checksum.ts";
import { verifyIcmp } from "./icmp.ts";
import { IP_PROTOCOL } from "./ip.ts";
import { readU16, versionOfPair } from "./octets.ts";

/**
 * Whether a whole TCP segment, UDP or UDP-Lite datagram or ICMPv6 message carries the right checksum for its addresses. A UDP
 * checksum of 0 means that none was sent: true over IPv4, false over IPv6 (RFC 8200 §8.1). What is cut short, or of
 * another protocol, cannot be verified: false.
 */
export function verifyTransport(
  bytes: Uint8Array,
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
): boolean {
  const version = versionOfPair(source, destination);
  if (version === undefined) return false;
  switch (protocol) {
    case IP_PROTOCOL.tcp:
      return bytes.length >= 20 && sumsUp(bytes, protocol, source, destination);
    case IP_PROTOCOL.udp: {
      const length = readU16(bytes, 4);
      if (length < 8 || length > bytes.length) return false;
      if (readU16(bytes, 6) === 0) return version === 4;
      return sumsUp(bytes.subarray(0, length), protocol, source, destination);
    }
    case IP_PROTOCOL.udpLite: {
      const coverage = readU16(bytes, 4) === 0 ? bytes.length : readU16(bytes, 4);
      // RFC 3828 §3.1: without a checksum, or with a coverage of 1 to 7, it is to be discarded.
      if (coverage < 8 || coverage > bytes.length || readU16(bytes, 6) === 0) return false;
      return sumsUp(bytes, protocol, source, destination, coverage);
    }
    case IP_PROTOCOL.icmpv6:
      return verifyIcmp(bytes, 6, source, destination);
    default:
      return false;
  }
}

function sumsUp(
  bytes: Uint8Array,
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
  coverage = bytes.length,
): boolean {
  return sum16(bytes, 0, coverage, pseudoHeaderSum(source, destination, protocol, bytes.length)) === 0xffff;
}
