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
/** Of 16 bits each, in an IPv6 address. */
const FIELDS = 8;
const FIELD = /^[\da-f]{1,4}$/i;
const ZONE = /^[\w.:@-]{1,64}$/;

/**
 * Reads an address as people write it: a dotted quad of four decimal parts (never `127.1` or octal), any text of
 * RFC 4291 §2.2, brackets around IPv6 (`[::1]`), and a zone (`fe80::1%eth0`). Anything else is `undefined`.
 */
export function parseAddress(text: string): IpAddress | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const quad = readQuad(bare);
  if (quad !== undefined) return addressFromBytes(quad);
  const [body = "", zone, ...more] = bare.split("%");
  const fields = more.length === 0 ? readFields(body) : undefined;
  if (fields === undefined) return undefined;
  const address = addressFromBytes(fields.flatMap((field) => [field >> 8, field & 0xff]));
  if (zone === undefined) return address;
  return ZONE.test(zone) ? { ...address, zone } : undefined;
}

/** The address of 4 or 16 bytes in network order; the bytes are copied. Throws a TypeError on any other length. */
export function addressFromBytes(bytes: ArrayLike<number>): IpAddress {
  const copy = Uint8Array.from(bytes);
  if (copy.length === 4) return { family: 4, text: copy.join("."), bytes: copy };
  if (copy.length !== 16) throw new TypeError(`Cannot make an address: ${copy.length} bytes`);
  return { family: 6, text: textOfIpv6(copy), bytes: copy };
}

/** The eight fields of an IPv6 address (RFC 4291 §2.2); undefined where the text is none. */
function readFields(text: string): number[] | undefined {
  const halves = text.split("::");
  const [before = [], after = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const words = [...before, ...after];
  // The last two fields may be written as an IPv4 address, at the very end only.
  const quad = text.endsWith(words.at(-1) ?? "") ? readQuad(words.at(-1) ?? "") : undefined;
  const tail =
    quad === undefined ? [] : [((quad[0] ?? 0) << 8) | (quad[1] ?? 0), ((quad[2] ?? 0) << 8) | (quad[3] ?? 0)];
  const written = quad === undefined ? words : words.slice(0, -1);
  const missing = FIELDS - written.length - tail.length;
  const isWhole = halves.length === 1 ? missing === 0 : halves.length === 2 && missing > 0;
  if (!isWhole || !written.every((word) => FIELD.test(word))) return undefined;
  const fields = [...written.map((word) => Number.parseInt(word, 16)), ...tail];
  return halves.length === 1 ? fields : fields.toSpliced(before.length, 0, ...new Array<number>(missing).fill(0));
}

function readQuad(text: string): number[] | undefined {
  const quad = QUAD.exec(text)?.slice(1).map(Number);
  return quad?.every((part) => part <= 255) ? quad : undefined;
}

/** As RFC 5952 §4 asks: the first of the longest runs of zeros is left out, unless it is a single field. */
function textOfIpv6(bytes: Uint8Array): string {
  let [start, length, run] = [0, 1, 0];
  const fields: string[] = [];
  for (let at = 0; at < FIELDS; at += 1) {
    const field = ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0);
    fields.push(field.toString(16));
    run = field === 0 ? run + 1 : 0;
    if (run > length) [start, length] = [at + 1 - run, run];
  }
  if (length === 1) return fields.join(":");
  return `${fields.slice(0, start).join(":")}::${fields.slice(start + length).join(":")}`;
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
