import type { IpAddress } from "../address.ts";
import type { Arrival } from "../network.ts";
import type { Probe, Reply } from "../probe.ts";

/** What an arrival says of a target's probes. */
export type Match =
  | { readonly slot: number; readonly reply: Reply }
  /** The probe of this sequence left at the arrival's time. */
  | { readonly slot: number; readonly departed: number };

/** Probes of one protocol to many targets at once; `slot` stands for a target that is under way. */
export interface Prober extends Disposable {
  /** "raw", "error-queue"…: shown. Undefined until the first target was begun. */
  readonly mode: string | undefined;
  /** Throws SocketError where the host refuses, UsageError or PluginError where the plugin cannot do it. */
  begin(slot: number, target: IpAddress): void;
  /** Throws SocketError where the host refuses. */
  send(slot: number, probe: Probe): void;
  /** Undefined: nothing that belongs to a target under way. */
  match(arrival: Arrival): Match | undefined;
  /** The probe is given up as lost. */
  forget(slot: number, sequence: number): void;
  end(slot: number): void;
}
