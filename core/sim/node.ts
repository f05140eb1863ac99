import { parseAddress } from "../address.ts";
import { type IpPacket, verifyIcmp, verifyTransport } from "../wire/mod.ts";
import type { AddressPair, NodeBehaviour, RateLimit } from "./topology.ts";

/** A router or target with its addresses as bytes and what it remembers between packets. */
export interface SimNode<Spec extends NodeBehaviour = NodeBehaviour> {
  readonly spec: Spec;
  readonly own: AddressBytes;
  /** Source addresses of its answers. */
  readonly answers: AddressBytes;
  readonly replyHopLimit: number;
  /** Whether its rate limit lets one more ICMP error out at this time. */
  mayAnswer(atMs: number): boolean;
}

export interface AddressBytes {
  readonly 4: Uint8Array | undefined;
  readonly 6: Uint8Array | undefined;
}

export function createNode<Spec extends NodeBehaviour>(spec: Spec, defaultHopLimit: number): SimNode<Spec> {
  return {
    spec,
    own: addressBytes(spec),
    answers: addressBytes({ ...pairOf(spec), ...spec.answersFrom }),
    replyHopLimit: spec.replyHopLimit ?? defaultHopLimit,
    mayAnswer: spec.icmpRateLimit === undefined ? () => true : createLimiter(spec.icmpRateLimit),
  };
}

export function addressBytes(pair: AddressPair): AddressBytes {
  return { 4: bytesOf(pair.v4, 4), 6: bytesOf(pair.v6, 6) };
}

export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  // At every hop of every packet: a loop, for a callback costs several times as much.
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Whether the payload's checksum is right, as every receiver asks; protocols without a known one pass. */
export function payloadIsSound(ip: IpPacket): boolean {
  if (ip.truncated) return false;
  if (ip.protocol === 1) return verifyIcmp(ip.payload, 4);
  if (![6, 17, 58, 136].includes(ip.protocol)) return true;
  return verifyTransport(ip.payload, ip.protocol, ip.source, ip.destination);
}

function pairOf({ v4, v6 }: AddressPair): AddressPair {
  return { ...(v4 === undefined ? {} : { v4 }), ...(v6 === undefined ? {} : { v6 }) };
}

function bytesOf(text: string | undefined, family: 4 | 6): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (address?.family !== family) throw new TypeError(`Cannot build a topology: ${text} is no IPv${family} address`);
  return address.bytes;
}

/** A token bucket, full at first. */
function createLimiter({ perSecond, burst }: RateLimit): (atMs: number) => boolean {
  let tokens = burst;
  let lastMs = Number.NEGATIVE_INFINITY;
  return (atMs) => {
    // Packets may reach a router out of the order in which they left: time never runs backwards in the bucket.
    if (atMs > lastMs) {
      tokens = Math.min(burst, tokens + ((atMs - lastMs) * perSecond) / 1000);
      lastMs = atMs;
    }
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
