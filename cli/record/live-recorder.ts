import type { Attempt, AutoEvent, IpAddress, Names } from "../../core/mod.ts";
import type { InterruptSignal } from "../context.ts";
import type { ProtocolKey } from "../live/protocol-run.ts";
import type { LiveResult } from "../live/report.ts";
import type { LiveEvent } from "../live/settings.ts";
import { printableJson } from "../printable.ts";
import { attemptLabel } from "../render/attempt.ts";
import type { LiveHead } from "../render/report.ts";
import { createRoundsAttempt, type RoundsAttempt } from "../render/rounds-attempt.ts";
import { endLine, errorOf, eventLine, exact, headLine, nameLine } from "./encode.ts";

/** All that happens while several targets are measured, as JSON lines: the form of every recording, and some lines more. */
export interface LiveRecorder {
  note(event: LiveEvent): void;
  /** Writes the names that have become known. */
  tell(names: Names): void;
  finish(result: LiveResult, interrupted: InterruptSignal | undefined): void;
}

export interface LiveRecorderOptions {
  readonly head: LiveHead;
  /** Gets whole lines. */
  readonly write: (line: string) => void;
}

export function createLiveRecorder({ head, write }: LiveRecorderOptions): LiveRecorder {
  const line = (value: object | undefined): void => {
    if (value !== undefined) write(`${printableJson(value)}\n`);
  };
  const runs = new Map<string, RoundsAttempt>();
  /** Of each target: the recording's number of the attempts of its latest search. */
  const searches = head.targets.map(() => new Map<number, number>());
  const unnamed = new Map<string, IpAddress>();
  const named = new Set<string>();
  let attempts = 0;
  let startMs: number | undefined;
  let latestMs = 0;

  const at = (ms: number): number => {
    startMs ??= ms;
    latestMs = Math.max(latestMs, ms);
    return startMs;
  };
  const now = (): { readonly at_ms: number | null } => ({ at_ms: exact(latestMs - (startMs ?? latestMs)) });

  const begin = (target: number, attempt: Attempt, index: number): void => {
    line({ ...eventLine({ type: "attempt-started", attempt }, at(attempt.startedMs), index), target });
  };

  const runOf = (target: number, key: ProtocolKey): RoundsAttempt => {
    const label = labelOf(target, key);
    const known = runs.get(label);
    if (known !== undefined) return known;
    const run = createRoundsAttempt(attempts, key, latestMs);
    attempts += 1;
    runs.set(label, run);
    begin(target, run, run.index);
    return run;
  };

  const search = (target: number, event: AutoEvent): void => {
    if (event.type === "finished") return;
    const known = searches[target];
    const index = known?.get(event.attempt.index);
    if (event.type === "attempt-started") {
      known?.set(event.attempt.index, attempts);
      begin(target, event.attempt, attempts);
      attempts += 1;
    } else if (index !== undefined) {
      line(eventLine(event, event.type === "trace" ? at(event.event.atMs) : at(latestMs), index));
    }
  };

  const see = (from: IpAddress): void => {
    if (!named.has(from.text)) unnamed.set(from.text, from);
  };

  const tell = (names: Names): void => {
    for (const [text, from] of unnamed) {
      const name = names.of(from);
      if (name === undefined) continue;
      line(nameLine(text, name));
      named.add(text);
      unnamed.delete(text);
    }
  };

  line(headLine(head));
  return {
    note(event) {
      switch (event.type) {
        case "tuned": {
          const { intervalMs, firstHop, maxHop } = event.tuning;
          line({ type: "tuned", ...now(), interval_ms: intervalMs, first_hop: firstHop, max_hop: maxHop });
          break;
        }
        case "phase": {
          const { target, phase } = event;
          if (phase.type === "searching") searches[target]?.clear();
          line({ type: "phase", target, ...now(), phase: phase.type, ...("why" in phase && { why: phase.why }) });
          break;
        }
        case "search":
          search(event.target, event.event);
          break;
        case "opened": {
          at(event.atMs);
          const { index } = runOf(event.target, event.key);
          line({ type: "opened", attempt: index, ...now(), mode: event.mode });
          break;
        }
        case "refused": {
          const { index } = runOf(event.target, event.key);
          line({ type: "refused", attempt: index, ...now(), error: errorOf(event.error) });
          break;
        }
        case "rounds": {
          const begun = at(event.event.atMs);
          const attempt = runOf(event.target, event.key);
          line(eventLine({ type: "trace", attempt, event: event.event }, begun));
          if ("reply" in event.event && event.event.reply !== undefined) see(event.event.reply.from);
          break;
        }
        case "reset":
          line({ type: "reset", attempt: runOf(event.target, event.key).index, ...now() });
      }
    },
    tell,
    finish(result, interrupted) {
      tell(result.names);
      let winner: Attempt | undefined;
      for (const [target, { watched }] of result.targets.entries()) {
        for (const each of watched()) {
          const attempt = runs.get(labelOf(target, each));
          if (attempt === undefined) continue;
          attempt.settle(each, latestMs);
          line(eventLine({ type: "attempt-ended", attempt }, at(latestMs)));
          if (target === 0) winner = attempt;
        }
      }
      line(endLine({ attempts: [], winner, durationMs: result.durationMs, interrupted }));
    },
  };
}

function labelOf(target: number, key: ProtocolKey): string {
  return `${target} ${attemptLabel(key)}`;
}
