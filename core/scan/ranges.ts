import type { Family, IpAddress } from "../address.ts";
import { addressFromBytes, lazyAddress, parseAddress } from "../address.ts";

/** Addresses of one family from the first to the last, as numbers. */
export interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

export const BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

/** An address or a prefix such as `192.0.2.0/24`, whose host bits do not count; undefined for anything else. */
export function parseRange(text: string): (Range & { readonly family: Family }) | undefined {
  const plain = plainIPv4(text);
  if (plain !== undefined) return plain;
  const [body = "", length, ...more] = text.split("/");
  const address = parseAddress(body);
  if (address === undefined || address.zone !== undefined || more.length > 0) return undefined;
  const { family } = address;
  const value = numberOf(address);
  if (length === undefined) return { family, first: value, last: value };
  if (!/^\d{1,3}$/.test(length) || Number(length) > BITS[family]) return undefined;
  const hosts = (1n << BigInt(BITS[family] - Number(length))) - 1n;
  return { family, first: value & ~hosts, last: value | hosts };
}

/** Most lines of most lists: four decimal numbers, without another word. */
function plainIPv4(text: string): ReturnType<typeof parseRange> {
  let [value, octet, digits, dots] = [0, 0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      if (digits > 0 && octet === 0) return undefined;
      octet = octet * 10 + code - 0x30;
      digits += 1;
      if (octet > 255) return undefined;
    } else if (code === 0x2e && digits > 0) {
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
      dots += 1;
    } else return undefined;
  }
  if (dots !== 3 || digits === 0) return undefined;
  const number = BigInt(value * 256 + octet);
  return { family: 4, first: number, last: number };
}

function numberOf({ bytes }: IpAddress): bigint {
  let value = 0n;
  for (const octet of bytes) value = (value << 8n) | BigInt(octet);
  return value;
}

export function addressOf(value: bigint, family: Family): IpAddress {
  const bytes = new Uint8Array(BITS[family] / 8);
  for (let at = bytes.length - 1, rest = value; at >= 0; at -= 1, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return lazyAddress(bytes);
}

/** The IPv4 address of a number of 32 bits. */
export function ipv4Of(value: number): IpAddress {
  const bytes = new Uint8Array(4);
  bytes[0] = value >>> 24;
  bytes[1] = value >>> 16;
  bytes[2] = value >>> 8;
  bytes[3] = value;
  return lazyAddress(bytes);
}

/** One whose octets are written again and again. */
export function scratchAddress(family: Family): IpAddress {
  return new ScratchAddress(family, new Uint8Array(BITS[family] / 8));
}

/** The text is that of its octets when it is asked for. */
class ScratchAddress implements IpAddress {
  readonly family: Family;
  readonly bytes: Uint8Array;

  constructor(family: Family, bytes: Uint8Array) {
    this.family = family;
    this.bytes = bytes;
  }

  get text(): string {
    return addressFromBytes(this.bytes).text;
  }
}

/** Disjoint ranges in order, which `find` searches. */
export interface RangeSet {
  readonly ranges: readonly Range[];
  /** A number: of IPv4 only, where it is quicker than a bigint. */
  has(value: bigint | number): boolean;
  /** Whether one of the ranges has the whole other one in it. */
  covers(range: Range): boolean;
}

/** What touches or overlaps becomes one. */
export function createRangeSet(given: readonly Range[]): RangeSet {
  const ranges: { first: bigint; last: bigint }[] = [];
  for (const { first, last } of given.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const before = ranges.at(-1);
    if (before === undefined || first > before.last + 1n) ranges.push({ first, last });
    else if (last > before.last) before.last = last;
  }
  const numbers = ranges.map(({ first, last }) => ({ first: Number(first), last: Number(last) }));
  return {
    ranges,
    has: (value) => (typeof value === "number" ? find(numbers, value) : find(ranges, value)) !== undefined,
    covers({ first, last }) {
      const found = find(ranges, first);
      return found !== undefined && last <= found.last;
    },
  };
}

/** The one of ascending, disjoint ranges that a number is in. */
function find<N extends bigint | number>(
  ascending: readonly { readonly first: N; readonly last: N }[],
  value: N,
): { readonly first: N; readonly last: N } | undefined {
  let low = 0;
  let high = ascending.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = ascending[middle];
    if (range === undefined) return undefined;
    if (value < range.first) high = middle - 1;
    else if (value > range.last) low = middle + 1;
    else return range;
  }
  return undefined;
}
