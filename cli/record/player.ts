import {
  type Attempt,
  type AutoEvent,
  createPath,
  type DroppedHere,
  type Stage,
  type Verdict,
} from "../../core/mod.ts";
import type { InterruptSignal } from "../context.ts";
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
const MAX_ATTEMPTS = 1000;

/** A recorded attempt: what its lines have said so far. */
interface PlayedAttempt extends Attempt {
  readonly isRounds: boolean;
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
type Played =
  | { readonly type: "head"; readonly head: RunHead }
  | { readonly type: "event"; readonly event: AutoEvent; readonly atMs: number | undefined }
  | { readonly type: "name"; readonly address: string; readonly name: string }
  | { readonly type: "end"; readonly end: RunEnd };

/** Reads a recording line by line, and folds its attempts again. */
export interface Player {
  /** Undefined for a line that says nothing to this version. Throws FieldError with what is wrong. */
  line(text: string): Played | undefined;
  /** The end of a recording that was cut off: what was measured until then. */
  cut(): RunEnd;
}

export function createPlayer(): Player {
  const attempts: PlayedAttempt[] = [];
  let hasHead = false;
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

  const read = (fields: Fields): Played | undefined => {
    const type = text(fields, "type");
    if (!hasHead) {
      if (type !== "run") throw new FieldError("it does not begin with a run");
      hasHead = true;
      return { type: "head", head: readHead(fields) };
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
    const event = readTraceEvent(fields);
    if (event === undefined) return undefined;
    const attempt = attemptOf(fields);
    attempt.path.apply(event);
    latestMs = Math.max(latestMs, event.atMs);
    return { type: "event", event: { type: "trace", attempt, event }, atMs: event.atMs };
  };

  return {
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
