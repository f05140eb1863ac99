import {
  type Attempt,
  causeOfError,
  createPath,
  type Path,
  SocketError,
  type TraceEvent,
  type Verdict,
} from "../../core/mod.ts";
import type { Watched } from "../rounds.ts";

/** The rounds of a report as one attempt, for formats that know a path and its probes: every probe is kept. */
export interface RoundsAttempt extends Attempt {
  readonly isRounds: true;
  readonly path: Path;
  apply(event: TraceEvent): void;
  settle(watched: Watched, nowMs: number): void;
}

export function createRoundsAttempt(
  index: number,
  { protocol, port }: Pick<Attempt, "protocol" | "port">,
  startedMs: number,
): RoundsAttempt {
  const path = createPath();
  let watched: Watched | undefined;
  let durationMs: number | undefined;
  return {
    isRounds: true,
    index,
    protocol,
    port,
    path,
    startedMs,
    refusedSends: 0,
    unattributed: 0,
    get mode() {
      return watched?.mode ?? null;
    },
    get verdict() {
      return watched === undefined ? undefined : verdictOf(watched);
    },
    get stage() {
      return watched?.error instanceof SocketError ? watched.error.stage : null;
    },
    get errno() {
      return watched?.error instanceof SocketError ? watched.error.errno : null;
    },
    get reason() {
      return watched?.error === undefined ? "" : causeOfError(watched.error);
    },
    get durationMs() {
      return durationMs;
    },
    apply: (event) => path.apply(event),
    settle(ended, nowMs) {
      watched = ended;
      durationMs = nowMs - startedMs;
    },
  };
}

function verdictOf({ error, isUnopened, table }: Watched): Verdict {
  if (table.hasReached) return "reached";
  if (error !== undefined) return error instanceof SocketError ? (isUnopened ? "unprivileged" : "denied") : "faulty";
  if (table.endHop !== undefined) return "unreachable";
  return table.outcome === "aborted" ? "abandoned" : "filtered";
}
