import type {
  AutoEvent,
  IpAddress,
  OriginField,
  OriginLookup,
  PluginError,
  ProtocolPlugin,
  Route,
  Rung,
  SocketError,
  TraceEvent,
} from "../../core/mod.ts";
import type { CommonOptions } from "../options.ts";
import type { ProtocolKey } from "./protocol-run.ts";
import type { Phase } from "./state.ts";
import type { Thresholds } from "./thresholds.ts";
import type { Tuning } from "./tuning.ts";
import type { Ui } from "./ui.ts";

/** What is measured and how it is shown at first: from the options of `live`, or from mtr's. */
export interface LiveSettings {
  readonly targets: readonly LiveTarget[];
  /** The protocol asked for, by the first of these that this host opens a socket for; undefined: the ladder decides. */
  readonly rungs: readonly Rung[] | undefined;
  readonly ladder: readonly Rung[];
  readonly staggerMs: number;
  /** What the keys may change to. */
  readonly plugins: readonly ProtocolPlugin[];
  readonly options: CommonOptions;
  /** Absent: until it is ended. */
  readonly cycles?: number;
  /** A probe unanswered for so long is lost, milliseconds. */
  readonly timeoutMs: number;
  readonly tuning: Tuning;
  readonly ui: Ui;
  readonly thresholds: Thresholds;
  /** What is known of networks, from sources that know the field; asked for nothing before it is wanted on the screen. */
  readonly origins: LiveOrigins;
  readonly observe?: (event: LiveEvent) => void;
}

export type LiveOrigins = (field: OriginField) => OriginLookup;

export interface LiveTarget {
  /** As typed. */
  readonly host: string;
  readonly address: IpAddress;
  readonly route?: Route;
}

/** Something that happens while it is measured, as it comes: what a recording is made of. `target` counts from 0. */
export type LiveEvent =
  | { readonly type: "phase"; readonly target: number; readonly phase: Phase }
  /** Of the quick trace that looks for a protocol; each search counts its attempts from 0. */
  | { readonly type: "search"; readonly target: number; readonly event: AutoEvent }
  /** A trace of rounds begins, by a protocol that may have been in use before. */
  | {
      readonly type: "opened";
      readonly target: number;
      readonly key: ProtocolKey;
      readonly mode: string;
      readonly atMs: number;
    }
  /** This host lets no socket of it open. */
  | {
      readonly type: "refused";
      readonly target: number;
      readonly key: ProtocolKey;
      readonly error: SocketError | PluginError;
    }
  /** Rounds are counted over all the times that the protocol was in use. */
  | { readonly type: "rounds"; readonly target: number; readonly key: ProtocolKey; readonly event: TraceEvent }
  | { readonly type: "reset"; readonly target: number; readonly key: ProtocolKey }
  | { readonly type: "tuned"; readonly tuning: Tuning };
