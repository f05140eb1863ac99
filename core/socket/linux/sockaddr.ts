import { addressFromBytes, type Endpoint, type Family, type IpAddress } from "../../address.ts";
import { AF } from "./abi.ts";
import type { Region } from "./arena.ts";

/** Octets of the largest address that is used here, sockaddr_in6, rounded up. */
export const SOCKADDR_SPACE = 32;

/**
 * The first two octets of a sockaddr_in and a sockaddr_in6, read as a little-endian number: all in which systems differ.
 * Linux and Windows have the family there, each its own number for IPv6; the BSDs have the length, then the family.
 */
export type SockaddrHeads = Readonly<Record<Family, number>>;

const LINUX: SockaddrHeads = { 4: AF.inet, 6: AF.inet6 };

/**
 * sockaddr_in or sockaddr_in6 at the start of `region`; returns its length. `scope` is the zone's index, 0 for none.
 * `flowLabel` takes effect on sockets with IPV6_FLOWINFO_SEND.
 */
export function writeSockaddr(
  region: Region,
  address: IpAddress,
  port: number,
  scope: number,
  heads: SockaddrHeads = LINUX,
  flowLabel = 0,
): number {
  const { bytes, view } = region;
  view.setUint16(2, port);
  view.setUint32(4, address.family === 4 ? 0 : flowLabel);
  if (address.family === 4) {
    view.setUint16(0, heads[4], true);
    bytes.set(address.bytes, 4);
    view.setUint32(8, 0);
    view.setUint32(12, 0);
    return 16;
  }
  view.setUint16(0, heads[6], true);
  bytes.set(address.bytes, 8);
  view.setUint32(24, scope, true);
  return 28;
}

/** The wildcard address of a family, which `bind` takes for "any". */
export function anyAddress(family: Family): IpAddress {
  return addressFromBytes(new Uint8Array(family === 4 ? 4 : 16));
}

/** The address and port at `at`; undefined where there is none that is known. `zoneName` names a zone by its index. */
export function readSockaddr(
  region: Region,
  at: number,
  zoneName: (index: number) => string,
  heads: SockaddrHeads = LINUX,
): Endpoint | undefined {
  const { bytes, view } = region;
  const head = view.getUint16(at, true);
  const port = view.getUint16(at + 2);
  if (head === heads[4]) return { address: addressFromBytes(bytes.subarray(at + 4, at + 8)), port };
  if (head !== heads[6] || at + 28 > bytes.length) return undefined;
  const address = addressFromBytes(bytes.subarray(at + 8, at + 24));
  const scope = view.getUint32(at + 24, true);
  return { address: scope === 0 ? address : { ...address, zone: zoneName(scope) }, port };
}
