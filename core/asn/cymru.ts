import type { IpAddress } from "../address.ts";
import type { Origin, OriginField, OriginLookup } from "./origin.ts";

/** As `dns.resolveTxt`: the character-strings of each record. Rejects where there is none. */
export type TextLookup = (name: string) => Promise<readonly (readonly string[])[]>;

/**
 * Origins by DNS, from Team Cymru's zones (https://www.team-cymru.com/ip-asn-mapping): over the host's own resolver, so
 * also where nothing but a private resolver can be reached.
 */
export function createCymruLookup(texts: TextLookup = resolveTexts): OriginLookup {
  return async (address) => parseOriginText(await texts(originName(address)));
}

async function resolveTexts(name: string): ReturnType<TextLookup> {
  const { resolveTxt } = await import("node:dns/promises");
  return resolveTxt(name);
}

/** `8.8.8.8` is asked for as 8.8.8.8.origin.asn.cymru.com, IPv6 by its nibbles, both reversed. */
export function originName({ family, bytes }: IpAddress): string {
  if (family === 4) return `${[...bytes].reverse().join(".")}.origin.asn.cymru.com`;
  const nibbles = [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join(".")}.origin6.asn.cymru.com`;
}

/**
 * `23028 64500 | 216.90.108.0/24 | US | arin | 1998-09-25`: one record for each prefix that covers the address. The
 * longest prefix decides; of equal ones all count. Whatever does not read so is passed over.
 */
export function parseOriginText(records: readonly (readonly string[])[]): Origin | undefined {
  let longest = -1;
  let asns: number[] = [];
  let about: Omit<Origin, "asns"> = {};
  for (const strings of records.slice(0, MAX_RECORDS)) {
    const [numbers = "", prefix = "", ...rest] = strings.join("").split("|", MAX_FIELDS);
    const length = Number(/\/(\d{1,3})\s*$/.exec(prefix)?.[1] ?? Number.NaN);
    const found = numbers.trim().split(/\s+/).slice(0, MAX_ASNS).map(readAsn);
    if (!(length >= 0 && length <= 128) || found.length === 0 || found.includes(undefined)) continue;
    if (length < longest) continue;
    if (length > longest) {
      asns = [];
      about = readFields([prefix, ...rest]);
    }
    longest = length;
    for (const asn of found) if (asn !== undefined && !asns.includes(asn)) asns.push(asn);
  }
  return asns.length === 0 ? undefined : { asns, ...about };
}

const FIELDS = [
  ["prefix", /^[\da-f.:]{2,39}\/\d{1,3}$/i],
  ["country", /^[A-Z]{2}$/],
  ["registry", /^[a-z]{2,16}$/],
  ["allocated", /^\d{4}-\d\d-\d\d$/],
] as const satisfies readonly (readonly [OriginField, RegExp])[];

/** What is empty, or does not read so, is unknown. */
function readFields(texts: readonly string[]): Omit<Origin, "asns"> {
  const known = FIELDS.flatMap(([field, form], at) => {
    const text = (texts[at] ?? "").trim();
    return form.test(text) ? [[field, text] as const] : [];
  });
  return Object.fromEntries(known);
}

/** Of a record. */
const MAX_FIELDS = 8;
/** A hostile name server must not fill the screen. */
const MAX_RECORDS = 16;
const MAX_ASNS = 8;

/** RFC 6793: 32 bits, and 0 is nobody's (RFC 7607). */
export function readAsn(text: string): number | undefined {
  const asn = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  return asn >= 1 && asn <= 0xffff_ffff ? asn : undefined;
}
