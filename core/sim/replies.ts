import { encodeIcmpError, encodeIp, encodeMplsExtensions, type IpPacket } from "../wire/mod.ts";
import { writeU32 } from "../wire/octets.ts";
import { isErrorMessage } from "./balance.ts";
import { selects } from "./match.ts";
import type { SimNode } from "./node.ts";
import { setHopLimit } from "./rewrite.ts";
import type { NodeBehaviour, Router, UnreachableReason } from "./topology.ts";

/** Why a packet cannot go on, told to its sender by an ICMP error. */
export type Refusal =
  | { readonly why: "time-exceeded" }
  | { readonly why: "unreachable"; readonly reason: UnreachableReason }
  | { readonly why: "too-big"; readonly mtu: number };

interface TypeAndCode {
  readonly type: number;
  readonly code: number;
}

/** RFC 792 and RFC 1812 §5.2.7.1; RFC 4443 §3.1, and §3.4 for a protocol that nobody there speaks. */
const UNREACHABLE: Readonly<Record<4 | 6, Readonly<Record<UnreachableReason, TypeAndCode>>>> = {
  4: {
    net: { type: 3, code: 0 },
    host: { type: 3, code: 1 },
    protocol: { type: 3, code: 2 },
    port: { type: 3, code: 3 },
    prohibited: { type: 3, code: 13 },
  },
  6: {
    net: { type: 1, code: 0 },
    host: { type: 1, code: 3 },
    protocol: { type: 4, code: 1 },
    port: { type: 1, code: 4 },
    prohibited: { type: 1, code: 1 },
  },
};

/** Octet 6 of an IPv6 header is its next-header field, which the parameter problem points at. */
const V6_NEXT_HEADER_AT = 6;

function icmpTypeOf(version: 4 | 6, refusal: Refusal): TypeAndCode {
  if (refusal.why === "unreachable") return UNREACHABLE[version][refusal.reason];
  if (refusal.why === "too-big") return version === 4 ? { type: 3, code: 4 } : { type: 2, code: 0 };
  return { type: version === 4 ? 11 : 3, code: 0 };
}

interface IcmpErrorOptions {
  readonly source: Uint8Array;
  readonly hopLimit: number;
  readonly quoteLength?: number | undefined;
  readonly extensions?: Uint8Array | undefined;
}

/** The whole IP packet of an ICMP error about `original`. */
export function icmpErrorPacket(original: Uint8Array, ip: IpPacket, refusal: Refusal, options: IcmpErrorOptions) {
  const { source, hopLimit, quoteLength, extensions } = options;
  const message = encodeIcmpError({
    version: ip.version,
    ...icmpTypeOf(ip.version, refusal),
    original,
    rest: restOf(ip.version, refusal),
    source,
    destination: ip.source,
    ...(quoteLength === undefined ? {} : { quoteLength }),
    ...(extensions === undefined ? {} : { extensions }),
  });
  const protocol = ip.version === 4 ? 1 : 58;
  return encodeIp({ source, destination: ip.source, protocol, hopLimit, payload: message });
}

function restOf(version: 4 | 6, refusal: Refusal): Uint8Array {
  const rest = new Uint8Array(4);
  // RFC 1191 §4 has 16 bits for the MTU, with zeros before them; RFC 4443 §3.2 has 32.
  if (refusal.why === "too-big") writeU32(rest, 0, refusal.mtu);
  if (refusal.why === "unreachable" && refusal.reason === "protocol" && version === 6) rest[3] = V6_NEXT_HEADER_AT;
  return rest;
}

/** All that decides whether and how a node tells of a packet that cannot go on; routers and targets alike. */
type Refuser = SimNode<NodeBehaviour & Pick<Router, "silent" | "silentFor" | "mpls" | "quotedHopLimit">>;

/** The error that a node sends about a packet as it received it; undefined where it keeps silent. */
export function refuse(
  { spec, answers, replyHopLimit, mayAnswer }: Refuser,
  packet: Uint8Array,
  ip: IpPacket,
  refusal: Refusal,
  atMs: number,
): Uint8Array | undefined {
  const source = answers[ip.version];
  if (source === undefined || spec.silent === true || isErrorMessage(ip) || ip.fragmentOffset !== 0) return undefined;
  if (spec.silentFor?.some((selector) => selects(selector, ip.protocol)) === true) return undefined;
  if (!mayAnswer(atMs)) return undefined;
  const original = spec.quotedHopLimit === undefined ? packet : packet.slice();
  if (spec.quotedHopLimit !== undefined) setHopLimit(original, spec.quotedHopLimit);
  const { type } = icmpTypeOf(ip.version, refusal);
  // RFC 4884 §4: of ICMPv6's errors only unreachable and time exceeded can carry an extension.
  const carries = spec.mpls !== undefined && (ip.version === 4 || type === 1 || type === 3);
  return icmpErrorPacket(original, ip, refusal, {
    source,
    hopLimit: replyHopLimit,
    quoteLength: spec.quoteLength,
    extensions: carries ? encodeMplsExtensions(spec.mpls) : undefined,
  });
}
