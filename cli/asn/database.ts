import { readFileSync } from "node:fs";
import { type AsnResponse, Reader } from "mmdb-lib";
import { type Origin, type OriginLookup, readAsn, UsageError } from "../../core/mod.ts";
import { echo } from "../host.ts";

/** The largest free databases of networks have some ten megabytes. */
const MAX_OCTETS = 512 * 1024 * 1024;

/**
 * Origins from a file in MaxMind's format: GeoLite2-ASN and DB-IP lite (`autonomous_system_number`), IPinfo lite
 * (`asn`: "AS64500", and `country_code`, the address's). Throws UsageError where the file cannot be read or is none.
 */
export function openOriginDatabase(option: string, path: string): OriginLookup {
  const reader = open(option, path);
  return async ({ text }) => toOrigin(reader.get(text));
}

function open(option: string, path: string): Reader<AsnResponse> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const why = error instanceof Error && "code" in error ? error.code : error;
    throw new UsageError(`Cannot use ${option} ${echo(path)}: it cannot be read (${why})`);
  }
  try {
    if (bytes.length > MAX_OCTETS) throw new RangeError("it is too large");
    return new Reader<AsnResponse>(bytes);
  } catch {
    throw new UsageError(`Cannot use ${option} ${echo(path)}: it is no database in MaxMind's format (.mmdb)`);
  }
}

function toOrigin(record: object | null): Origin | undefined {
  const fields: Readonly<Record<string, unknown>> = { ...record };
  const number = fields["autonomous_system_number"] ?? fields["asn"];
  const asn = readAsn(String(number ?? "").replace(/^AS/i, ""));
  if (asn === undefined) return undefined;
  const holder = fields["autonomous_system_organization"] ?? fields["as_name"] ?? fields["name"];
  const country = fields["country_code"];
  return {
    asns: [asn],
    ...(typeof holder === "string" && holder !== "" && { holder }),
    ...(typeof country === "string" && /^[A-Z]{2}$/.test(country) && { country }),
  };
}
