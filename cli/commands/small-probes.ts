import { type Attempt, type AutoRequest, auto, type Network } from "../../core/mod.ts";
import type { SmallProbes } from "../result.ts";

/**
 * Where large probes went silent on their way: how far small ones of the same protocol come. Undefined where they come no
 * farther, so that size is not what the path minds.
 */
export async function traceSmall(
  network: Network,
  request: AutoRequest,
  large: Attempt | undefined,
): Promise<SmallProbes | undefined> {
  const size = request.probe?.packetSize;
  const rung = large === undefined ? undefined : request.ladder[large.index];
  if (size === undefined || rung === undefined || large?.verdict !== "filtered") return undefined;
  const { packetSize: _, ...probe } = request.probe ?? {};
  for await (const event of auto(network, { ...request, ladder: [rung], probe })) {
    if (event.type !== "finished") continue;
    const path = event.attempts[0]?.path;
    const farthestHop = path?.farthestHop;
    if (path === undefined || farthestHop === undefined || farthestHop <= (large.path.farthestHop ?? 0))
      return undefined;
    return { size, farthestHop, reached: path.reached };
  }
  return undefined;
}
