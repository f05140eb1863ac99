import { createOrigins, type OriginField, type OriginLookup } from "../../core/mod.ts";
import { originSources } from "../asn/sources.ts";
import type { CommandContext } from "../context.ts";
import type { AsnOf } from "./asn-of.ts";

/**
 * Where a personality asks for networks: the context's own source, else a database (`--asn-db`, NETTRACE_ASN_DB) and then
 * DNS, which is asked also for a `field` that the database does not know. Private addresses are never asked for, and none
 * is waited for longer than the patience. Throws UsageError where the database cannot be used.
 */
export async function originSource(
  context: CommandContext,
  database: string | undefined,
  field: OriginField = "asns",
): Promise<OriginLookup> {
  if (context.origins !== undefined) return context.origins;
  const origins = createOrigins({ sources: await originSources(database, context.env), field });
  return (address) => origins.ask(address);
}

/** The numbers alone. */
export async function asnSource(context: CommandContext, database: string | undefined): Promise<AsnOf> {
  const source = await originSource(context, database);
  return async (address) => (await source(address))?.asns;
}
