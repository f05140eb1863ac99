import {
  type AddressLookup,
  asciiName,
  type Family,
  type IpAddress,
  lookUpSystem,
  parseAddress,
} from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";

/** An address, or what getaddrinfo(3) would say instead of one. */
export type LookupResult =
  | { readonly address: IpAddress; readonly error?: undefined }
  | { readonly address?: undefined; readonly error: string };

const MESSAGES: Readonly<Record<string, string>> = {
  ENOTFOUND: "Name or service not known",
  EAI_AGAIN: "Temporary failure in name resolution",
};

/** The first address of a name or literal, by the system's resolver, in the first of the families that has one. */
export async function lookUpHost(
  context: CommandContext,
  host: string,
  families: readonly (Family | 0)[],
): Promise<LookupResult> {
  const literal = parseLiteral(host);
  if (literal !== undefined) {
    const fits = families.some((family) => family === 0 || family === literal.family);
    return fits ? { address: literal } : { error: "Address family for hostname not supported" };
  }
  const lookup: AddressLookup = context.lookup ?? lookUpSystem;
  const name = asciiName(host);
  let error = MESSAGES["ENOTFOUND"] ?? "";
  for (const family of families) {
    try {
      const [address] = await lookup(name, family);
      if (address !== undefined) return { address };
    } catch (failure) {
      const code = failure instanceof Error && "code" in failure ? String(failure.code) : "";
      error = MESSAGES[code] ?? "Non-recoverable failure in name resolution";
    }
  }
  return { error: await isOtherFamily(lookup, name, families, error) };
}

/** No address lies behind an IPv4 address in IPv6's clothes but the IPv4 one (RFC 4291 §2.5.5.2). */
function parseLiteral(host: string): IpAddress | undefined {
  const address = parseAddress(host);
  const mapped = address?.family === 6 ? address.bytes : undefined;
  const isMapped = mapped?.subarray(0, 12).every((octet, at) => octet === (at < 10 ? 0 : 255)) === true;
  return isMapped ? parseAddress(mapped?.subarray(12).join(".") ?? "") : address;
}

/** A name that exists, but in the other family only, is another failure than one that does not. */
async function isOtherFamily(
  lookup: AddressLookup,
  name: string,
  families: readonly (Family | 0)[],
  error: string,
): Promise<string> {
  const [only] = families;
  if (error !== MESSAGES["ENOTFOUND"] || families.length !== 1 || only === undefined || only === 0) return error;
  try {
    const others = await lookup(name, only === 4 ? 6 : 4);
    return others.length > 0 ? "No address associated with hostname" : error;
  } catch {
    // It has none there either: the first failure is the one to tell.
    return error;
  }
}
