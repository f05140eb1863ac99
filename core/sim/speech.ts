import { SocketError } from "../errors.ts";
import { parseIp, parseTcp } from "../wire/mod.ts";
import type { KernelSocket } from "./deliver.ts";
import { encodeSegment } from "./outgoing.ts";

/** What the program says on a dialled connection, on its way out. */
export interface Speech {
  /** Throws SocketError (stage `send`) where the connection cannot carry it. */
  say(dialled: Speaker, bytes: Uint8Array): void;
  /** The time of a segment that may have to be repeated has come. */
  repeat(segment: Segment): void;
}

export interface Speaker extends KernelSocket {
  readonly hopLimit: number;
}

export interface Segment {
  readonly dialled: Speaker;
  readonly packet: Uint8Array;
  readonly attempt: number;
}

/** What it needs of the host. */
interface Host {
  isOpen(dialled: Speaker): boolean;
  nextIdentification(): number;
  /** Hands a packet to the firewall; what that drops is repeated like what the network loses: the program is told nothing. */
  transmit(packet: Uint8Array, retransmission: boolean): void;
  /** Has `repeat` called after so many milliseconds. */
  later(afterMs: number, segment: Segment): void;
}

/** One segment's worth, as the kernel's own sockets take. */
const LONGEST_SEND = 1200;
/** Linux repeats a segment after 200 ms at the least, then after twice as long each time; no test waits for more. */
const RETRANSMITS_MS: readonly number[] = [200, 400, 800, 1600];

export function createSpeech(host: Host): Speech {
  const transmit = (segment: Segment): void => {
    const { dialled, packet, attempt } = segment;
    const stream = dialled.handshake?.stream;
    const tcp = parseTcp(parseIp(packet)?.payload ?? packet);
    if (stream === undefined || tcp === undefined || stream.ended || !host.isOpen(dialled)) return;
    if (attempt > 0 && stream.isAcknowledged((tcp.sequence + tcp.payload.length) >>> 0)) return;
    host.transmit(packet, attempt > 0);
    const afterMs = RETRANSMITS_MS[attempt];
    // A bare acknowledgement is not repeated.
    if (afterMs !== undefined && tcp.payload.length > 0) host.later(afterMs, { ...segment, attempt: attempt + 1 });
  };

  return {
    say(dialled, bytes) {
      const { socket, handshake, hopLimit } = dialled;
      const refuse = (errno: string): never => {
        const to = handshake === undefined ? "nobody" : `${handshake.to.address.text} port ${handshake.to.port}`;
        throw new SocketError("send", errno, `send to ${to}`);
      };
      if (handshake === undefined || handshake.state === "waiting") return refuse("ENOTCONN");
      if (handshake.stream === undefined || handshake.stream.ended) return refuse("EPIPE");
      if (bytes.length > LONGEST_SEND) return refuse("EMSGSIZE");
      const header = { localPort: socket.localPort, hopLimit, identification: host.nextIdentification() };
      transmit({ dialled, packet: encodeSegment(handshake, handshake.stream, bytes, header), attempt: 0 });
    },
    repeat: transmit,
  };
}
