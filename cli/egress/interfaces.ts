import { readFileSync } from "node:fs";
import type { Family, IpAddress } from "../../core/mod.ts";

/** The names of the interfaces whose routes lead to an address, in the kernel's order; undefined where /proc does not tell. */
export function interfacesTo(
  address: IpAddress,
  read: (path: string) => string = (path) => readFileSync(path, "utf8"),
): readonly string[] | undefined {
  let text: string;
  try {
    text = read(address.family === 4 ? "/proc/net/route" : "/proc/net/ipv6_route");
  } catch {
    return undefined;
  }
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  const names = rows.flatMap((row) => {
    const route = address.family === 4 ? readRoute4(row) : readRoute6(row);
    return route !== undefined && covers(route, address) && route.name !== "lo" ? [route.name] : [];
  });
  return [...new Set(names)];
}

interface RouteRow {
  readonly name: string;
  readonly family: Family;
  readonly network: readonly number[];
  readonly length: number;
}

const RTF_UP = 1;
/** RTF_REJECT: unreachable, prohibit and blackhole routes. */
const RTF_REJECT = 0x200;

/** `eth1 00000000 010012C6 0003 0 0 100 00000000 …`: words of the host's order, which is little-endian on all that we run on. */
function readRoute4([name = "", destination = "", , flags = "", , , , mask = ""]: readonly string[]):
  | RouteRow
  | undefined {
  const network = octets(destination)?.reverse();
  const bits = octets(mask)?.reverse();
  if (name === "" || network?.length !== 4 || bits?.length !== 4 || !isUsable(Number.parseInt(flags, 16)))
    return undefined;
  return { name, family: 4, network, length: bits.reduce((sum, octet) => sum + ones(octet), 0) };
}

function readRoute6(row: readonly string[]): RouteRow | undefined {
  const [destination = "", length = "", , , , , , , flags = "", name = ""] = row;
  const network = octets(destination);
  if (name === "" || network?.length !== 16 || !isUsable(Number.parseInt(flags, 16))) return undefined;
  return { name, family: 6, network, length: Number.parseInt(length, 16) };
}

const isUsable = (flags: number): boolean => (flags & RTF_UP) !== 0 && (flags & RTF_REJECT) === 0;
const ones = (octet: number): number => octet.toString(2).replaceAll("0", "").length;

function octets(hex: string): number[] | undefined {
  return /^([0-9a-f]{2})+$/i.test(hex) ? (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)) : undefined;
}

function covers({ network, length }: RouteRow, { bytes }: IpAddress): boolean {
  for (let bit = 0; bit < length; bit += 1) {
    const at = bit >> 3;
    const mask = 0x80 >> (bit & 7);
    if (((network[at] ?? 0) & mask) !== ((bytes[at] ?? 0) & mask)) return false;
  }
  return true;
}
