import type { Attempt } from "../../core/mod.ts";
import type { LiveNote } from "../record/live-notes.ts";
import type { Played, PlayedAttempt } from "../record/player.ts";
import type { LiveHead, ReportHead } from "../render/report.ts";
import { type Measured, targetState, watchedRuns } from "./measured.ts";
import { createProtocolRun, type ProtocolRun } from "./protocol-run.ts";
import type { LiveTarget } from "./settings.ts";
import type { Phase } from "./state.ts";

/** Targets as a recording tells of them, up to where it was played. */
export interface PlayedTargets {
  readonly targets: readonly Measured[];
  apply(played: Played): void;
  /** So far it was played by now, milliseconds since it began, though nothing may have happened. */
  pass(ms: number): void;
  /** Of the latest rounds, milliseconds. */
  readonly intervalMs: number;
  readonly firstHop: number;
  readonly maxHop: number;
  /** How far it was played, milliseconds since it began. */
  readonly positionMs: number;
  /** How long it took, as its end says; until that is known, how far it was played. */
  readonly durationMs: number;
}

interface PlayedTarget {
  readonly target: LiveTarget;
  phase: Phase;
  /** What the latest search tried. */
  attempts: Attempt[];
  readonly runs: Map<number, ProtocolRun>;
  current: ProtocolRun | undefined;
  /** The first of those that this host let no socket open for, since one was open. */
  refused: ProtocolRun | undefined;
}

/** `modes`: how each attempt's sockets were opened, where only the end of the recording tells. */
export function createPlayedTargets(
  head: LiveHead | ReportHead,
  modes: ReadonlyMap<number, string | null>,
): PlayedTargets {
  const { name, address } = head.target;
  const only: LiveTarget = { host: name, address, ...(head.route && { route: head.route }) };
  const played = ("targets" in head ? head.targets : [only]).map(
    (target): PlayedTarget => ({
      target,
      phase: { type: "searching" },
      attempts: [],
      runs: new Map(),
      current: undefined,
      refused: undefined,
    }),
  );
  const owners = new Map<number, PlayedTarget>();
  let { intervalMs } = head;
  let { firstHop, maxHop } = head.trace;
  let positionMs = 0;
  let durationMs: number | undefined;

  const begin = (attempt: PlayedAttempt): void => {
    const owner = played[attempt.target];
    if (owner === undefined) return;
    owners.set(attempt.index, owner);
    if (!attempt.isRounds) {
      owner.attempts.push(attempt);
      return;
    }
    const { protocol, port, index } = attempt;
    const run = createProtocolRun({ protocol, port });
    owner.runs.set(index, run);
    // A report has one run alone, and says at its end by which sockets.
    if (head.command !== "report") return;
    run.begin(modes.get(index) ?? null, 0);
    owner.current = run;
    owner.phase = { type: "measuring" };
  };

  const note = (said: LiveNote): void => {
    if (said.type === "tuned") {
      ({ intervalMs, firstHop, maxHop } = said);
      return;
    }
    if (said.type === "phase") {
      const target = played[said.target];
      if (target !== undefined) enter(target, said.phase);
      return;
    }
    const owner = owners.get(said.attempt);
    const run = owner?.runs.get(said.attempt);
    if (owner === undefined || run === undefined) return;
    if (said.type === "reset") run.reset();
    else if (said.type === "opened") {
      // Recorded rounds are counted over all the times that the protocol was in use.
      run.begin(said.mode, 0);
      owner.current = run;
      owner.refused = undefined;
    } else {
      run.fail(said.error);
      owner.current ??= run;
      owner.refused ??= run;
    }
  };

  return {
    targets: played.map((each): Measured => {
      const parts = () => ({ ...each, runs: each.runs.values(), intervalMs, elapsedMs: positionMs });
      return {
        target: each.target,
        state: (book) => targetState(parts(), book),
        get attempts() {
          return each.attempts;
        },
        get winner() {
          return each.attempts.find(({ verdict }) => verdict === "reached");
        },
        watched: () => watchedRuns(parts()),
      };
    }),
    apply(line) {
      if ("atMs" in line) positionMs = Math.max(positionMs, line.atMs);
      if (line.type === "note") note(line.note);
      else if (line.type === "end") {
        ({ durationMs } = line.end);
        for (const each of played) each.phase = { type: "finished" };
      } else if (line.type === "event") {
        const { event } = line;
        if (event.type === "attempt-started") begin(event.attempt);
        else if (event.type === "trace" && event.attempt.isRounds) {
          owners.get(event.attempt.index)?.runs.get(event.attempt.index)?.apply(event.event);
        }
      }
    },
    pass(ms) {
      positionMs = Math.max(positionMs, ms);
    },
    get intervalMs() {
      return intervalMs;
    },
    get firstHop() {
      return firstHop;
    },
    get maxHop() {
      return maxHop;
    },
    get positionMs() {
      return positionMs;
    },
    get durationMs() {
      return durationMs ?? positionMs;
    },
  };
}

function enter(target: PlayedTarget, phase: Phase): void {
  target.phase = phase;
  if (phase.type === "searching") {
    target.attempts = [];
    target.current = undefined;
  } else if (phase.type === "stuck" && target.refused !== undefined) target.current = target.refused;
}
