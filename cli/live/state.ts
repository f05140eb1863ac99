import type { Attempt, IpAddress, Origin, Responder, TableRow } from "../../core/mod.ts";
import type { Bucket } from "./histogram.ts";
import type { Thresholds } from "./thresholds.ts";
import type { Ui } from "./ui.ts";

/** All that the screen shows: data alone, so that a test can make it and a recording can be shown by it. */
export interface ScreenState {
  readonly targets: readonly TargetState[];
  readonly ui: Ui;
  readonly thresholds: Thresholds;
  /** Wall-clock time. */
  readonly now: Date;
  /** Block elements and the like may be drawn. */
  readonly hasUnicode: boolean;
  readonly hasColor: boolean;
  /** Standard input is a terminal. */
  readonly hasKeys: boolean;
  /** It is a recording, played so many times as fast as it happened; undefined: all at once. */
  readonly replay?: { readonly speed: number | undefined };
}

export interface TargetState {
  /** As typed. */
  readonly host: string;
  readonly address: IpAddress;
  readonly source?: { readonly address: IpAddress; readonly interface?: string };
  readonly phase: Phase;
  /** What the ladder tried, each with its verdict; empty where a protocol was asked for. */
  readonly attempts: readonly Attempt[];
  /** The protocol in use; undefined while it is looked for. */
  readonly run: RunState | undefined;
  /** Others that were in use before; their numbers are kept. */
  readonly others: readonly { readonly label: string; readonly rounds: number }[];
  /** Milliseconds. */
  readonly intervalMs: number;
  readonly elapsedMs: number;
}

export type Phase =
  | { readonly type: "searching" }
  | { readonly type: "measuring" }
  /** Nothing is sent until something is changed, or until it is tried again. */
  | { readonly type: "stuck"; readonly why: string }
  /** All rounds asked for are over. */
  | { readonly type: "finished" };

/** What was measured by one protocol. */
export interface RunState {
  /** `tcp-syn:443` */
  readonly label: string;
  /** Null where no socket could be opened. */
  readonly mode: string | null;
  readonly rounds: number;
  /** Sends that this host refused. */
  readonly failed: number;
  /** Why the latest of them was refused; undefined where the latest send left. */
  readonly refusal: string | undefined;
  readonly hasReached: boolean;
  readonly endHop: number | undefined;
  readonly hops: readonly HopState[];
}

export interface HopState {
  readonly row: TableRow;
  readonly responders: readonly ResponderState[];
  readonly loss: LossSplit;
  /** Answers by their times, over the whole run. */
  readonly buckets: readonly Bucket[];
}

export interface ResponderState extends Responder {
  /** Hostile text. */
  readonly name?: string;
  readonly origin?: Origin;
}

/** Loss, percent: undefined is unknown. */
interface LossSplit {
  /** What hops behind lose too, or nobody stands behind to say otherwise. */
  readonly carried: number | undefined;
  /** Answers that are missing of this hop alone, beyond chance: what passes it arrives. */
  readonly here: number | undefined;
}

/**
 * Splits a hop's loss. A router that never answers while others behind it do loses nothing that passes it; a difference
 * that may be chance is not split.
 */
function splitLoss(row: TableRow, isAnsweredBehind: boolean): LossSplit {
  const { lossPercent, transitLossPercent, losesInTransit, received } = row;
  if (lossPercent === undefined) return { carried: undefined, here: undefined };
  if (received === 0 && isAnsweredBehind) return { carried: undefined, here: lossPercent };
  if (!losesInTransit || transitLossPercent === undefined) return { carried: lossPercent, here: undefined };
  return { carried: lossPercent - transitLossPercent, here: transitLossPercent };
}

/** What is known of addresses beside the answers. */
export interface AddressBook {
  nameOf(address: IpAddress): string | undefined;
  originOf(address: IpAddress): Origin | undefined;
}

/** A table's rows as the screen shows them. */
export function hopStates(
  rows: readonly TableRow[],
  book: AddressBook,
  bucketsOf: (hop: number) => () => readonly Bucket[],
): readonly HopState[] {
  const farthest = rows.findLastIndex(({ received }) => received > 0);
  return rows.map((row, at) => hopState(row, at < farthest, book, bucketsOf(row.hop)));
}

function hopState(
  row: TableRow,
  isAnsweredBehind: boolean,
  book: AddressBook,
  buckets: () => readonly Bucket[],
): HopState {
  return {
    row,
    responders: row.responders.map((responder) => {
      const name = book.nameOf(responder.address);
      const origin = book.originOf(responder.address);
      return { ...responder, ...(name !== undefined && { name }), ...(origin !== undefined && { origin }) };
    }),
    loss: splitLoss(row, isAnsweredBehind),
    // One hop's are shown, where any are.
    get buckets() {
      return buckets();
    },
  };
}
