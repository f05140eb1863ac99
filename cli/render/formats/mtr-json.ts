import { formatAddress, type Hop, type HopProbe } from "../../../core/mod.ts";
import { printableJson } from "../../printable.ts";
import { type FinishedRun, rounded, sourceOf } from "./run.ts";

/**
 * What `mtr --json` writes (mtr 0.95), of the winner: each probe of a hop is a test. Where nothing was measured mtr writes
 * 0.0; here it is null, since unknown is not 0.
 */
export function mtrJson(run: FinishedRun): string {
  const { head, end, names } = run;
  const report = {
    mtr: {
      src: sourceOf(run)?.text ?? null,
      dst: head.target.name,
      tos: 0,
      tests: head.trace.queries,
      psize: null,
      bitpattern: null,
    },
    hubs: (end.winner?.path.hops() ?? []).map((hop) => hub(hop, names)),
  };
  return `${printableJson({ report })}\n`;
}

function hub({ hop, sent, received, responders, rtt, probes }: Hop, names: FinishedRun["names"]): object {
  const [address] = responders;
  const host = address === undefined ? "???" : (names.of(address) ?? formatAddress(address));
  return {
    count: hop,
    host,
    "Loss%": sent === 0 ? null : rounded((100 * (sent - received)) / sent),
    Snt: probes.filter(isSent).length,
    Last: rounded(rtt.lastMs),
    Avg: rounded(rtt.meanMs),
    Best: rounded(rtt.bestMs),
    Wrst: rounded(rtt.worstMs),
    StDev: rounded(rtt.deviationMs),
  };
}

function isSent({ state, reply }: HopProbe): boolean {
  return state !== "failed" || reply !== undefined;
}
