import { type Attempt, type IpAddress, type Route, SocketError } from "../../core/mod.ts";
import type { InterruptSignal } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { isRefusedHere, type RunEnd, type RunHead } from "../result.ts";
import type { Watched } from "../rounds.ts";

/** What is known of a report before its first probe. */
export interface ReportHead extends RunHead {
  readonly cycles: number;
  readonly intervalMs: number;
  /** This machine's name; absent: the system's. */
  readonly localHost?: string;
}

/** What is known of live measuring before its first probe; `target` and `route` are those of the first target. */
export interface LiveHead extends ReportHead {
  readonly command: "live";
  readonly targets: readonly {
    readonly host: string;
    readonly address: IpAddress;
    readonly route?: Route;
  }[];
}

/** What is known at its end. `attempts` and `winner` are those of the quick trace that chose the protocol. */
export interface ReportEnd extends RunEnd {
  /** Absent where no protocol could be used. */
  readonly watched?: Watched;
  readonly exitCode: number;
}

interface Ending {
  readonly interrupted: InterruptSignal | undefined;
  readonly attempts?: readonly Attempt[];
  readonly watched?: Watched | undefined;
}

export function exitCodeOfReport({ interrupted, attempts = [], watched }: Ending): number {
  if (interrupted !== undefined) return interrupted === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  if (watched?.table.hasReached) return EXIT.reached;
  const isRefused = watched === undefined ? isRefusedHere(attempts) : isRefusedInRounds(watched);
  return isRefused ? EXIT.refusedHere : EXIT.notReached;
}

/** This host kept back the rounds themselves. */
export function isRefusedInRounds({ error, table }: Watched): boolean {
  return error instanceof SocketError && table.received === 0;
}
