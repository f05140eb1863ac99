import {
  type Attempt,
  createPath,
  DEFAULT_TRACE_OPTIONS,
  noNames,
  type Outcome,
  type Path,
  type Probe,
  type Route,
  type ScanOutcome,
  type ScanRow,
  type Verdict,
} from "../../core/mod.ts";
import { atlas } from "../render/formats/atlas.ts";
import type { FinishedRun } from "../render/formats/run.ts";
import { scamperTrace } from "../render/formats/scamper.ts";
import type { RowHead } from "./rows.ts";

/** What the forms of other tools say beside a row. */
export interface OtherFormHead extends RowHead {
  readonly tries: number;
  readonly maxHop: number;
  readonly waitMs: number;
  /** Undefined where this host would not say. */
  readonly routeOf: (row: ScanRow) => Route | undefined;
}

/** As RIPE Atlas tells of one traceroute. */
export function atlasRow(row: ScanRow, head: OtherFormHead): string {
  return atlas(finishedRun(row, head));
}

/** As scamper tells of one trace, in a line. */
export function scamperRow(row: ScanRow, head: OtherFormHead): string {
  return scamperTrace(finishedRun(row, head));
}

const OUTCOMES: Readonly<Record<ScanOutcome, readonly [Outcome, Verdict]>> = {
  reached: ["reached", "reached"],
  unreachable: ["unreachable", "filtered"],
  silent: ["silent", "filtered"],
  looped: ["max-hops", "filtered"],
  "max-hops": ["max-hops", "filtered"],
  refused: ["refused", "denied"],
  skipped: ["aborted", "abandoned"],
};

/** The row as a trace of one probe to each hop that answered, and as many as were sent to the others. */
function finishedRun(row: ScanRow, head: OtherFormHead): FinishedRun {
  const { target, startedAtMs, endedAtMs, hops } = row;
  const [, verdict] = OUTCOMES[row.outcome];
  const { protocol, port } = head;
  const durationMs = endedAtMs - startedAtMs;
  const attempt: Attempt = {
    index: 0,
    protocol,
    port,
    mode: null,
    verdict,
    stage: row.error?.stage ?? null,
    errno: row.error?.errno ?? null,
    reason: "",
    path: pathOf(row),
    refusedSends: 0,
    unattributed: 0,
    startedMs: startedAtMs,
    durationMs,
  };
  const { tries: queries, maxHop, waitMs: maxWaitMs } = head;
  return {
    head: {
      command: "trace",
      target: { name: target.text, address: target },
      route: row.outcome === "skipped" ? undefined : head.routeOf(row),
      trace: { ...DEFAULT_TRACE_OPTIONS, queries, maxHop, maxWaitMs, firstHop: hops[0]?.hop ?? 1 },
      ladder: [{ protocol, port }],
      started: head.timeOf(startedAtMs),
    },
    end: { attempts: [attempt], winner: attempt, durationMs, interrupted: undefined },
    names: noNames,
  };
}

function pathOf({ hops, outcome, endedAtMs: atMs }: ScanRow): Path {
  const path = createPath();
  let sequence = 0;
  for (const { hop, sent, from, effect, rttMs, late, ...said } of hops) {
    for (let round = 0; round < sent; round += 1) {
      const probe: Probe = { sequence, hopLimit: hop, flow: 0, round };
      sequence += 1;
      path.apply({ type: "sent", probe, atMs });
      const isAnswered = from !== undefined && effect !== undefined && round === sent - 1;
      if (!isAnswered || late) path.apply({ type: "lost", probe, atMs, abandoned: false });
      if (!isAnswered) continue;
      const reply = { sequence: probe.sequence, from, effect, ...said };
      const measured = rttMs === undefined ? {} : { rttMs };
      path.apply({ type: late ? "late" : "reply", probe, reply, atMs, tapped: false, ...measured });
    }
  }
  path.apply({ type: "stopped", atMs, outcome: OUTCOMES[outcome][0] });
  return path;
}
