import type { IpAddress, OriginField, OriginLookup, ProtocolPlugin, Route, Rung, TraceEvent } from "../../core/mod.ts";
import type { CommonOptions } from "../options.ts";
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
  readonly observe?: Observe;
}

export type LiveOrigins = (field: OriginField) => OriginLookup;

export interface LiveTarget {
  /** As typed. */
  readonly host: string;
  readonly address: IpAddress;
  readonly route?: Route;
}

/** Told of everything that happens while it is measured, as it comes: what a recording is made of. */
export type Observe = (observation: {
  readonly target: LiveTarget;
  /** `tcp-syn:443` */
  readonly label: string;
  readonly rung: Rung;
  readonly event: TraceEvent;
}) => void;
