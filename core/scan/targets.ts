import type { Family, IpAddress } from "../address.ts";
import { UsageError } from "../errors.ts";
import { addressOf, BITS, createRangeSet, ipv4Of, parseRange, type Range, type RangeSet } from "./ranges.ts";
import { isReserved, reserved } from "./reserved.ts";

/** Why a target is not probed. */
export type SkipReason = "reserved" | "blocklisted";

/** One address of a list. */
export interface ScanTarget {
  readonly address: IpAddress;
  readonly skip?: SkipReason;
}

/** Each address of a list once, however often the list names it, in the order of their numbers: IPv4, then IPv6. */
export interface TargetSet {
  readonly count: number;
  /** `index` from 0 to `count` - 1. The address is a new one each time. */
  at(index: number): ScanTarget;
  /** Equal for lists that mean the same targets and skip the same of them. */
  readonly identity: string;
}

const FAMILIES: readonly Family[] = [4, 6];
/** The order of a scan is one of so many. */
const MOST_TARGETS = 2 ** 32;
const LONGEST_SHOWN = 60;

/**
 * The targets in a list: an address or prefix a line, `#` begins a comment. `blocklist` has the same form: what it covers
 * is skipped. Private and reserved addresses are skipped too, unless the list names them literally: as an address, or as a
 * prefix that lies wholly in such a range. Throws UsageError for any other line, and for more than 2^32 targets.
 */
export function parseTargets(list: string, blocklist = ""): TargetSet {
  const wanted = readLines(list, "the list of targets");
  const blocked = readLines(blocklist, "the blocklist");
  const parts = FAMILIES.map((family) => {
    const given = wanted[family];
    const all = createRangeSet(given);
    const literal = createRangeSet(given.filter((range) => isReserved(range, family)));
    return { family, all, literal, blocked: createRangeSet(blocked[family]) };
  });
  const firsts: number[] = [];
  const ranges: { readonly range: Range; readonly low: number; readonly part: (typeof parts)[number] }[] = [];
  let count = 0;
  for (const part of parts) {
    for (const range of part.all.ranges) {
      firsts.push(count);
      ranges.push({ range, low: Number(range.first), part });
      const size = range.last - range.first + 1n;
      count += size > BigInt(MOST_TARGETS) ? Number.POSITIVE_INFINITY : Number(size);
    }
  }
  if (count > MOST_TARGETS) {
    throw new UsageError("Cannot scan more than 4294967296 addresses: divide the list");
  }
  return {
    count,
    at(index) {
      const found = lastAtMost(firsts, index);
      const entry = ranges[found];
      const first = firsts[found];
      if (entry === undefined || first === undefined) throw new RangeError(`Cannot find target ${index} of ${count}`);
      const { range, low, part } = entry;
      // IPv4 fits into a number.
      const value = part.family === 4 ? low + index - first : range.first + BigInt(index - first);
      const address = typeof value === "number" ? ipv4Of(value) : addressOf(value, part.family);
      if (part.blocked.has(value)) return { address, skip: "blocklisted" };
      const isSkipped = reserved(part.family).has(value) && !part.literal.has(value);
      return isSkipped ? { address, skip: "reserved" } : { address };
    },
    get identity() {
      const text = ({ ranges: each }: RangeSet): string => each.map(({ first, last }) => `${first}-${last}`).join(",");
      return parts.map(({ all, literal, blocked: not }) => [all, literal, not].map(text).join(";")).join("|");
    },
  };
}

function readLines(text: string, what: string): Record<Family, Range[]> {
  const found: Record<Family, Range[]> = { 4: [], 6: [] };
  let number = 0;
  // One line after the other: a list may have a million.
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end < 0 ? undefined : end);
    at += line.length + 1;
    number += 1;
    const comment = line.indexOf("#");
    const entry = (comment < 0 ? line : line.slice(0, comment)).trim();
    if (entry === "") continue;
    const range = parseRange(entry);
    if (range === undefined) {
      const shown = entry.length > LONGEST_SHOWN ? `${entry.slice(0, LONGEST_SHOWN)}…` : entry;
      const hint = /^[\w.-]*[a-z][\w.-]*$/i.test(entry) ? ": names have to be resolved beforehand" : "";
      throw new UsageError(
        `Cannot read line ${number} of ${what}: ${shown} is no address and no prefix such as 192.0.2.0/24${hint}`,
      );
    }
    found[range.family].push(range);
  }
  return found;
}

/** Where in ascending numbers the last one is that does not exceed `value`. */
function lastAtMost(numbers: readonly number[], value: number): number {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((numbers[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The key of the prefix that a target shares with its neighbours: /24 of IPv4, /48 of IPv6. */
export function neighbourhoodOf({ family, bytes }: IpAddress): number {
  let hash = BITS[family];
  for (let at = 0; at < (family === 4 ? 3 : 6); at += 1) hash = (Math.imul(hash, 16_777_619) ^ (bytes[at] ?? 0)) | 0;
  return hash >>> 0;
}
