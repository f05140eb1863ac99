import { addressFromBytes, type IpAddress } from "../address.ts";
import { SocketError } from "../errors.ts";
import type { Arrival, BatchPacket, BatchSocket, PacketArrival, ProbeSocket } from "../network.ts";

const CAPACITY = 16;
const MOST_AT_ONCE = 128;

/** A socket of the simulated host that works by the batch. */
export class SimBatch implements BatchSocket {
  readonly capacity = CAPACITY;
  readonly #socket: ProbeSocket;
  readonly #nowMs: () => number;
  readonly #onClose: () => void;
  #outgoing: {
    readonly bytes: Uint8Array;
    readonly to: IpAddress;
    readonly hopLimit: number;
    readonly port: number;
  }[] = [];
  #incoming: PacketArrival[] = [];

  constructor(socket: ProbeSocket, nowMs: () => number, onClose: () => void) {
    this.#socket = socket;
    this.#nowMs = nowMs;
    this.#onClose = onClose;
  }

  get localPort(): number {
    return this.#socket.localPort;
  }

  /** What the network would have brought as an arrival. */
  take(arrival: Arrival): void {
    if (arrival.kind === "packet") this.#incoming.push(arrival);
  }

  push(bytes: Uint8Array, to: IpAddress, hopLimit: number, port = 0): void {
    if (this.#outgoing.length === CAPACITY) throw new SocketError("send", "ENOBUFS", `send to ${to.text}`);
    this.#outgoing.push({ bytes: Uint8Array.from(bytes), to: addressFromBytes(to.bytes), hopLimit, port });
  }

  flush(onLeft: (index: number, atMs: number) => void, onRefused: (index: number, error: SocketError) => void): void {
    for (const [index, { bytes, to, hopLimit, port }] of this.#outgoing.splice(0).entries()) {
      try {
        this.#socket.send(bytes, { address: to, port }, hopLimit, 0);
      } catch (error) {
        if (!(error instanceof SocketError)) throw error;
        onRefused(index, error);
        continue;
      }
      onLeft(index, this.#nowMs());
    }
  }

  drain(onPacket: (packet: BatchPacket) => void): number {
    const come = this.#incoming.splice(0, MOST_AT_ONCE);
    for (const { bytes, from, fromPort, hopLimit, atMs } of come) {
      onPacket({ bytes, from, fromPort, hopLimit, atMs });
      // Whoever kept it without a copy is found out.
      bytes.fill(0xaa);
    }
    return come.length;
  }

  [Symbol.dispose](): void {
    this.#onClose();
    this.#socket[Symbol.dispose]();
  }
}
