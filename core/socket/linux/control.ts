import type { Endpoint } from "../../address.ts";
import { IP, IPV6, SO, SOL } from "./abi.ts";
import type { Region } from "./arena.ts";
import { readSeconds, type Stamp } from "./clock.ts";
import { readSockaddr } from "./sockaddr.ts";

/** struct sock_extended_err and the address that follows it (linux/errqueue.h). */
export interface ExtendedError {
  readonly errno: number;
  readonly origin: number;
  readonly type: number;
  readonly code: number;
  readonly info: number;
  readonly data: number;
  /** Who sent the ICMP error; absent for errors of other origin. */
  readonly offender?: Endpoint;
}

/** What the kernel says beside a packet. */
export interface Control {
  readonly hopLimit?: number;
  /** CLOCK_REALTIME. */
  readonly stamp?: Stamp;
  readonly error?: ExtendedError;
}

const CMSG_HEADER = 16;
const EXTENDED_ERROR = 16;

/** Reads the ancillary data in the first `length` octets of `region`. */
export function parseControl(region: Region, length: number, zoneName: (index: number) => string): Control {
  const { view } = region;
  const control: { hopLimit?: number; stamp?: Stamp; error?: ExtendedError } = {};
  let at = 0;
  while (at + CMSG_HEADER <= length) {
    const size = view.getUint32(at, true);
    const end = at + size;
    if (size < CMSG_HEADER || end > length) break;
    const data = at + CMSG_HEADER;
    const level = view.getInt32(at + 8, true);
    const type = view.getInt32(at + 12, true);
    if (isHopLimit(level, type) && data + 4 <= end) {
      control.hopLimit = view.getInt32(data, true);
    } else if (isError(level, type) && data + EXTENDED_ERROR <= end) {
      control.error = readError(region, data, end, zoneName);
    } else if (level === SOL.socket && type === SO.timestamping && data + 16 <= end) {
      const stamp = { seconds: readSeconds(view, data), nanoseconds: view.getUint32(data + 8, true) };
      // The first of three stamps is the software one; the kernel leaves it zero when it took none.
      if (stamp.seconds !== 0) control.stamp = stamp;
    }
    at += (size + 7) & ~7;
  }
  return control;
}

function isHopLimit(level: number, type: number): boolean {
  return (level === SOL.ip && type === IP.ttl) || (level === SOL.ipv6 && type === IPV6.hoplimit);
}

function isError(level: number, type: number): boolean {
  return (level === SOL.ip && type === IP.recverr) || (level === SOL.ipv6 && type === IPV6.recverr);
}

function readError(region: Region, at: number, end: number, zoneName: (index: number) => string): ExtendedError {
  const { view } = region;
  const error = {
    errno: view.getUint32(at, true),
    origin: view.getUint8(at + 4),
    type: view.getUint8(at + 5),
    code: view.getUint8(at + 6),
    info: view.getUint32(at + 8, true),
    data: view.getUint32(at + 12, true),
  };
  // sockaddr_in takes 16 octets, sockaddr_in6 28; the region has room for either, whatever `end` says.
  const offender = at + EXTENDED_ERROR + 16 <= end ? readSockaddr(region, at + EXTENDED_ERROR, zoneName) : undefined;
  return offender === undefined ? error : { ...error, offender };
}
