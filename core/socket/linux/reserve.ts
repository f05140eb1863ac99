import type { Family } from "../../address.ts";
import type { LinuxLibc } from "../../ffi/libc.ts";
import { AF, ICMP_FILTER, IP, IPV6, MSG, PMTUDISC, PROTO, SO, SOCK, SOL } from "./abi.ts";
import { DROP_ALL } from "./filter.ts";
import { Kernel } from "./kernel.ts";
import { letGo } from "./let-go.ts";
import { mayFilter } from "./netfilter.ts";
import { causeOfRefusal } from "./refused-socket.ts";
import { Stamper } from "./stamper.ts";

/** What to have open before the right to open it is given away. */
export interface ReserveRequest {
  /** How many raw sockets of each kind, at most. */
  readonly copies: number;
  /** How many packet taps; one serves all sockets of a network and family. */
  readonly taps: number;
  readonly families: readonly Family[];
  /** IP protocols of raw sockets beside ICMP and TCP. */
  readonly protocols: readonly number[];
}

/** Blocking masks of ICMP_FILTER and ICMP6_FILTER that block every type. */
const NO_TYPE: Readonly<Record<Family, readonly number[]>> = {
  4: [0xffff_ffff],
  6: new Array<number>(8).fill(0xffff_ffff),
};

/** A descriptor that is kept for as long as the process lives. */
interface Held {
  readonly fd: number;
  readonly kind: string;
  /** Undefined: a packet tap. */
  readonly family: Family | undefined;
  /** The interface that it is bound to, which no right is left to change. */
  device: string | undefined;
  isFree: boolean;
}

/** So many descriptors are left to others: the runtime's own, a resolver's, sockets without privilege. */
const OTHERS = 11;
/** Where there are more, half of them are. */
const MANY = 256;

const EXHAUSTED =
  "privileges were given away before it was asked for (--keep-privileges keeps them; a plugin of one's own declares its rawProtocols)";

/**
 * Raw sockets and packet taps that were opened while that was allowed. Networks take them by `libcFor` as if they had just
 * opened them, and what they close comes back, emptied, deaf, and as new. All that takes a right later is done before.
 */
export class SocketReserve {
  /** Whether rules of netfilter may stand between the wire and the sockets: later that could not be asked. */
  readonly mayFilter: boolean;
  readonly #libc: LinuxLibc;
  readonly #kernel: Kernel;
  readonly #held: Held[] = [];
  readonly #refused = new Set<string>();
  /** /proc/self/status while the sockets were opened. */
  readonly #status: string | undefined;

  constructor(libc: LinuxLibc, { copies, taps, families, protocols }: ReserveRequest) {
    this.#libc = libc;
    this.#kernel = new Kernel(libc, {});
    // Never closed, and opened first: by the time that a probe is answered, packets are stamped.
    Stamper.open(this.#kernel);
    this.#status = this.#kernel.counters.status();
    this.mayFilter = mayFilter(this.#kernel);
    let room = roomFor(this.#kernel.counters.descriptorLimit());
    const hold = (family: Family | undefined, protocol: number): void => {
      if (room > 0 && this.#hold(family, protocol)) room -= 1;
    };
    const icmp = (): void => {
      for (const family of families) hold(family, family === 4 ? PROTO.icmp : PROTO.icmpv6);
    };
    const others = (): void => {
      for (const protocol of [PROTO.tcp, ...protocols]) for (const family of families) hold(family, protocol);
    };
    // What is most likely to be needed comes first, since there may not be room for all.
    if (copies > 0) icmp();
    if (copies > 0) others();
    for (let each = 0; each < taps; each += 1) hold(undefined, 0);
    for (let copy = 1; copy < copies; copy += 1) icmp();
    for (let copy = 1; copy < copies; copy += 1) others();
  }

  /** How many are held. */
  get size(): number {
    return this.#held.length;
  }

  /** Why a raw socket is refused now: one line. */
  explain(errno: string, family: Family, protocol: number): string | undefined {
    return this.#refused.has(kindOf(domainOf(family), SOCK.raw, protocol))
      ? causeOfRefusal(errno, true, this.#status)
      : EXHAUSTED;
  }

  /** The C library for a network on one interface, or on all. */
  libcFor(device: string | undefined): LinuxLibc {
    const libc = this.#libc;
    return {
      ...libc,
      socket: (domain, type, protocol) =>
        this.#take(kindOf(domain, type, protocol), device) ?? libc.socket(domain, type, protocol),
      close: (fd) => {
        const held = this.#find(fd);
        if (held === undefined) return libc.close(fd);
        this.#release(held);
        return 0;
      },
      setsockopt: (fd, level, name, value, length) => {
        const held = level === SOL.socket ? this.#find(fd) : undefined;
        // Made as large as it gets already; without the right, the next best call would make it smaller.
        if (held !== undefined && name === SO.rcvbufforce) return 0;
        if (held === undefined || name !== SO.bindtodevice) return libc.setsockopt(fd, level, name, value, length);
        if (held.device !== undefined && held.device === device) return 0;
        const result = libc.setsockopt(fd, level, name, value, length);
        if (result === 0) held.device = device;
        return result;
      },
    };
  }

  /** Closes the taps that nobody has: none will be needed any more. */
  closeTaps(): void {
    for (const held of this.#held.filter(({ family, isFree }) => family === undefined && isFree)) {
      this.#held.splice(this.#held.indexOf(held), 1);
      letGo(this.#libc, held.fd);
    }
  }

  #hold(family: Family | undefined, protocol: number): boolean {
    const { libc } = this.#kernel;
    const [domain, type] = family === undefined ? [AF.packet, SOCK.dgram] : [domainOf(family), SOCK.raw];
    const kind = kindOf(domain, type, protocol);
    if (this.#refused.has(kind)) return false;
    const fd = libc.socket(domain, type | SOCK.nonblock | SOCK.cloexec, protocol);
    if (fd < 0) {
      this.#refused.add(kind);
      return false;
    }
    if (!this.#deafen(fd, kind)) {
      libc.close(fd);
      return false;
    }
    this.#kernel.enlargeBuffer(fd);
    const held = { fd, kind, family, device: undefined, isFree: true };
    this.#empty(held);
    this.#held.push(held);
    return true;
  }

  #take(kind: string, device: string | undefined): number | undefined {
    const free = this.#held.filter((each) => each.isFree && each.kind === kind);
    const held = free.find((each) => each.device === device) ?? free.find((each) => each.device === undefined);
    if (held === undefined) return undefined;
    held.isFree = false;
    // A tap gets its own filter before it hears anything.
    if (held.family !== undefined) this.#kernel.setOption(held.fd, SOL.socket, SO.detachFilter, 0);
    return held.fd;
  }

  #release(held: Held): void {
    const { fd, family, kind } = held;
    const isDeaf = this.#deafen(fd, kind);
    if (isDeaf) this.#empty(held);
    if (isDeaf && (family === undefined || this.#renew(fd, family))) {
      held.isFree = true;
      return;
    }
    this.#held.splice(this.#held.indexOf(held), 1);
    this.#kernel.close(fd);
  }

  /** Nothing comes in. Of ICMP the kernel would copy every message for the socket, before it asks a program for a verdict. */
  #deafen(fd: number, kind: string): boolean {
    const kernel = this.#kernel;
    if (kind === kindOf(AF.inet, SOCK.raw, PROTO.icmp)) kernel.setWords(fd, SOL.raw, ICMP_FILTER, NO_TYPE[4]);
    if (kind === kindOf(AF.inet6, SOCK.raw, PROTO.icmpv6)) kernel.setWords(fd, SOL.icmpv6, ICMP_FILTER, NO_TYPE[6]);
    return kernel.attachFilter(fd, DROP_ALL) === 0;
  }

  #empty({ fd, family }: Held): void {
    const { libc, aside } = this.#kernel;
    while (aside.receive(libc, fd, 0) === 0);
    while (family !== undefined && aside.receive(libc, fd, MSG.errqueue) === 0);
    this.#kernel.takeError(fd);
  }

  /** Takes back what a network's options made of a raw socket; a mark stays, which all networks of a process share. */
  #renew(fd: number, family: Family): boolean {
    const kernel = this.#kernel;
    kernel.setOption(fd, SOL.socket, SO.dontroute, 0);
    if (family === 4) {
      kernel.setOption(fd, SOL.ip, IP.hdrincl, 0);
      kernel.setOption(fd, SOL.ip, IP.tos, 0);
      kernel.setOption(fd, SOL.ip, IP.mtuDiscover, PMTUDISC.want);
    } else {
      // -1 stands for the kernel's own.
      kernel.setOption(fd, SOL.ipv6, IPV6.tclass, -1);
      kernel.setOption(fd, SOL.ipv6, IPV6.mtuDiscover, PMTUDISC.want);
      kernel.setOption(fd, SOL.ipv6, IPV6.flowinfoSend, 0);
    }
    return kernel.unbind(fd, family) === 0;
  }

  #find(fd: number): Held | undefined {
    return this.#held.find((each) => each.fd === fd);
  }
}

function domainOf(family: Family): number {
  return family === 4 ? AF.inet : AF.inet6;
}

function kindOf(domain: number, type: number, protocol: number): string {
  return `${domain} ${type & 0xf} ${protocol}`;
}

function roomFor(limit = MANY): number {
  return limit < MANY ? Math.max(0, limit - OTHERS) : Math.floor(limit / 2);
}
