import type { Family } from "../../address.ts";
import type { Counters, Outgoing } from "./proc.ts";

/** What a judgement needs of the host beside its counters; asked once at most, after refusals only. */
export interface RefusalWitness {
  /** Whether rules of netfilter exist; true where it cannot be told. */
  mayFilter(): boolean;
  /** Whether a datagram to this host's own loopback address is refused with EPERM as well. */
  isLoopbackRefused(): boolean;
}

interface Reading extends Outgoing {
  readonly untracked: number;
}

/** Of so few refusals nothing is claimed, and of so many enough. */
const LEAST = 4;

const BEFORE_PACKET =
  "refused before it was a packet: by an eBPF or seccomp filter on sending, a security module or an IPsec policy";
const BY_CGROUP = "an eBPF filter of this process's cgroup (bpftool cgroup tree)";
const NO_RULES = `there are no OUTPUT rules: ${BY_CGROUP} drops it`;
/** As `iptables -P OUTPUT DROP` alone does; but most rules spare the loopback interface, and filters of a cgroup need be told to. */
const LOOPBACK_TOO = `an OUTPUT rule that spares not even lo drops it, or ${BY_CGROUP}`;

/**
 * Who refuses the sends of one socket: EPERM is the word of many. Between two refusals lies one refused send, and the
 * kernel's counters tell how far it came. One that became a packet counts as OutRequests, and as OutTransmits only once it
 * is past OUTPUT, POSTROUTING and the filters of the cgroup (Linux 6.8). Others' packets are counted too: most readings
 * decide.
 */
export class RefusedSends {
  readonly #counters: Counters;
  readonly #family: Family;
  readonly #witness: RefusalWitness;
  #last: Reading | undefined;
  #refusals = 0;
  #untracked = 0;
  #unmade = 0;
  #isJudged = false;
  #judgement: string | undefined;

  constructor(counters: Counters, family: Family, witness: RefusalWitness) {
    this.#counters = counters;
    this.#family = family;
    this.#witness = witness;
  }

  /** To be called after each refusal with EPERM; its cause, undefined where nothing speaks against the usual one. */
  refused(): string | undefined {
    if (this.#isJudged) return this.#judgement;
    const last = this.#last;
    this.#last = this.#read();
    this.#refusals += 1;
    if (this.#last !== undefined && last !== undefined) {
      if (this.#last.untracked > last.untracked) this.#untracked += 1;
      const made = this.#last.requests - last.requests;
      if (made === this.#last.transmits - last.transmits) this.#unmade += 1;
    }
    if (this.#refusals <= LEAST) return undefined;
    this.#isJudged = true;
    this.#judgement = this.#judge();
    return this.#judgement;
  }

  /** To be called after each send that was not refused. */
  accepted(): void {
    if (this.#refusals === 0) return;
    this.#refusals = this.#untracked = this.#unmade = 0;
    this.#last = this.#judgement = undefined;
    this.#isJudged = false;
  }

  #judge(): string | undefined {
    const isMost = (count: number): boolean => 2 * count > LEAST;
    if (isMost(this.#untracked)) {
      const fill = this.#counters.trackedConnections();
      const full = fill === undefined ? "" : ` (${fill.count} of ${fill.most})`;
      return `the connection-tracking table is full${full}, and what is new is dropped: raise net.netfilter.nf_conntrack_max`;
    }
    if (isMost(this.#unmade)) return BEFORE_PACKET;
    if (!this.#witness.mayFilter()) return NO_RULES;
    return this.#witness.isLoopbackRefused() ? LOOPBACK_TOO : undefined;
  }

  #read(): Reading | undefined {
    const outgoing = this.#counters.outgoing(this.#family);
    return outgoing && { ...outgoing, untracked: this.#counters.untrackedDrops() ?? 0 };
  }
}
