import type { IpAddress } from "../address.ts";
import type { SocketError } from "../errors.ts";
import type { Arrival } from "../network.ts";
import type { Reply } from "../probe.ts";

/** Told of what comes in; `slot` stands for a target that is under way. */
export interface ProbeWatcher {
  /** An answer. `isLocal`: this host itself gave it. */
  answered(slot: number, reply: Reply, atMs: number, isLocal: boolean): void;
  /** The probe of this sequence left at that time, as the kernel says. */
  departed(slot: number, sequence: number, atMs: number): void;
}

/** Told of the probes that a batch held. */
export interface FlushWatcher {
  left(slot: number, atMs: number): void;
  refused(slot: number, error: SocketError): void;
}

/** Probes of one protocol to many targets at once. */
export interface Prober extends Disposable {
  /** "raw", "error-queue"…: shown. Undefined until the first target was begun. */
  readonly mode: string | undefined;
  /** Throws SocketError where the host refuses, UsageError or PluginError where the plugin cannot do it. */
  begin(slot: number, target: IpAddress): void;
  /**
   * `sent`: it left. `held`: it leaves with the next `flush`, which tells. Throws SocketError where the host refuses.
   */
  send(slot: number, sequence: number, hopLimit: number): "sent" | "held";
  flush(watcher: FlushWatcher): void;
  /** What `receive` brought. */
  take(arrival: Arrival, watcher: ProbeWatcher): void;
  /** What `receive` does not bring; how much there was. */
  poll(watcher: ProbeWatcher): number;
  /** Whether `poll` may bring something. */
  readonly isPolled: boolean;
  /** The probe is given up as lost. */
  forget(slot: number, sequence: number): void;
  end(slot: number): void;
}
