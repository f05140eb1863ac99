import type { Endpoint, IpAddress } from "../../../core/address.ts";
import type { Handshake } from "../../../core/sim/deliver.ts";
import { encodeSegment, encodeSyn } from "../../../core/sim/outgoing.ts";
import { createStream } from "../../../core/sim/stream.ts";
import { type IpPacket, parseTcp, TCP_FLAG } from "../../../core/wire/mod.ts";

/** A fake kernel's end of a TCP connection. */
export interface Connection {
  readonly to: Endpoint;
  readonly isn: number;
  readonly state: "dialling" | "refused" | "open";
  /** What was heard and not yet read; `end` once the other side is done. */
  readonly heard: Uint8Array[];
  readonly end: "closed" | "reset" | undefined;
  readonly syn: Uint8Array;
  /** The packet in which octets are said. */
  say(bytes: Uint8Array): Uint8Array;
  /** Whether a packet belongs to the connection and changed it. */
  hear(ip: IpPacket): boolean;
}

const IDENTIFICATION = 7;

export function connect(source: IpAddress, localPort: number, to: Endpoint, hopLimit: number): Connection {
  const isn = Math.floor(Math.random() * 2 ** 32);
  const handshake: Handshake = { to, source, isn, retransmitted: false, state: "waiting" };
  const heard: Uint8Array[] = [];
  let state: Connection["state"] = "dialling";
  let end: Connection["end"];
  const answer = (flags: number, theirs: number): void => {
    state = (flags & TCP_FLAG.rst) === 0 ? "open" : "refused";
    if (state === "open") handshake.stream = createStream((isn + 1) >>> 0, (theirs + 1) >>> 0);
  };
  return {
    to,
    isn,
    heard,
    syn: encodeSyn(handshake, localPort, { hopLimit, identification: IDENTIFICATION }),
    get state() {
      return state;
    },
    get end() {
      return end;
    },
    say(bytes) {
      if (handshake.stream === undefined) throw new Error("Cannot say anything: the handshake is not done");
      const header = { localPort, hopLimit, identification: IDENTIFICATION };
      return encodeSegment(handshake, handshake.stream, bytes, header);
    },
    hear(ip) {
      const tcp = ip.protocol === 6 ? parseTcp(ip.payload) : undefined;
      if (tcp?.destinationPort !== localPort || tcp.sourcePort !== to.port) return false;
      if (state === "dialling") {
        if (tcp.acknowledgement !== (isn + 1) >>> 0) return false;
        answer(tcp.flags, tcp.sequence);
        return true;
      }
      const pieces = handshake.stream?.hear(tcp) ?? [];
      for (const piece of pieces) {
        if ("bytes" in piece) heard.push(piece.bytes);
        else end = piece.end;
      }
      return pieces.length > 0;
    },
  };
}
