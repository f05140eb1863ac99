import type { Attempt } from "../../core/mod.ts";
import type { Watched } from "../rounds.ts";
import type { ProtocolRun } from "./protocol-run.ts";
import type { LiveTarget } from "./settings.ts";
import type { AddressBook, Phase, TargetState } from "./state.ts";

/** A target and what was measured of it so far: as it is measured, or as a recording of that is played. */
export interface Measured {
  readonly target: LiveTarget;
  state(book: AddressBook): TargetState;
  /** What the ladder tried. */
  readonly attempts: readonly Attempt[];
  readonly winner: Attempt | undefined;
  /** What was measured, by each protocol that was in use, the current one last. */
  watched(): readonly Watched[];
}

interface Parts {
  readonly target: LiveTarget;
  readonly phase: Phase;
  readonly attempts: readonly Attempt[];
  readonly runs: Iterable<ProtocolRun>;
  readonly current: ProtocolRun | undefined;
  /** Milliseconds. */
  readonly intervalMs: number;
  readonly elapsedMs: number;
}

export function targetState(parts: Parts, book: AddressBook): TargetState {
  const { target, phase, attempts, current, intervalMs, elapsedMs } = parts;
  const { source, interface: name } = target.route ?? {};
  return {
    host: target.host,
    address: target.address,
    ...(source !== undefined && { source: { address: source, ...(name !== undefined && { interface: name }) } }),
    phase,
    attempts,
    run: current?.state(book),
    others: otherRuns(parts).map(({ label, rounds }) => ({ label, rounds })),
    intervalMs,
    elapsedMs,
  };
}

export function watchedRuns(parts: Pick<Parts, "runs" | "current">): readonly Watched[] {
  const { current } = parts;
  return [...otherRuns(parts), ...(current === undefined ? [] : [current])].map((run) => run.watched());
}

function otherRuns({ runs, current }: Pick<Parts, "runs" | "current">): readonly ProtocolRun[] {
  return [...runs].filter((run) => run !== current && run.rounds > 0);
}
