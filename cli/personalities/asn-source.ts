import { createOrigins } from "../../core/mod.ts";
import { originSources } from "../asn/sources.ts";
import type { CommandContext } from "../context.ts";
import type { AsnOf } from "./asn-of.ts";

/**
 * Where a personality asks for networks: the context's own source, else a database (`--asn-db`, NETTRACE_ASN_DB) and then
 * DNS. Private addresses are never asked for. Throws UsageError where the database cannot be used.
 */
export async function asnSource(context: CommandContext, database: string | undefined): Promise<AsnOf> {
  if (context.asnOf !== undefined) return context.asnOf;
  const origins = createOrigins({ sources: await originSources(database, context.env) });
  return async (address) => (await origins.ask(address))?.asns;
}
