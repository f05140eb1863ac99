import ipaddr from "ipaddr.js";

/** 4: IPv4, 6: IPv6. */
export type Family = 4 | 6;

/** An IPv4 or IPv6 address. Equal addresses have equal `text`. */
export interface IpAddress {
  readonly family: Family;
  /** Dotted quad, or the canonical text of RFC 5952, without a zone. */
  readonly text: string;
  /** 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array;
  /** The zone of a link-local address (RFC 4007), an interface's name or number. */
  readonly zone?: string;
}

/** An address with, for protocols that have them, a port (1-65535; 0 where the protocol has none). */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

const QUAD = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const ZONE = /^[\w.:@-]{1,64}$/;

/**
 * Reads an address as people write it: a dotted quad of four decimal parts (never `127.1` or octal), any text of
 * RFC 4291 §2.2, brackets around IPv6 (`[::1]`), and a zone (`fe80::1%eth0`). Anything else is `undefined`.
 */
export function parseAddress(text: string): IpAddress | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const quad = QUAD.exec(bare)?.slice(1).map(Number);
  if (quad !== undefined) return quad.every((part) => part <= 255) ? addressFromBytes(quad) : undefined;
  const [body = "", zone, ...more] = bare.split("%");
  if (more.length > 0 || !body.includes(":") || !ipaddr.IPv6.isValid(body)) return undefined;
  const address = addressFromBytes(ipaddr.IPv6.parse(body).toByteArray());
  if (zone === undefined) return address;
  return ZONE.test(zone) ? { ...address, zone } : undefined;
}

/** The address of 4 or 16 bytes in network order; the bytes are copied. Throws a TypeError on any other length. */
export function addressFromBytes(bytes: ArrayLike<number>): IpAddress {
  const copy = Uint8Array.from(bytes);
  if (copy.length === 4) return { family: 4, text: copy.join("."), bytes: copy };
  if (copy.length !== 16) throw new TypeError(`Cannot make an address: ${copy.length} bytes`);
  return { family: 6, text: new ipaddr.IPv6(Array.from(copy)).toRFC5952String(), bytes: copy };
}

/**
 * The same as `addressFromBytes`, for the many whose text may never be asked for: it is made when it is. `bytes` are kept, not
 * copied, and must never change.
 */
export function lazyAddress(bytes: Uint8Array): IpAddress {
  return new LazyAddress(bytes);
}

class LazyAddress implements IpAddress {
  readonly family: Family;
  readonly bytes: Uint8Array;
  #text: string | undefined;

  constructor(bytes: Uint8Array) {
    this.family = bytes.length === 4 ? 4 : 6;
    this.bytes = bytes;
  }

  get text(): string {
    const [a = 0, b = 0, c = 0, d = 0] = this.bytes;
    this.#text ??= this.family === 4 ? `${a}.${b}.${c}.${d}` : addressFromBytes(this.bytes).text;
    return this.#text;
  }
}

/** Whether two addresses are equal; zones do not count. */
export function sameAddress(a: IpAddress, b: IpAddress): boolean {
  return a.text === b.text;
}

/** The text of an address with its zone, as it is typed on a command line. */
export function formatAddress(address: IpAddress): string {
  return address.zone === undefined ? address.text : `${address.text}%${address.zone}`;
}
