import {
  type Attempt,
  type AutoEvent,
  createPath,
  type DroppedHere,
  type Path,
  type Stage,
  type Verdict,
} from "../../core/mod.ts";
import type { InterruptSignal } from "../context.ts";
import type { LiveHead, ReportHead } from "../render/report.ts";
import type { RunEnd, RunHead, SmallProbes } from "../result.ts";
import { address, readHead, readTraceEvent, STAGES } from "./decode.ts";
import {
  asFields,
  FieldError,
  type Fields,
  flag,
  number,
  numberOrNull,
  text,
  textOrNull,
  whole,
  word,
} from "./fields.ts";
import { type LiveNote, readLiveNote } from "./live-notes.ts";

const VERDICTS: readonly Verdict[] = [
  "reached",
  "filtered",
  "unreachable",
  "exhausted",
  "denied",
  "unprivileged",
  "unroutable",
  "unsupported",
  "faulty",
  "abandoned",
];
const INTERRUPTS: readonly InterruptSignal[] = ["SIGINT", "SIGTERM"];
/** A ladder that nothing gets through is climbed again every few seconds. */
const MAX_ATTEMPTS = 1_000_000;

/** A recorded attempt: what its lines have said so far. */
export interface PlayedAttempt extends Attempt {
  readonly isRounds: boolean;
  /** Which of the targets, from 0. */
  readonly target: number;
  path: Path;
  mode: string | null;
  verdict: Verdict | undefined;
  stage: Stage | null;
  errno: string | null;
  reason: string;
  refusedSends: number;
  unattributed: number;
  durationMs: number | undefined;
}

const CAUSES: readonly DroppedHere["by"][] = ["rp_filter", "input"];

function readDropped(fields: Fields): DroppedHere {
  const packets = whole(fields, "packets", Number.MAX_SAFE_INTEGER);
  return { by: word(fields, "by", CAUSES), packets, missing: whole(fields, "missing", Number.MAX_SAFE_INTEGER) };
}

function readSmall(fields: Fields): SmallProbes {
  const size = whole(fields, "instead_of_octets", 65_575);
  return { size, farthestHop: whole(fields, "farthest_hop", 255), reached: flag(fields, "reached") };
}

/** What a line of a recording means. */
export type Played =
  | { readonly type: "head"; readonly head: RunHead | ReportHead | LiveHead }
  | { readonly type: "event"; readonly event: PlayedEvent; readonly atMs: number }
  | { readonly type: "note"; readonly note: LiveNote; readonly atMs: number }
  | { readonly type: "name"; readonly address: string; readonly name: string }
  | { readonly type: "end"; readonly end: RunEnd };

/** An event of an attempt that was read. */
type PlayedEvent = Exclude<AutoEvent, { type: "finished" }> & { readonly attempt: PlayedAttempt };

/** Reads a recording line by line, and folds its attempts again. */
export interface Player {
  /** Undefined for a line that says nothing to this version. Throws FieldError with what is wrong. */
  line(text: string): Played | undefined;
  /** The end of a recording that was cut off: what was measured until then. */
  cut(): RunEnd;
  readonly attempts: readonly PlayedAttempt[];
}

export function createPlayer(): Player {
  const attempts: PlayedAttempt[] = [];
  let hasHead = false;
  let targets = 1;
  let latestMs = 0;

  const attemptOf = (fields: Fields): PlayedAttempt => {
    const found = attempts[whole(fields, "attempt", MAX_ATTEMPTS)];
    if (found === undefined) throw new FieldError('"attempt" has not begun');
    return found;
  };

  const start = (fields: Fields): PlayedAttempt => {
    const index = whole(fields, "attempt", MAX_ATTEMPTS);
    if (index !== attempts.length) throw new FieldError('"attempt" is out of order');
    const attempt: PlayedAttempt = {
      index,
      isRounds: flag(fields, "rounds"),
      target: fields["target"] === undefined ? 0 : whole(fields, "target", targets - 1),
      protocol: text(fields, "protocol"),
      port: fields["port"] === null ? null : whole(fields, "port", 65_535),
      mode: null,
      verdict: undefined,
      stage: null,
      errno: null,
      reason: "",
      path: createPath(),
      refusedSends: 0,
      unattributed: 0,
      startedMs: number(fields, "at_ms"),
      durationMs: undefined,
    };
    attempts.push(attempt);
    return attempt;
  };

  const end = (fields: Fields): void => {
    const attempt = attemptOf(fields);
    attempt.mode = textOrNull(fields, "mode");
    attempt.verdict = fields["verdict"] === null ? undefined : word(fields, "verdict", VERDICTS);
    attempt.stage = fields["stage"] === null ? null : word(fields, "stage", STAGES);
    attempt.errno = textOrNull(fields, "errno");
    attempt.reason = text(fields, "reason");
    attempt.refusedSends = number(fields, "refused_sends");
    attempt.unattributed = number(fields, "unattributed_answers");
    attempt.durationMs = numberOrNull(fields, "duration_ms") ?? undefined;
  };

  const finish = (fields: Fields): RunEnd => {
    const winner = fields["winner"] === null ? undefined : attempts[whole(fields, "winner", MAX_ATTEMPTS)];
    const interrupted: InterruptSignal | undefined =
      fields["interrupted"] === null ? undefined : word(fields, "interrupted", INTERRUPTS);
    const [dropped, small] = [fields["dropped_here"], fields["small_probes"]];
    return {
      attempts,
      winner,
      durationMs: number(fields, "duration_ms"),
      interrupted,
      ...(dropped !== undefined && { droppedHere: readDropped(asFields(dropped, '"dropped_here"')) }),
      ...(small !== undefined && { smallProbes: readSmall(asFields(small, '"small_probes"')) }),
    };
  };

  const take = (note: LiveNote): Played => {
    const attempt = "attempt" in note ? attempts[note.attempt] : undefined;
    if ("attempt" in note && attempt === undefined) throw new FieldError('"attempt" has not begun');
    if (attempt !== undefined && note.type === "opened") attempt.mode = note.mode;
    if (attempt !== undefined && note.type === "reset") attempt.path = createPath();
    return { type: "note", note, atMs: latestMs };
  };

  const read = (fields: Fields): Played | undefined => {
    const type = text(fields, "type");
    if (!hasHead) {
      if (type !== "run") throw new FieldError("it does not begin with a run");
      hasHead = true;
      const head = readHead(fields);
      if ("targets" in head) targets = head.targets.length;
      return { type: "head", head };
    }
    switch (type) {
      case "attempt-started":
        return { type: "event", event: { type, attempt: start(fields) }, atMs: latestMs };
      case "attempt-ended":
        end(fields);
        return { type: "event", event: { type, attempt: attemptOf(fields) }, atMs: latestMs };
      case "leading":
        return { type: "event", event: { type, attempt: attemptOf(fields) }, atMs: latestMs };
      case "name":
        return { type: "name", address: address(fields, "address").text, name: text(fields, "name") };
      case "finished":
        return { type: "end", end: finish(fields) };
    }
    const note = readLiveNote(fields, targets);
    if (note !== undefined) return take(note);
    const event = readTraceEvent(fields);
    if (event === undefined) return undefined;
    const attempt = attemptOf(fields);
    attempt.path.apply(event);
    latestMs = Math.max(latestMs, event.atMs);
    return { type: "event", event: { type: "trace", attempt, event }, atMs: event.atMs };
  };

  return {
    attempts,
    line(line) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        throw new FieldError("it is no JSON");
      }
      return read(asFields(value, "a line"));
    },
    cut() {
      const farthest = attempts.reduce<PlayedAttempt | undefined>(
        (best, each) => ((each.path.farthestHop ?? 0) > (best?.path.farthestHop ?? 0) ? each : best),
        undefined,
      );
      const winner = attempts.find(({ path }) => path.reached) ?? farthest;
      return { attempts, winner, durationMs: latestMs, interrupted: undefined };
    },
  };
}
