import { DEFAULT_TRACE_OPTIONS, type Names } from "../../core/mod.ts";
import type { InterruptSignal } from "../context.ts";
import type { Played } from "../record/player.ts";
import { exitCodeOfReport, type LiveHead, type ReportHead } from "../render/report.ts";
import { createPlayedTargets, type PlayedTargets } from "./played.ts";
import { exitCodeOfTargets, type LiveResult } from "./report.ts";
import { DEFAULT_THRESHOLDS } from "./thresholds.ts";
import type { Tuning } from "./tuning.ts";
import { FIRST_UI } from "./ui.ts";
import { createViewing, type TerminalTraits, type Viewing } from "./viewing.ts";

/** A recording of rounds that was read. */
export interface RoundsRecording {
  readonly head: LiveHead | ReportHead;
  readonly names: Names;
  /** How each attempt's sockets were opened. */
  readonly modes: ReadonlyMap<number, string | null>;
  /** Reads it line by line, from its start. */
  readonly lines: () => Iterable<Played>;
  /** What ended it; undefined: nothing, or it was cut off. */
  readonly interrupted: InterruptSignal | undefined;
}

/** A recording being played, and how it is looked at. Knows no terminal. */
export interface ReplaySession extends Pick<Viewing, "state" | "press"> {
  /** All of it was played. */
  readonly played: Promise<void>;
  stop(): Promise<void>;
  result(): LiveResult;
}

export interface ReplayOptions extends TerminalTraits {
  /** How many times as fast as it happened; undefined: all at once. */
  readonly speed: number | undefined;
  readonly clock: ReplayClock;
  readonly onChange: () => void;
}

interface ReplayClock {
  /** Monotonic milliseconds. */
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** How long a key may have to wait for its effect. */
const STEP_MS = 50;
/** Lines that are played before keys and the screen get their turn. */
const BATCH = 500;
const CANNOT = "This is a recording: it shows what was measured then";

export function createReplaySession(recording: RoundsRecording, options: ReplayOptions): ReplaySession {
  const { speed, clock, onChange } = options;
  const targets = createPlayedTargets(recording.head, recording.modes);
  let isStopped = false;

  const viewing = createViewing({
    ...options,
    targets: targets.targets,
    ui: FIRST_UI,
    thresholds: DEFAULT_THRESHOLDS,
    tuning: () => tuningOf(targets),
    names: recording.names,
    now: () => new Date(recording.head.started.getTime() + targets.positionMs),
    replay: () => ({ speed }),
    act: () => CANNOT,
  });

  /** How far it is to be played by now; stands still while the screen does. */
  let dueMs = 0;
  let lookedMs = clock.nowMs();
  const due = (): number => {
    const nowMs = clock.nowMs();
    if (!viewing.ui.isPaused) dueMs += (nowMs - lookedMs) * (speed ?? 0);
    lookedMs = nowMs;
    return dueMs;
  };

  const until = async (atMs: number): Promise<void> => {
    if (speed === undefined) return;
    for (let leftMs = atMs - due(); leftMs > 0 && !isStopped; leftMs = atMs - due()) {
      targets.pass(atMs - leftMs);
      onChange();
      await clock.sleep(Math.min(STEP_MS, leftMs / speed));
    }
  };

  const play = async (): Promise<void> => {
    let sinceTurn = 0;
    for (const line of recording.lines()) {
      if (isStopped) return;
      if ("atMs" in line) await until(line.atMs);
      targets.apply(line);
      sinceTurn += 1;
      if (sinceTurn < BATCH) continue;
      sinceTurn = 0;
      onChange();
      await clock.sleep(0);
    }
    viewing.say("The recording ends here");
  };

  return {
    state: viewing.state,
    press: viewing.press,
    played: play(),
    async stop() {
      isStopped = true;
    },
    result: () => replayResult(recording, targets),
  };
}

/** Plays all of a recording without a screen; `until`: waits for the moment of a line. */
export async function playAll(recording: RoundsRecording, until: (atMs: number) => Promise<void>): Promise<LiveResult> {
  const targets = createPlayedTargets(recording.head, recording.modes);
  for (const line of recording.lines()) {
    if ("atMs" in line) await until(line.atMs);
    targets.apply(line);
  }
  return replayResult(recording, targets);
}

/** What the run ended with. */
export function exitCodeOfReplay({ interrupted }: RoundsRecording, { targets }: LiveResult): number {
  return interrupted === undefined ? exitCodeOfTargets(targets) : exitCodeOfReport({ interrupted });
}

function replayResult({ head, names }: RoundsRecording, targets: PlayedTargets): LiveResult {
  const { firstHop, maxHop, intervalMs, durationMs } = targets;
  return {
    targets: targets.targets,
    names,
    ladder: head.ladder,
    trace: { ...DEFAULT_TRACE_OPTIONS, ...head.trace, firstHop, maxHop },
    intervalMs,
    started: head.started,
    durationMs,
    ...(head.localHost !== undefined && { localHost: head.localHost }),
  };
}

/** What questions on the screen show as the value so far. */
function tuningOf({ intervalMs, firstHop, maxHop }: PlayedTargets): Tuning {
  return {
    intervalMs,
    firstHop,
    maxHop,
    maxUnknown: maxHop,
    packetSize: undefined,
    fill: undefined,
    trafficClass: undefined,
  };
}
