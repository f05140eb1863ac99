import { type Endpoint, type Family, formatAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Arrival, ProbeSocket } from "../../network.ts";
import { encodeEcho, encodeIcmp, ICMP, ICMPV6, parseIcmp } from "../../wire/icmp.ts";
import { IP_STATUS } from "./abi.ts";
import { type EchoReply, icmpOfStatus } from "./echo-reply.ts";
import type { EchoRequests } from "./echo-requests.ts";
import { windowsErrorName } from "./errors.ts";
import type { Pending } from "./pending.ts";
import type { Winsock } from "./winsock.ts";

const NOTHING = new Uint8Array(0);

/** What the network does for its sockets. */
export interface SocketHost {
  /** Keeps arrivals for the next `receive`. */
  enqueue(arrivals: readonly Arrival[]): void;
  /** Called after a send: what else has finished is taken note of then, not when all of a batch is sent. */
  lookAround(): void;
  /** Called by a socket whose event is to be waited for again. */
  watchAgain(pending: Pending): void;
  /** Called by a socket that is closed. */
  forget(socket: ProbeSocket): void;
}

/**
 * A ping socket in Windows' own words. Windows sends no packet of ours and shows none: it is asked for an echo request
 * with our data and hop limit, under an identifier and a sequence number of its own, and tells what became of it. What is
 * told is written down here as the packet or error that a ping socket would have brought: of an echo reply the data, of an
 * ICMP error its type, code and sender are Windows' own words, all else of them is ours.
 */
export class EchoSocket implements ProbeSocket {
  readonly type = "ping";
  readonly localPort: number;
  readonly #winsock: Winsock;
  readonly #requests: EchoRequests;
  readonly #host: SocketHost;
  readonly #family: Family;
  /** How an earlier request failed in this host, which Windows told after it had been sent. */
  #failure: number | undefined;
  #closed = false;

  constructor(winsock: Winsock, requests: EchoRequests, host: SocketHost, family: Family, identifier: number) {
    this.#winsock = winsock;
    this.#requests = requests;
    this.#host = host;
    this.#family = family;
    this.localPort = identifier;
  }

  send(bytes: Uint8Array, to: Endpoint, hopLimit: number, _tag: number): void {
    const { address } = to;
    const echo = parseIcmp(bytes);
    const requestType = this.#family === 4 ? ICMP.echoRequest : ICMPV6.echoRequest;
    if (this.#closed) throw this.#refusal(to, "EBADF");
    if (address.family !== this.#family) throw this.#refusal(to, "EAFNOSUPPORT");
    if (echo?.type !== requestType || echo.code !== 0 || hopLimit < 1 || hopLimit > 255) {
      throw this.#refusal(to, "EINVAL");
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) {
      throw this.#refusal(to, windowsErrorName(failure), `Windows said ${failure} to an earlier echo request`);
    }
    const { sequence } = echo;
    const data = Uint8Array.from(echo.body);
    const answered = (reply: EchoReply, atMs: number): Arrival | undefined =>
      this.#closed ? undefined : this.#arrival(reply, to, sequence, data, atMs);
    this.#requests.send({ data, to: address, hopLimit, answered });
    this.#host.lookAround();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.forget(this);
  }

  #arrival(reply: EchoReply, to: Endpoint, sequence: number, sent: Uint8Array, atMs: number): Arrival | undefined {
    const { status, from } = reply;
    if (status === IP_STATUS.timedOut) return undefined;
    if (status === IP_STATUS.success) return this.#packet(reply, sequence, atMs);
    const icmp = icmpOfStatus(status, this.#family);
    if (icmp === undefined) {
      this.#failure = status;
      return undefined;
    }
    const { interfaces } = this.#winsock;
    const rest = Uint8Array.of(this.localPort >> 8, this.localPort & 0xff, sequence >> 8, sequence & 0xff);
    const type = this.#family === 4 ? ICMP.echoRequest : ICMPV6.echoRequest;
    return {
      kind: "error",
      socket: this,
      atMs,
      offender: from,
      icmp,
      to: to.address,
      toPort: 0,
      // Its checksum is of no use: over IPv6 too it is reckoned without addresses.
      quoted: encodeIcmp({ version: 4, type, code: 0, rest, body: sent }),
      extensions: NOTHING,
      local: interfaces.isOwn(from) && !interfaces.isOwn(to.address),
      retransmitted: false,
    };
  }

  #packet({ from, hopLimit, data }: EchoReply, sequence: number, atMs: number): Arrival {
    const family = this.#family;
    const ends = family === 4 ? {} : { source: from.bytes, destination: this.#winsock.route(from).source.bytes };
    const payload = Uint8Array.from(data);
    const identifier = this.localPort;
    return {
      kind: "packet",
      socket: this,
      atMs,
      from,
      fromPort: 0,
      protocol: family === 4 ? 1 : 58,
      ...(hopLimit === undefined ? {} : { hopLimit }),
      bytes: encodeEcho({ version: family, request: false, identifier, sequence, payload, ...ends }),
      tapped: false,
    };
  }

  #refusal(to: Endpoint, errno: string, evidence?: string): SocketError {
    return new SocketError("send", errno, `send to ${formatAddress(to.address)}`, evidence);
  }
}
