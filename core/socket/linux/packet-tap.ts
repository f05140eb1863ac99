import type { Family } from "../../address.ts";
import type { ProbeSocket } from "../../network.ts";
import { AF, ETH_P, POLL, PROTO, SOCK } from "./abi.ts";
import { parseControl } from "./control.ts";
import { tapFilter } from "./filter.ts";
import type { Kernel } from "./kernel.ts";
import { parseTapped } from "./received-ip.ts";
import { QUEUEING_MS, type ReadResult, type Source } from "./source.ts";

/**
 * Sees ICMP answers before the host's INPUT rules do (packet(7)). It only ever receives: nettrace does not send
 * around the rules of its host.
 */
export class PacketTap implements Source {
  readonly fd: number;
  readonly events = POLL.in;
  readonly active = true;
  readonly last = true;
  errorsQuietAtMs: number;
  packetsQuietAtMs: number;
  readonly #kernel: Kernel;
  readonly #owner: ProbeSocket;
  readonly #family: Family;

  constructor(kernel: Kernel, fd: number, owner: ProbeSocket, family: Family) {
    this.#kernel = kernel;
    this.fd = fd;
    this.#owner = owner;
    this.#family = family;
    kernel.stampReceived(fd);
    this.errorsQuietAtMs = this.packetsQuietAtMs = kernel.clock.nowMs();
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
    return {
      kind: "packet",
      socket: this.#owner,
      atMs: stampMs ?? clock.nowMs(),
      from: tapped.from,
      fromPort: 0,
      protocol: this.#family === 4 ? PROTO.icmp : PROTO.icmpv6,
      hopLimit: tapped.hopLimit,
      bytes: tapped.bytes,
      tapped: true,
    };
  }
}

/** Opens the tap beside a raw ICMP socket; undefined where the host refuses it: the socket works without. */
export function openTap(kernel: Kernel, owner: ProbeSocket, family: Family): PacketTap | undefined {
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
  return new PacketTap(kernel, fd, owner, family);
}
