import type { Endpoint, Family, IpAddress } from "./address.ts";
import type { SocketError } from "./errors.ts";
import type { Arrival, BatchPacket, BatchSpec, Network } from "./network.ts";
import type { Probe, Reply } from "./probe.ts";

/** What a user may ask of every protocol. */
export interface ProbeOptions {
  /** The local port of flow 0, for protocols with ports; absent: the kernel chooses. */
  readonly sourcePort?: number;
  /**
   * Octets of the whole IP packet, headers included: the payload is padded up to it. Absent: the plugin's usual size.
   * A plugin that cannot make such packets throws UsageError from `open`.
   */
  readonly packetSize?: number;
  /** What the payload is padded with: octets that repeat, or random ones. Absent: zeros. */
  readonly fill?: Uint8Array | "random";
  /** Values of the plugin's own options by name; those with a default are always there. */
  readonly plugin?: PluginValues;
}

/** Values of options by their names. */
export type PluginValues = Readonly<Record<string, string | number | boolean>>;

/** An option of a plugin's own: `--dns.qname example.com` on the command line. */
export interface PluginOption {
  /** kebab-case. */
  readonly name: string;
  /** One line, shown by `--help`. */
  readonly description: string;
  readonly type: "string" | "number" | "boolean";
  readonly default?: string | number | boolean;
}

/** A way in which a plugin can run, and what the host must allow for it. */
export interface PluginMode {
  /** What `ProbeSession.mode` is, or how it begins. */
  readonly name: string;
  /**
   * `raw`: root or CAP_NET_RAW. `ping`: a group in `net.ipv4.ping_group_range`. `none`: no right. `nothing`: not even calls
   * of the C library, since it only dials without a hop limit.
   */
  readonly needs: "raw" | "ping" | "none" | "nothing";
}

/** The knowledge of one protocol; stateless. */
export interface ProtocolPlugin {
  /** kebab-case, as typed on the command line. */
  readonly name: string;
  /** What it sends and what for, one line. */
  readonly summary?: string;
  /** The versions of the plugin API that it can use: `^1.2`, or several with `||`. Absent: any. */
  readonly api?: string;
  /** The port used where the user names none; absent for protocols without ports. */
  readonly defaultPort?: number;
  readonly options?: readonly PluginOption[];
  /** Most capable first. */
  readonly modes?: readonly PluginMode[];
  /**
   * IP protocols, 0-255, of the raw sockets that it opens beside ICMP and TCP, such as 132 for SCTP. The command line opens
   * them while it has the right to, and gives all rights away before a plugin runs. Absent: none.
   */
  readonly rawProtocols?: readonly number[];
  /**
   * Opens the sockets of one trace, most capable mode first; sends nothing. Throws SocketError when every mode is
   * refused, UsageError where it cannot do what is asked of it.
   */
  open(network: Network, target: Endpoint, options: ProbeOptions): ProbeSession;
  /**
   * Probes to very many targets of one family, for `scan`; undefined where what is asked for does not allow it. Absent: a
   * scan opens a session for each target that is under way, which needs more memory and time.
   */
  readonly many?: (network: Network, family: Family, options: ProbeOptions, port: number) => ManySession | undefined;
}

/** Knows the probes to all targets of a scan by what is in them, and holds next to nothing for any of them. */
export interface ManySession extends Partial<Disposable> {
  /** As `ProbeSession.mode`. */
  readonly mode: string;
  /** By which probes leave; answers come in on it too. */
  readonly socket: BatchSpec;
  /** Of UDP: where probes go. */
  readonly port?: number;
  /** Another socket on which answers come in. */
  readonly listens?: BatchSpec;
  /** Told once which port UDP probes leave from. */
  opened?(localPort: number): void;
  /** Called for each target before its probes; what it returns `encode` gets. Throws SocketError where the host refuses. */
  begin?(target: IpAddress): number;
  /**
   * The octets of a probe, behind the IP header, or behind the UDP header; valid until the next call. Probes to one target
   * look equal to a load balancer, whatever their sequence. `target` is valid until the next call too. `held`: what `begin` returned for the target, 0 without it.
   */
  encode(target: IpAddress, sequence: number, held: number): Uint8Array;
  /**
   * Which probe a packet answers; never throws; foreign or malformed bytes are undefined. `isListened`: it came in on
   * `listens`.
   */
  match(packet: BatchPacket, isListened: boolean): ManyMatch | undefined;
}

/** An answer to a probe of a scan. */
export interface ManyMatch {
  /** The 4 or 16 octets of the address that the probe was sent to; valid as long as the packet. */
  readonly target: Uint8Array;
  readonly reply: Reply;
  /** The answer does not say which probe it is to, but surely one met the target: the latest, whatever `reply.sequence` is. */
  readonly isLatest?: true;
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
  /** Its probes carry no hop limit of their own: they reach the target or not, and show no hop (`Probe.direct`). */
  readonly reachOnly?: true;
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
  /** The probe is given up as lost: what it holds may be released. Absent where a probe holds nothing. */
  forget?(sequence: number): void;
  /**
   * Asked of each arrival of which `match` made nothing: what it says of a probe whose own reply is still to come, such as
   * the TCP handshake before a service has said a word. The probe is then given time anew, and this reply counts where no
   * other comes in it, or before the trace is stopped; what a later arrival of the same probe says takes its place. The RTT
   * is that to the first of them, whichever reply counts in the end. Never throws. Absent where one answer is all.
   */
  provisional?(arrival: Arrival): Reply | undefined;
  /**
   * Asked at each of `hiddenRefusalAtMs` for as long as nothing at all was answered: the evidence that this host, not the
   * network, swallowed the probes. Absent where a refused send always throws.
   */
  hiddenRefusal?(): SocketError | undefined;
  /** When to ask, milliseconds after the first send, ascending. */
  readonly hiddenRefusalAtMs?: readonly number[];
}
