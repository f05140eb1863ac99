import { lengthField, type MplsLabel, parseExtensions } from "./extensions.ts";
import { ICMP, ICMPV6, parseIcmp } from "./icmp.ts";
import { type IpPacket, parseQuotedIp } from "./ip.ts";
import { readU8, readU16 } from "./octets.ts";

/** The packet that an ICMP error quotes, and what the router says beside it. All bytes are views of those parsed. */
export interface Quote {
  /** Usually cut short: RFC 792 asks for 8 octets behind the IP header. */
  readonly packet: IpPacket;
  /** A sound RFC 4884 extension structure, its header first; else empty. */
  readonly extensions: Uint8Array;
  /** The labels in it (RFC 4950), top of the stack first. */
  readonly mpls: readonly MplsLabel[];
}

/** RFC 4884 §5.5: where routers that came before it, and set no length, put the extension structure. */
const LEGACY_OFFSET = 128;
/** An IP header and 8 octets more; a shorter length is no length of a quote. */
const SHORTEST_QUOTE = { 4: 28, 6: 48 } as const;

/**
 * Reads what an ICMP error quotes; `icmp` begins with the error's type octet. Undefined for other types than time
 * exceeded, unreachable, parameter problem and packet too big, and where no whole IP header of that version is quoted.
 * The error's own checksum is not verified: see `verifyIcmp`.
 */
export function parseQuote(icmp: Uint8Array, version: 4 | 6): Quote | undefined {
  const message = parseIcmp(icmp);
  if (message === undefined || !isQuotingType(version, message.type)) return undefined;
  const { body } = message;
  const field = lengthField(version, message.type);
  const length = field === undefined ? 0 : readU8(icmp, field.at) * field.unit;
  const offset = field === undefined ? undefined : findExtensions(body, length);
  const packet = parseQuotedIp(body.subarray(0, quoteEnd(body.length, length, offset, version)));
  if (packet === undefined || packet.version !== version) return undefined;
  const extensions = offset === undefined ? body.subarray(body.length) : body.subarray(offset);
  return { packet, extensions, mpls: parseExtensions(extensions)?.mpls ?? [] };
}

/** Where in the body the quoted octets end; the header decides how much of them is the packet. */
function quoteEnd(bodyLength: number, length: number, offset: number | undefined, version: 4 | 6): number {
  // Against RFC 4884 §4, some routers count what they quoted before they padded it to 128 octets: the rest is padding.
  if (offset !== undefined) return length >= SHORTEST_QUOTE[version] && length < offset ? length : offset;
  // A length that holds separates quote and extensions even if the latter are of no use.
  return length >= LEGACY_OFFSET && length < bodyLength ? length : bodyLength;
}

function isQuotingType(version: 4 | 6, type: number): boolean {
  if (version === 4) {
    return type === ICMP.unreachable || type === ICMP.timeExceeded || type === ICMP.parameterProblem;
  }
  return type >= ICMPV6.unreachable && type <= ICMPV6.parameterProblem;
}

function findExtensions(body: Uint8Array, length: number): number | undefined {
  if (length >= LEGACY_OFFSET && parseExtensions(body.subarray(length)) !== undefined) return length;
  // Without a length that says so the octets there may be the quoted packet's own: only a checksum that is present and
  // right makes them an extension structure.
  const legacy = body.subarray(LEGACY_OFFSET);
  if (readU16(legacy, 2) !== 0 && parseExtensions(legacy) !== undefined) return LEGACY_OFFSET;
  return undefined;
}
