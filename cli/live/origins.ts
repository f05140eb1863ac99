import type { OriginLookup } from "../../core/mod.ts";
import { originSources } from "../asn/sources.ts";
import type { CommandContext } from "../context.ts";

/**
 * Where networks' names come from. A database that was asked for by its name is opened at once: throws UsageError where
 * it cannot be used. All else waits for the first question.
 */
export async function liveOrigins(
  { asnOf, env }: Pick<CommandContext, "asnOf" | "env">,
  asnDb: string | undefined,
): Promise<OriginLookup> {
  const given = asnDb === undefined ? undefined : await originSources(asnDb, env);
  let sources = given === undefined ? undefined : Promise.resolve(given);
  const find = async (): Promise<readonly OriginLookup[]> => {
    if (asnOf === undefined) return originSources(undefined, env);
    return [
      async (address) => {
        const asns = await asnOf(address);
        return asns === undefined ? undefined : { asns };
      },
    ];
  };
  return async (address) => {
    sources ??= find();
    for (const source of await sources) {
      const origin = await source(address);
      if (origin !== undefined) return origin;
    }
    return undefined;
  };
}
