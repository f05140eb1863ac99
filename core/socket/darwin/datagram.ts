import { type Endpoint, type Family, formatAddress, type IpAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Arrival, ProbeSocket } from "../../network.ts";
import { POLL } from "../linux/abi.ts";
import { readSockaddr } from "../linux/sockaddr.ts";
import type { ReadResult, Source } from "../linux/source.ts";
import { HEADS } from "./abi.ts";
import { errnoName } from "./errno.ts";
import type { Kernel } from "./kernel.ts";
import type { Control } from "./message.ts";

/** What the network does for its sockets. */
export interface SocketHost {
  /** Keeps an arrival for the next `receive`. */
  enqueue(arrival: Arrival): void;
  /** Called by a socket that has become active again. */
  watchAgain(): void;
  /** Called by a socket before it closes its descriptor. */
  forget(socket: ProbeSocket & Source): void;
}

/** A message just received; `bytes` last until the next one. */
export interface Received {
  readonly from: Endpoint;
  readonly control: Control;
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** A descriptor that sends and receives whole messages. */
export class Datagrams {
  readonly fd: number;
  readonly family: Family;
  readonly kernel: Kernel;
  quietAtMs: number;
  #hopLimit = 0;

  /** Takes over `fd`. */
  constructor(kernel: Kernel, fd: number, family: Family) {
    this.kernel = kernel;
    this.fd = fd;
    this.family = family;
    kernel.prepareToReceive(fd, family);
    this.quietAtMs = kernel.clock.nowMs();
  }

  /** Throws SocketError (stage `send`). */
  send(bytes: Uint8Array, to: Endpoint, hopLimit: number): void {
    const { libc, outgoing } = this.kernel;
    const port = to.port === 0 ? "" : ` port ${to.port}`;
    const refusal = (errno: string): SocketError =>
      new SocketError("send", errno, `send to ${formatAddress(to.address)}${port}`);
    if (to.address.family !== this.family) throw refusal("EAFNOSUPPORT");
    if (!Number.isInteger(hopLimit) || hopLimit < 1 || hopLimit > 255) throw refusal("EINVAL");
    if (bytes.length > outgoing.capacity) throw refusal("EMSGSIZE");
    const scope = this.kernel.scope("send", to.address);
    // The kernel makes the packet while it is called: the next hop limit cannot change this one's.
    if (hopLimit !== this.#hopLimit) {
      const errno = this.kernel.setHopLimit(this.fd, this.family, hopLimit);
      if (errno !== 0) throw refusal(errnoName(errno));
      this.#hopLimit = hopLimit;
    }
    const errno = outgoing.send(libc, this.fd, bytes, to, scope);
    if (errno !== 0) throw refusal(errnoName(errno));
  }

  /** The next message; undefined where there is none. */
  receive(): Received | "ignored" | undefined {
    const { libc, incoming, clock, interfaces } = this.kernel;
    if (incoming.receive(libc, this.fd) !== 0) {
      this.quietAtMs = clock.nowMs();
      return undefined;
    }
    const from = readSockaddr(incoming.name, 0, (index) => interfaces.zoneName(index), HEADS);
    if (from === undefined) return "ignored";
    const control = incoming.readControl();
    return { from, control, atMs: this.kernel.arrivedAtMs(control, this.quietAtMs), bytes: incoming.received() };
  }
}

/** What the sockets made of `Datagrams` share. */
export abstract class DatagramSource implements Source {
  readonly fd: number;
  readonly events = POLL.in;
  readonly active = true;
  readonly last = false;
  protected readonly datagrams: Datagrams;

  constructor(datagrams: Datagrams) {
    this.datagrams = datagrams;
    this.fd = datagrams.fd;
  }

  get errorsQuietAtMs(): number {
    return this.datagrams.quietAtMs;
  }

  set errorsQuietAtMs(_atMs: number) {
    // There is no queue of errors apart from that of packets.
  }

  get packetsQuietAtMs(): number {
    return this.datagrams.quietAtMs;
  }

  set packetsQuietAtMs(atMs: number) {
    this.datagrams.quietAtMs = atMs;
  }

  /** Takes a pending error off, which would keep the descriptor ready for ever. */
  readErrors(): ReadResult {
    this.datagrams.kernel.takeError(this.fd);
    return "empty";
  }

  readPackets(): ReadResult {
    const received = this.datagrams.receive();
    if (received === undefined) return "empty";
    return (received === "ignored" ? undefined : this.arrival(received)) ?? "ignored";
  }

  /** What a message means; undefined: nothing. */
  protected abstract arrival(received: Received): Arrival | undefined;
}

/** Whether an offender is this host itself though the target is another. */
export function isLocal({ interfaces }: Kernel, offender: IpAddress, destination: IpAddress): boolean {
  return interfaces.isOwn(offender) && !interfaces.isOwn(destination);
}
