import { type Endpoint, type Family, formatAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Handle } from "../../ffi/winapi.ts";
import type { Arrival, DataArrival, ErrorArrival, ProbeSocket } from "../../network.ts";
import type { Region } from "../linux/arena.ts";
import { readSockaddr } from "../linux/sockaddr.ts";
import { ERROR, FD, NETWORK_EVENTS, PROTO, SO, SOCK, SOL_SOCKET, TCP } from "./abi.ts";
import type { SocketHost } from "./echo-socket.ts";
import { windowsErrorName } from "./errors.ts";
import type { Finished, Pending } from "./pending.ts";
import { HEADS, type Winsock } from "./winsock.ts";

const NOTHING = new Uint8Array(0);
/** ICMP_ERROR_INFO: SOCKADDR_INET, protocol, type, code. */
const INFO = { type: 32, code: 33 } as const;
/** Windows repeats a SYN after one second at the earliest, where it cannot be told not to. */
const FIRST_REPETITION_MS = 1000;
const LONGEST_SEND = 1200;
const OVER: Finished = { arrivals: [], isPending: false };

/** Who sent an ICMP error, and what it says, in TCP_ICMP_ERROR_INFO; undefined where it names nobody. */
export function readIcmpErrorInfo(region: Region): Pick<ErrorArrival, "offender" | "icmp"> | undefined {
  const { view } = region;
  const offender = readSockaddr(region, 0, String, HEADS)?.address;
  return offender && { offender, icmp: { type: view.getUint8(INFO.type), code: view.getUint8(INFO.code) } };
}

/** As on Linux: a handshake that is under way or done, a stream that is read, or nothing more to come. */
type Phase = "dialling" | "open" | "stream" | "ended";

/** A TCP handshake with a hop limit, and the stream behind it. */
export class DialSocket implements ProbeSocket, Pending {
  readonly type = "tcp-connect";
  readonly event: Handle;
  readonly localPort: number;
  readonly #winsock: Winsock;
  readonly #host: SocketHost;
  readonly #socket: Handle;
  readonly #to: Endpoint;
  readonly #startedAtMs: number;
  readonly #isSentOnce: boolean;
  #phase: Phase = "dialling";
  #closed = false;

  constructor(winsock: Winsock, host: SocketHost, dialled: Dialled, to: Endpoint) {
    this.#winsock = winsock;
    this.#host = host;
    this.#socket = dialled.socket;
    this.event = dialled.event;
    this.#startedAtMs = dialled.startedAtMs;
    this.#isSentOnce = dialled.isSentOnce;
    this.#to = to;
    this.localPort = winsock.localPort(dialled.socket);
  }

  send(bytes: Uint8Array): void {
    if (this.#closed) throw this.#refusal("EBADF");
    if (this.#phase === "dialling") throw this.#refusal("ENOTCONN");
    if (this.#phase === "ended") throw this.#refusal("EPIPE");
    if (bytes.length > LONGEST_SEND) throw this.#refusal("EMSGSIZE");
    if (this.#phase === "open") {
      this.#phase = "stream";
      // What came before was told by events that are over.
      this.#host.enqueue(this.#readStream(this.#winsock.nowMs()));
      if (this.#phase === "stream") this.#host.watchAgain(this);
    }
    if (bytes.length === 0) return;
    const { api, stream } = this.#winsock;
    stream.bytes.set(bytes);
    if (api.send(this.#socket, stream.bytes, bytes.length, 0) < 0) throw this.#refusal(this.#winsock.error());
  }

  finish(atMs: number): Finished {
    if (this.#closed) return OVER;
    const { api, scratch } = this.#winsock;
    if (api.wsaEnumNetworkEvents(this.#socket, this.event, scratch.bytes) !== 0) return OVER;
    if (this.#phase === "stream") {
      const arrivals = this.#readStream(atMs);
      return { arrivals, isPending: this.#phase === "stream" };
    }
    if ((scratch.view.getInt32(0, true) & FD.connect) === 0) return { arrivals: [], isPending: true };
    const arrival = this.#outcome(scratch.view.getInt32(NETWORK_EVENTS.connectErrorAt, true), atMs);
    return { arrivals: arrival === undefined ? [] : [arrival], isPending: false };
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#phase = "ended";
    this.#host.forget(this);
    this.#winsock.close(this.#socket);
    this.#winsock.api.closeHandle(this.event);
  }

  #outcome(error: number, atMs: number): Arrival | undefined {
    const retransmitted = !this.#isSentOnce && atMs - this.#startedAtMs >= FIRST_REPETITION_MS;
    const base = { socket: this, atMs, retransmitted };
    const { address, port } = this.#to;
    this.#phase = error === 0 ? "open" : "ended";
    if (error === 0 || error === ERROR.connectionRefused) {
      // Whether a rule of this host made the reset cannot be told here.
      const state = error === 0 ? "open" : "closed";
      return { kind: "handshake", ...base, state, from: address, local: false };
    }
    const option = this.#winsock.getOption(this.#socket, PROTO.tcp, TCP.icmpErrorInfo);
    const info = option && readIcmpErrorInfo(option);
    // Nobody answered (WSAETIMEDOUT), or Windows keeps to itself who said what.
    if (info === undefined) return undefined;
    const { interfaces } = this.#winsock;
    const local = interfaces.isOwn(info.offender) && !interfaces.isOwn(address);
    return { kind: "error", ...base, ...info, toPort: port, quoted: NOTHING, extensions: NOTHING, local };
  }

  /** All that is there: Windows says only once that the other side is done (FD_CLOSE), whatever is still to be read. */
  #readStream(atMs: number): readonly Arrival[] {
    const { api, stream } = this.#winsock;
    const arrivals: DataArrival[] = [];
    const base = { kind: "data", socket: this, atMs, from: this.#to.address } as const;
    while (this.#phase === "stream") {
      const length = api.recv(this.#socket, stream.bytes, stream.bytes.length, 0);
      if (length > 0) {
        arrivals.push({ ...base, bytes: stream.bytes.slice(0, length) });
        continue;
      }
      const error = length === 0 ? 0 : api.lastError();
      if (error === ERROR.wouldBlock) break;
      this.#phase = "ended";
      if (error === 0) arrivals.push({ ...base, bytes: NOTHING, end: "closed" });
      else if (error === ERROR.connectionReset) arrivals.push({ ...base, bytes: NOTHING, end: "reset" });
    }
    return arrivals;
  }

  #refusal(errno: string): SocketError {
    return new SocketError("send", errno, `send to ${formatAddress(this.#to.address)} port ${this.#to.port}`);
  }
}

interface Dialled {
  readonly socket: Handle;
  readonly event: Handle;
  readonly startedAtMs: number;
  readonly isSentOnce: boolean;
}

/** Starts a handshake. Throws SocketError (stage `socket`, `bind` or `connect`). */
export function dial(
  winsock: Winsock,
  host: SocketHost,
  to: Endpoint,
  { hopLimit, localPort }: { readonly hopLimit: number | undefined; readonly localPort: number },
): DialSocket {
  const { address, port } = to;
  const action = `connect to ${formatAddress(address)} port ${port}`;
  const scope = winsock.scope("connect", address);
  const { socket, isSentOnce } = openTcp(winsock, address.family, hopLimit, localPort);
  const { api } = winsock;
  const event = api.createEvent();
  const giveUp = (error: number): SocketError => {
    winsock.close(socket);
    if (event !== 0n) api.closeHandle(event);
    return new SocketError("connect", windowsErrorName(error), action);
  };
  if (event === 0n || api.wsaEventSelect(socket, event, FD.connect | FD.read | FD.close) !== 0)
    throw giveUp(api.lastError());
  const startedAtMs = winsock.nowMs();
  const error = winsock.connect(socket, address, port, scope);
  if (error !== 0 && error !== ERROR.wouldBlock) throw giveUp(error);
  return new DialSocket(winsock, host, { socket, event, startedAtMs, isSentOnce }, to);
}

function openTcp(
  winsock: Winsock,
  family: Family,
  hopLimit: number | undefined,
  localPort: number,
): { readonly socket: Handle; readonly isSentOnce: boolean } {
  const socket = winsock.open(family, SOCK.stream, PROTO.tcp, "a TCP socket");
  try {
    if (hopLimit !== undefined) winsock.setHopLimit(socket, family, hopLimit);
    // Closing resets an open connection, which leaves no TIME_WAIT behind on its ports. LINGER is two u_short here.
    winsock.setOption(socket, SOL_SOCKET, SO.linger, 1);
    // Without it, before Windows 10 version 2004, routers' answers stay unknown, and only the target's are told.
    winsock.setOption(socket, PROTO.tcp, TCP.failConnectOnIcmpError, 1);
    const isSentOnce = winsock.setOption(socket, PROTO.tcp, TCP.noSynRetries, 1);
    // The port is reserved by a socket of ours: SO_REUSEADDR lets another of the same user share it.
    if (localPort !== 0) winsock.setOption(socket, SOL_SOCKET, SO.reuseaddr, 1);
    if (localPort !== 0 || winsock.source(family) !== undefined) winsock.bind(socket, family, localPort);
    return { socket, isSentOnce };
  } catch (error) {
    winsock.close(socket);
    throw error;
  }
}

/** A bound TCP socket that keeps its port from other programs. */
export class PortReservation implements ProbeSocket {
  readonly type = "tcp-port";
  readonly localPort: number;
  readonly #winsock: Winsock;
  readonly #host: SocketHost;
  readonly #socket: Handle;
  #closed = false;

  /** Throws SocketError (stage `socket` or `bind`). */
  constructor(winsock: Winsock, host: SocketHost, family: Family, localPort: number) {
    this.#winsock = winsock;
    this.#host = host;
    // Our dials can share the port only if this socket has said so before it is bound; but then it would take the port
    // of any other program that says so too. Another socket, which does not, finds out first that the port is free.
    const free = openBound(winsock, family, localPort, false);
    this.localPort = winsock.localPort(free);
    winsock.close(free);
    this.#socket = openBound(winsock, family, this.localPort, true);
  }

  send(): void {
    throw new SocketError("send", "EOPNOTSUPP", "send on a reserved TCP port");
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.forget(this);
    this.#winsock.close(this.#socket);
  }
}

function openBound(winsock: Winsock, family: Family, localPort: number, isShared: boolean): Handle {
  const socket = winsock.open(family, SOCK.stream, PROTO.tcp, `an IPv${family} TCP socket`);
  try {
    if (isShared) winsock.setOption(socket, SOL_SOCKET, SO.reuseaddr, 1);
    winsock.bind(socket, family, localPort);
    return socket;
  } catch (error) {
    winsock.close(socket);
    throw error;
  }
}
