import { assertPair, readU16 } from "./octets.ts";

/**
 * The one's-complement sum (RFC 1071) of the octets from `start` to `end`, folded to 16 bits, not inverted. An odd last
 * octet counts as if a zero followed. `initial` is the sum of what came before, which must have been of even length.
 */
export function sum16(bytes: Uint8Array, start = 0, end = bytes.length, initial = 0): number {
  const stop = Math.min(end, bytes.length);
  let sum = initial;
  let at = start;
  for (; at + 1 < stop; at += 2) sum += readU16(bytes, at);
  if (at < stop) sum += (bytes[at] ?? 0) << 8;
  // 2^16 words of 16 bits stay below 2^32, so that `>>>` folds exactly; no IP packet is longer.
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/**
 * The Internet checksum, 0-65535, of the octets from `start` to `end`. The checksum field itself must hold zero; over
 * octets whose checksum field is filled in, a result of 0 means that it is right.
 */
export function checksum(bytes: Uint8Array, start = 0, end = bytes.length, initial = 0): number {
  return ~sum16(bytes, start, end, initial) & 0xffff;
}

/**
 * The sum of a pseudo-header, to be passed as `initial`: IPv4 (RFC 9293 §3.1) or IPv6 (RFC 8200 §8.1) by the length of
 * the addresses. `length` counts the octets of the upper-layer header and data. Throws a RangeError on addresses that
 * are no pair.
 */
export function pseudoHeaderSum(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  assertPair("sum a pseudo-header", source, destination);
  // IPv6 spreads protocol and length over 32 bits each: the zero words add nothing, so both families sum alike.
  const fields = protocol + (length & 0xffff) + (length >>> 16);
  return sum16(destination, 0, destination.length, sum16(source, 0, source.length, fields));
}

/**
 * The 16-bit word which, put in place of a zero word of the data, turns the checksum `actual` into `wanted`. A checksum
 * of 0xffff can be had only of data that are all zero; elsewhere 0, its equal in one's complement, comes out instead
 * (UDP sends that as 0xffff).
 */
export function compensation(actual: number, wanted: number): number {
  // Data that are all zero sum to 0, not to its other form 0xffff: only the word 0xffff leads from there to checksum 0.
  if (actual === 0xffff && wanted === 0) return 0xffff;
  return (actual - wanted + 0xffff) % 0xffff;
}

/** The checksum after `word` took the place of a zero word (RFC 1624 §3). */
export function checksumWithWord(checksum: number, word: number): number {
  const sum = (~checksum & 0xffff) + word;
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}
