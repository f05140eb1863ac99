import { createCymruLookup, type OriginLookup } from "../../core/mod.ts";

/**
 * Where networks' names come from: a database given by `--asn-db` or NETTRACE_ASN_DB first, then DNS. Throws UsageError
 * where the database cannot be used.
 */
export async function originSources(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  dns: OriginLookup = createCymruLookup(),
): Promise<readonly OriginLookup[]> {
  const path = given ?? env["NETTRACE_ASN_DB"];
  if (path === undefined || path === "") return [dns];
  const { openOriginDatabase } = await import("./database.ts");
  return [openOriginDatabase(given === undefined ? "NETTRACE_ASN_DB" : "--asn-db", path), dns];
}
