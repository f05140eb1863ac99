import { type Endpoint, type Family, formatAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { IP, IPV6, SO, SOL } from "../linux/abi.ts";
import type { AddonSocket, RawSocketAddon } from "./addon.ts";
import { asSocketError } from "./errno.ts";

export const LONGEST_PACKET = 65_536;
/** As the sockets of the other backend. */
const RECEIVE_BUFFER = 8 * 1024 * 1024;

/** A socket of the addon. Throws SocketError (stage `socket`). */
export function openIp(addon: RawSocketAddon, protocol: number, family: Family): AddonSocket {
  let socket: AddonSocket;
  try {
    socket = addon.createSocket({ protocol, addressFamily: family === 4 ? 1 : 2, bufferSize: LONGEST_PACKET });
  } catch (error) {
    throw asSocketError("socket", error, `open a raw IPv${family} socket (protocol ${protocol})`);
  }
  // It would hash a flow label of its own into each flow.
  if (family === 6) trySet(socket, SOL.ipv6, IPV6.autoflowlabel, 0);
  // The first needs CAP_NET_ADMIN, the second is capped by net.core.rmem_max.
  if (!trySet(socket, SOL.socket, SO.rcvbufforce, RECEIVE_BUFFER)) {
    trySet(socket, SOL.socket, SO.rcvbuf, RECEIVE_BUFFER);
  }
  return socket;
}

/** Whether the kernel has such an option and takes the value. */
function trySet(socket: AddonSocket, level: number, name: number, value: number): boolean {
  try {
    socket.setOption(level, name, value);
    return true;
  } catch {
    return false;
  }
}

/** Sends IP payloads with the hop limit asked for. */
export class IpSender {
  readonly #socket: AddonSocket;
  readonly #family: Family;
  #hopLimit: number | undefined;
  #isClosed = false;

  constructor(socket: AddonSocket, family: Family) {
    this.#socket = socket;
    this.#family = family;
  }

  /** Throws SocketError (stage `send`). */
  send(bytes: Uint8Array, to: Endpoint, hopLimit: number, action: string): void {
    // A closed socket of the addon would open itself again.
    if (this.#isClosed) throw new SocketError("send", "EBADF", "send on a closed socket");
    if (to.address.family !== this.#family) throw new SocketError("send", "EAFNOSUPPORT", action);
    if (!Number.isInteger(hopLimit) || hopLimit < 1 || hopLimit > 255) throw new SocketError("send", "EINVAL", action);
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      if (hopLimit !== this.#hopLimit) this.#setHopLimit(hopLimit);
      this.#socket.wrap.send(buffer, 0, buffer.length, formatAddress(to.address), () => {});
    } catch (error) {
      throw asSocketError("send", error, action);
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  #setHopLimit(hopLimit: number): void {
    if (this.#family === 4) this.#socket.setOption(SOL.ip, IP.ttl, hopLimit);
    else this.#socket.setOption(SOL.ipv6, IPV6.unicastHops, hopLimit);
    this.#hopLimit = hopLimit;
  }
}
