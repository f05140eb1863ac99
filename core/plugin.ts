import type { Endpoint } from "./address.ts";
import type { SocketError } from "./errors.ts";
import type { Arrival, Network } from "./network.ts";
import type { Probe, Reply } from "./probe.ts";

/** What a user may ask of every protocol. */
export interface ProbeOptions {
  /** The local port of flow 0, for protocols with ports; absent: the kernel chooses. */
  readonly sourcePort?: number;
}

/** The knowledge of one protocol; stateless. */
export interface ProtocolPlugin {
  /** kebab-case, as typed on the command line. */
  readonly name: string;
  /** The port used where the user names none; absent for protocols without ports. */
  readonly defaultPort?: number;
  /** Opens the sockets of one trace, most capable mode first; sends nothing. Throws SocketError when every mode is refused. */
  open(network: Network, target: Endpoint, options: ProbeOptions): ProbeSession;
}

/** One trace's state. Disposing closes its sockets. */
export interface ProbeSession extends Disposable {
  /** "raw", "error-queue", "ping-socket"…: shown, never branched on. */
  readonly mode: string;
  /**
   * How many probes of one flow may be in flight at once; absent: any number. Sending one more gives up the oldest.
   * (A TCP 4-tuple can belong to one socket only.)
   */
  readonly probesPerFlow?: number;
  /**
   * Sends one probe; never waits. Throws SocketError when the host refuses. Tags the packet with `probe.sequence`.
   * Flow 0 is the path's own; other flows differ in what balancers hash.
   */
  send(probe: Probe): void;
  /**
   * Answers that surely met one of this session's probes, but of which the kernel or router tells too little to say which.
   * Absent where that cannot happen.
   */
  readonly unattributed?: number;
  /** The reply in an arrival on this session's own sockets (it is shown no others); never throws; foreign or malformed bytes are undefined. */
  match(arrival: Arrival): Reply | undefined;
  /**
   * Asked at each of `hiddenRefusalAtMs` for as long as nothing at all was answered: the evidence that this host, not the
   * network, swallowed the probes. Absent where a refused send always throws.
   */
  hiddenRefusal?(): SocketError | undefined;
  /** When to ask, milliseconds after the first send, ascending. */
  readonly hiddenRefusalAtMs?: readonly number[];
}
