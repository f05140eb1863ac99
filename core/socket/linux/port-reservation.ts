import { SocketError } from "../../errors.ts";
import type { ProbeSocket } from "../../network.ts";
import { POLL } from "./abi.ts";
import type { SocketHost } from "./datagram-socket.ts";
import type { Source } from "./source.ts";

/** What of a kernel a reservation needs. */
interface Descriptors {
  localPort(fd: number): number;
  close(fd: number): void;
}

/** A bound TCP socket that keeps its port from other programs. */
export class PortReservation implements ProbeSocket, Source {
  readonly type = "tcp-port";
  readonly fd: number;
  readonly localPort: number;
  readonly events = POLL.in;
  /** The kernel reports a TCP socket without a connection as hung up, for ever: it is not polled. */
  readonly active = false;
  readonly last = false;
  errorsQuietAtMs = 0;
  packetsQuietAtMs = 0;
  readonly #kernel: Descriptors;
  readonly #host: SocketHost;
  #closed = false;

  constructor(kernel: Descriptors, host: SocketHost, fd: number) {
    this.#kernel = kernel;
    this.#host = host;
    this.fd = fd;
    this.localPort = kernel.localPort(fd);
  }

  send(): void {
    throw new SocketError("send", "EOPNOTSUPP", "send on a reserved TCP port");
  }

  readErrors(): "empty" {
    return "empty";
  }

  readPackets(): "empty" {
    return "empty";
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.forget(this);
    this.#kernel.close(this.fd);
  }
}
