import { checksum, sum16 } from "./checksum.ts";
import { encodeIcmp } from "./icmp.ts";
import { assertField, readU8, readU16, readU32, writeU16, writeU32 } from "./octets.ts";

/** One entry of an MPLS label stack as a router quotes it (RFC 4950 §3). */
export interface MplsLabel {
  /** 0-1048575 */
  readonly label: number;
  /** Traffic class (formerly EXP), 0-7. */
  readonly trafficClass: number;
  readonly bottomOfStack: boolean;
  /** 0-255 */
  readonly ttl: number;
}

/** What an interface in an RFC 5837 object has to do with the quoted packet. */
export type InterfaceRole = "incoming" | "incoming-sub-ip" | "outgoing" | "next-hop";

/** A router's interface as it names it itself (RFC 5837 §4); what it left out is absent. */
export interface InterfaceInfo {
  readonly role: InterfaceRole;
  /** The router's ifIndex. */
  readonly index?: number;
  /** 4 or 16 octets, a view of the parsed bytes. */
  readonly address?: Uint8Array;
  /** Up to 63 octets of UTF-8 as they came, malformed sequences replaced: it may hold control characters. */
  readonly name?: string;
  /** Octets. */
  readonly mtu?: number;
}

/** What an extension structure says (RFC 4884 §7). */
export interface Extensions {
  /** Top of the stack first; the entries of all MPLS objects in their order. */
  readonly mpls: readonly MplsLabel[];
  readonly interfaces: readonly InterfaceInfo[];
}

const VERSION = 2;
const CLASS_MPLS = 1;
const TYPE_INCOMING_STACK = 1;
const CLASS_INTERFACE = 2;
const ROLES: readonly InterfaceRole[] = ["incoming", "incoming-sub-ip", "outgoing", "next-hop"];

/**
 * Reads an extension structure (RFC 4884 §7): all octets given belong to it. Undefined where the version is not 2, the
 * checksum is wrong (0: none was sent), or the lengths of the objects do not add up. Objects of unknown classes, and
 * such whose inside is malformed, are left out.
 */
export function parseExtensions(bytes: Uint8Array): Extensions | undefined {
  if (bytes.length < 4 || readU8(bytes, 0) >>> 4 !== VERSION) return undefined;
  if (readU16(bytes, 2) !== 0 && sum16(bytes) !== 0xffff) return undefined;
  const mpls: MplsLabel[] = [];
  const interfaces: InterfaceInfo[] = [];
  for (let at = 4; at < bytes.length; ) {
    const length = readU16(bytes, at);
    // An object holds at least its own header, so that each turn gains at least 4 octets.
    if (length < 4 || at + length > bytes.length) return undefined;
    const payload = bytes.subarray(at + 4, at + length);
    const classNumber = readU8(bytes, at + 2);
    const type = readU8(bytes, at + 3);
    if (classNumber === CLASS_MPLS && type === TYPE_INCOMING_STACK) mpls.push(...parseLabels(payload));
    if (classNumber === CLASS_INTERFACE) {
      const info = parseInterface(payload, type);
      if (info !== undefined) interfaces.push(info);
    }
    at += length;
  }
  return { mpls, interfaces };
}

function parseLabels(payload: Uint8Array): readonly MplsLabel[] {
  const labels: MplsLabel[] = [];
  if (payload.length % 4 !== 0) return labels;
  for (let at = 0; at < payload.length; at += 4) {
    const entry = readU32(payload, at);
    labels.push({
      label: entry >>> 12,
      trafficClass: (entry >>> 9) & 7,
      bottomOfStack: (entry & 0x100) !== 0,
      ttl: entry & 0xff,
    });
  }
  return labels;
}

/** RFC 5837 §4.1: the C-Type's bits say which of index, address, name and MTU follow, in this order. */
function parseInterface(payload: Uint8Array, type: number): InterfaceInfo | undefined {
  const info: { -readonly [K in keyof InterfaceInfo]: InterfaceInfo[K] } = { role: ROLES[type >>> 6] ?? "incoming" };
  let at = 0;
  if ((type & 0x08) !== 0) {
    info.index = readU32(payload, at);
    at += 4;
  }
  if ((type & 0x04) !== 0) {
    // RFC 5837 §4.2: the address family number of IANA, 1 for IPv4 and 2 for IPv6.
    const family = readU16(payload, at);
    if (family !== 1 && family !== 2) return undefined;
    const end = at + 4 + (family === 1 ? 4 : 16);
    info.address = payload.subarray(at + 4, end);
    at = end;
  }
  if ((type & 0x02) !== 0) {
    // RFC 5837 §4.3: the length counts itself and the zeros that pad the name to a whole 32-bit word.
    const length = readU8(payload, at);
    if (length < 4 || length > 64 || length % 4 !== 0 || at + length > payload.length) return undefined;
    info.name = new TextDecoder().decode(payload.subarray(at + 1, at + length)).replace(/\0+$/, "");
    at += length;
  }
  if ((type & 0x01) !== 0) {
    info.mtu = readU32(payload, at);
    at += 4;
  }
  // Octets read past the end were not there: nothing is known then.
  return at <= payload.length ? info : undefined;
}

/** An extension structure of one MPLS object with these labels, top first. Throws a RangeError on a bad field. */
export function encodeMplsExtensions(labels: readonly MplsLabel[]): Uint8Array {
  const action = "encode MPLS labels";
  const bytes = new Uint8Array(8 + 4 * labels.length);
  assertField(action, "length of the object", bytes.length - 4, 0xffff);
  bytes[0] = VERSION << 4;
  writeU16(bytes, 4, bytes.length - 4);
  bytes[6] = CLASS_MPLS;
  bytes[7] = TYPE_INCOMING_STACK;
  labels.forEach(({ label, trafficClass, bottomOfStack, ttl }, index) => {
    assertField(action, "label", label, 0xfffff);
    assertField(action, "traffic class", trafficClass, 7);
    assertField(action, "TTL", ttl, 0xff);
    const entry = ((label << 12) | (trafficClass << 9) | (bottomOfStack ? 0x100 : 0) | ttl) >>> 0;
    writeU32(bytes, 8 + 4 * index, entry);
  });
  writeU16(bytes, 2, checksum(bytes));
  return bytes;
}

/** What an ICMP error is made of. */
export interface IcmpErrorFields {
  readonly version: 4 | 6;
  readonly type: number;
  readonly code: number;
  /** The packet that could not be delivered, from its IP header on. */
  readonly original: Uint8Array;
  /** An extension structure, its header first; empty is the same as absent. */
  readonly extensions?: Uint8Array;
  /** Octets 4-7 (MTU, pointer); the length field of RFC 4884 is put in where there are extensions. Default zeros. */
  readonly rest?: Uint8Array;
  /** The addresses of the error itself; needed for version 6. */
  readonly source?: Uint8Array;
  readonly destination?: Uint8Array;
  /** At most so many octets of the original are quoted; default: as many as the limit of the reply allows. */
  readonly quoteLength?: number;
}

/** RFC 1812 §4.3.2.3 and RFC 4443 §2.4(c): 576 and 1280 octets, less the headers of IP and ICMP. */
const QUOTE_LIMIT = { 4: 576 - 20 - 8, 6: 1280 - 40 - 8 } as const;
/** RFC 4884 §4: behind a shorter quote old receivers would not look for extensions. */
const MIN_EXTENDED_QUOTE = 128;

/**
 * Where an error's length field is, and what it counts (RFC 4884 §4); undefined for types which have none: version 6
 * has it in unreachable and time exceeded only.
 */
export function lengthField(version: 4 | 6, type: number): { at: number; unit: number } | undefined {
  if (version === 4) return type === 3 || type === 11 || type === 12 ? { at: 5, unit: 4 } : undefined;
  return type === 1 || type === 3 ? { at: 4, unit: 8 } : undefined;
}

/**
 * An ICMP error message as a router makes it, with its checksum: the quote is cut to the limit and, where extensions
 * follow, padded with zeros to 128 octets at least. Throws a RangeError on extensions to a type that can carry none, and
 * as `encodeIcmp` does.
 */
export function encodeIcmpError(fields: IcmpErrorFields): Uint8Array {
  const { version, original, extensions, quoteLength, ...header } = fields;
  assertField("encode an ICMP error", "quote length", quoteLength ?? 0, 0xffff);
  if (extensions === undefined || extensions.length === 0) {
    const limit = quoteLength ?? QUOTE_LIMIT[version];
    return encodeIcmp({ ...header, version, body: original.length > limit ? original.subarray(0, limit) : original });
  }
  const field = lengthField(version, fields.type);
  if (field === undefined) {
    throw new RangeError(`Cannot encode an ICMP error: version ${version} type ${fields.type} carries no extensions`);
  }
  const room = Math.max(MIN_EXTENDED_QUOTE, QUOTE_LIMIT[version] - extensions.length);
  const limit = quoteLength ?? room - (room % field.unit);
  const quote = original.subarray(0, limit);
  const padded = Math.max(MIN_EXTENDED_QUOTE, Math.ceil(quote.length / field.unit) * field.unit);
  assertField("encode an ICMP error", "length field", padded / field.unit, 0xff);
  const rest = Uint8Array.from(fields.rest ?? [0, 0, 0, 0]);
  rest[field.at - 4] = padded / field.unit;
  const body = new Uint8Array(padded + extensions.length);
  body.set(quote);
  body.set(extensions, padded);
  return encodeIcmp({ ...header, version, rest, body });
}
