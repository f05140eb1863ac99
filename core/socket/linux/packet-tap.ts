import type { Family } from "../../address.ts";
import type { PacketArrival, ProbeSocket } from "../../network.ts";
import { AF, ETH_P, POLL, PROTO, SOCK } from "./abi.ts";
import { parseControl } from "./control.ts";
import type { SocketHost } from "./datagram-socket.ts";
import { tapFilter } from "./filter.ts";
import type { Kernel } from "./kernel.ts";
import { parseTapped } from "./received-ip.ts";
import { keep, QUEUEING_MS, type ReadResult, type Source } from "./source.ts";

type TapHost = Pick<SocketHost, "enqueue" | "mayHaveWaited">;

/**
 * Sees ICMP answers before the host's INPUT rules do (packet(7)), for all raw ICMP sockets of a network and family. It only
 * ever receives: nettrace does not send around the rules of its host.
 */
export class PacketTap implements Source {
  readonly fd: number;
  readonly events = POLL.in;
  readonly active = true;
  readonly last = true;
  stamped = true;
  errorsQuietAtMs: number;
  packetsQuietAtMs: number;
  readonly #kernel: Kernel;
  readonly #host: TapHost;
  readonly #family: Family;
  readonly #owners = new Set<ProbeSocket>();

  constructor(kernel: Kernel, host: TapHost, fd: number, family: Family) {
    this.#kernel = kernel;
    this.#host = host;
    this.fd = fd;
    this.#family = family;
    kernel.stampReceived(fd);
    this.errorsQuietAtMs = this.packetsQuietAtMs = kernel.clock.nowMs();
  }

  addOwner(socket: ProbeSocket): void {
    this.#owners.add(socket);
  }

  /** Whether it was the last one. */
  removeOwner(socket: ProbeSocket): boolean {
    return this.#owners.delete(socket) && this.#owners.size === 0;
  }

  /** Packet sockets that only receive have no error queue; a pending error (ENETDOWN) is taken off. */
  readErrors(): ReadResult {
    this.#kernel.takeError(this.fd);
    return "empty";
  }

  readPackets(): ReadResult {
    const { libc, incoming, clock, interfaces } = this.#kernel;
    if (incoming.receive(libc, this.fd, 0) !== 0) {
      this.packetsQuietAtMs = clock.nowMs();
      return "empty";
    }
    const tapped = parseTapped(incoming.payload(), this.#family);
    if (tapped === undefined) return "ignored";
    const { stamp } = parseControl(incoming.control, incoming.controlLength(), (index) => interfaces.zoneName(index));
    const stampMs = stamp && clock.monotonicMs(stamp, this.packetsQuietAtMs - QUEUEING_MS);
    const hasWaited = stampMs === undefined && this.#host.mayHaveWaited?.(this.fd) === true;
    if (stampMs === undefined) this.stamped = false;
    const [first, ...others] = this.#owners;
    if (first === undefined) return "ignored";
    const arrival: PacketArrival = {
      kind: "packet",
      socket: first,
      atMs: stampMs ?? clock.nowMs(),
      ...(hasWaited && { blurred: true }),
      from: tapped.from,
      fromPort: 0,
      protocol: this.#family === 4 ? PROTO.icmp : PROTO.icmpv6,
      hopLimit: tapped.hopLimit,
      bytes: tapped.bytes,
      tapped: true,
    };
    for (const socket of others) this.#host.enqueue(keep({ ...arrival, socket }));
    return arrival;
  }
}

/** Opens a tap; undefined where the host refuses it: raw ICMP sockets work without. */
export function openTap(kernel: Kernel, host: TapHost, family: Family): PacketTap | undefined {
  const { libc } = kernel;
  // Protocol 0 receives nothing, so that no packet comes in before the filter stands.
  const fd = libc.socket(AF.packet, SOCK.dgram | SOCK.nonblock | SOCK.cloexec, 0);
  if (fd < 0) return undefined;
  const { interface: name } = kernel.options;
  const index = name === undefined ? 0 : kernel.interfaces.index(name);
  if (index === undefined || kernel.attachFilter(fd, tapFilter(family)) !== 0) {
    kernel.close(fd);
    return undefined;
  }
  kernel.enlargeBuffer(fd);
  if (kernel.bindPacket(fd, family === 4 ? ETH_P.ip : ETH_P.ipv6, index) !== 0) {
    kernel.close(fd);
    return undefined;
  }
  return new PacketTap(kernel, host, fd, family);
}
