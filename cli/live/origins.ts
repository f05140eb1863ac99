import { joinOriginLookups, type OriginLookup } from "../../core/mod.ts";
import { originSources } from "../asn/sources.ts";
import type { CommandContext } from "../context.ts";
import type { LiveOrigins } from "./settings.ts";

/**
 * Where networks' names come from. A database that was asked for by its name is opened at once: throws UsageError where
 * it cannot be used. All else waits for the first question. DNS is asked for what the database does not know.
 */
export async function liveOrigins(
  { origins, env }: Pick<CommandContext, "origins" | "env">,
  asnDb: string | undefined,
): Promise<LiveOrigins> {
  const given = asnDb === undefined ? undefined : await originSources(asnDb, env);
  let sources = given === undefined ? undefined : Promise.resolve(given);
  const find = async (): Promise<readonly OriginLookup[]> =>
    origins === undefined ? originSources(undefined, env) : [origins];
  return (field) => async (address) => {
    sources ??= find();
    return joinOriginLookups(await sources, field)(address);
  };
}
