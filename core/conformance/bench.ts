import type { Endpoint, Family } from "../address.ts";
import type { Network } from "../network.ts";
import type { PluginMode } from "../plugin.ts";
import type { MplsLabel } from "../probe.ts";

/** One network with a path behind it, made anew for each case, and what is known of them. */
export interface Bench {
  readonly network: Network;
  readonly target: Endpoint;
  /** For each hop limit from 1 up to the target's, the addresses that may answer; empty where the hop is silent. */
  readonly responders: readonly (readonly string[])[];
  /** The whole IP packets that left, where the network can tell. */
  readonly sent?: () => readonly { readonly packet: Uint8Array }[];
  /** How many sockets are open, where the network can tell. */
  readonly openSockets?: () => number;
  /** The labels reported at each hop limit. */
  readonly mpls?: Readonly<Record<number, readonly MplsLabel[]>>;
  /** The hop limit at which a router says that there is no way on. */
  readonly unreachableAt?: number;
}

/** Makes a bench for one case. */
export type BenchMaker<B> = (family: Family) => B | Promise<B>;

/** The arrangements that the cases look at. */
interface Situations {
  /** Every hop answers, and the target too: its ports are open. At least three hops. */
  readonly plain: BenchMaker<Bench>;
  /** As `plain`, with the target's ports closed. */
  readonly closed: BenchMaker<Bench>;
  /** A router before the target answers that the host is unreachable. */
  readonly unreachable: BenchMaker<Bench>;
  /** The target answers nothing. */
  readonly silent: BenchMaker<Bench>;
  /** Some routers report MPLS labels. */
  readonly mpls: BenchMaker<Bench>;
  /** Some hops have several routers, among which flows are spread; hop 2 has three. */
  readonly balanced: BenchMaker<Bench>;
  /** Some probes are lost on their way, most are not. */
  readonly lossy: BenchMaker<Bench>;
  /** Every answer comes three times. */
  readonly duplicating: BenchMaker<Bench>;
  /** Answers overtake each other. */
  readonly reordering: BenchMaker<Bench>;
  /** The second router answers more than a second late. */
  readonly late: BenchMaker<Bench>;
  /** Behind the second hop the source and its port are others; what routers quote is put right. */
  readonly nat: BenchMaker<Bench>;
  /** As `nat`, but what routers behind it quote stays as they saw it. */
  readonly natQuotes: BenchMaker<Bench>;
  /** Routers quote the IP header and 8 octets (RFC 792). */
  readonly shortQuotes: BenchMaker<Bench>;
  /** Nearly every answer is spoilt on its way. */
  readonly hostile: BenchMaker<Bench>;
  /** OUTPUT drops everything: EPERM for whoever can be told. */
  readonly dropped: BenchMaker<Bench>;
  /** OUTPUT drops every third packet. */
  readonly partlyDropped: BenchMaker<Bench>;
  /** A `prohibit` route: EACCES. */
  readonly prohibited: BenchMaker<Bench>;
  /** The kernel opens no socket at all, with any errno. */
  readonly noSockets: BenchMaker<Bench>;
}

export type Situation = keyof Situations;

/** Arrangements on one kind of network; cases of those that cannot be made there are left out, and reported skipped. */
export interface PluginBenches extends Partial<Situations> {
  readonly families: readonly Family[];
  /** Whether every bench can tell what left (`Bench.sent`); else the cases that compare it are reported skipped. */
  readonly recordsSent: boolean;
  /** What a program on the target answers wherever its ports are open: datagrams, and what is said in TCP connections. */
  readonly serves: { readonly datagrams: boolean; readonly streams: boolean };
  /** What the host allows. Absent: everything. */
  readonly allows?: readonly PluginMode["needs"][];
}
