import {
  type Attempt,
  causeOfError,
  createRoundsTable,
  type PluginError,
  SocketError,
  type TraceEvent,
} from "../../core/mod.ts";
import { printable } from "../printable.ts";
import { attemptLabel } from "../render/attempt.ts";
import type { Watched } from "../rounds.ts";
import { createHistogram, type Histogram } from "./histogram.ts";
import { type AddressBook, hopStates, type RunState } from "./state.ts";

export type ProtocolKey = Pick<Attempt, "protocol" | "port">;

/** All that was measured of a target by one protocol, over all the times that it was in use. */
export interface ProtocolRun {
  readonly key: ProtocolKey;
  readonly label: string;
  /** A trace begins; its rounds count from this one on, by default behind those that are known. */
  begin(mode: string | null, firstRound?: number): void;
  /** Returns the event with its round as it is counted here. */
  apply(event: TraceEvent): TraceEvent;
  /** It could not go on. */
  fail(error: SocketError | PluginError): void;
  /** Forgets all numbers. */
  reset(): void;
  readonly rounds: number;
  state(book: AddressBook): RunState;
  watched(): Watched;
}

/** Rounds that are remembered one by one. */
const HISTORY = 240;

export function createProtocolRun(key: ProtocolKey): ProtocolRun {
  let table = createRoundsTable({ history: HISTORY });
  let histograms = new Map<number, Histogram>();
  let mode: string | null = null;
  let firstRound = 0;
  let error: SocketError | PluginError | undefined;

  const histogram = (hop: number): Histogram => {
    let known = histograms.get(hop);
    if (known === undefined) {
      known = createHistogram();
      histograms.set(hop, known);
    }
    return known;
  };

  return {
    key,
    label: attemptLabel(key),
    begin(opened, from = table.rounds) {
      mode = opened;
      firstRound = from;
      error = undefined;
    },
    apply(event) {
      if (event.type === "stopped") {
        table.apply(event);
        if (event.error !== undefined) error = event.error;
        return event;
      }
      const { probe } = event;
      const counted = { ...event, probe: { ...probe, round: probe.round + firstRound } };
      table.apply(counted);
      if (event.type === "failed") ({ error } = event);
      // What a REJECT rule answers had left.
      else if (event.type === "sent" && error instanceof SocketError && error.stage !== "local-reject")
        error = undefined;
      const isAnswer = event.type === "reply" || event.type === "late";
      if (isAnswer && event.rttMs !== undefined && !event.retransmitted) histogram(probe.hopLimit).add(event.rttMs);
      return counted;
    },
    fail(cause) {
      error = cause;
    },
    reset() {
      table = createRoundsTable({ history: HISTORY });
      histograms = new Map();
      firstRound = 0;
      error = undefined;
    },
    get rounds() {
      return table.rounds;
    },
    state: (book) => ({
      label: attemptLabel(key),
      mode: mode === null ? null : printable(mode),
      rounds: table.rounds,
      failed: table.failed,
      refusal: error === undefined ? undefined : describeError(error),
      hasReached: table.hasReached,
      endHop: table.endHop,
      hops: hopStates(table.rows(), book, (hop) => histograms.get(hop)?.buckets() ?? (() => [])),
    }),
    watched: () => ({ ...key, mode, table, error, isUnopened: mode === null }),
  };
}

/** `EPERM: an OUTPUT rule drops it` */
function describeError(error: SocketError | PluginError): string {
  const errno = error instanceof SocketError && error.errno !== null ? `${error.errno}: ` : "";
  return printable(errno + causeOfError(error));
}
