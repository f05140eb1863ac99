import { addressFromBytes, type Endpoint } from "../../address.ts";
import { AF, PROTO, SOCK } from "./abi.ts";
import { parseControl } from "./control.ts";
import type { Kernel } from "./kernel.ts";
import { SOCKADDR_SPACE, writeSockaddr } from "./sockaddr.ts";

const LOOPBACK = addressFromBytes(Uint8Array.of(127, 0, 0, 1));
const MESSAGE = Uint8Array.of(0);
const HOP_LIMIT = 1;

/**
 * Has the kernel stamp received packets, and knows when it does: it begins some time after the first socket on the host
 * asked for it (net_enable_timestamp in net/core/dev.c puts that off), milliseconds on a busy one. What comes in until
 * then has no stamp, and its RTT would be that of its reading.
 */
export class Stamper implements Disposable {
  readonly #kernel: Kernel;
  readonly #fd: number;
  #self: Endpoint | undefined;
  #isKnown = false;

  private constructor(kernel: Kernel, fd: number) {
    this.#kernel = kernel;
    this.#fd = fd;
  }

  /** Undefined where no socket is to be had. */
  static open(kernel: Kernel): Stamper | undefined {
    const fd = kernel.libc.socket(AF.inet, SOCK.dgram | SOCK.nonblock | SOCK.cloexec, PROTO.udp);
    if (fd < 0) return undefined;
    kernel.stampReceived(fd);
    return new Stamper(kernel, fd);
  }

  /** Whether a datagram to itself has a stamp; undefined where none comes through. Nothing leaves this host. */
  hasBegun(): boolean | undefined {
    if (this.#isKnown) return true;
    const { libc, outgoing, aside } = this.#kernel;
    this.#self ??= this.#bind();
    if (this.#self === undefined) return undefined;
    outgoing.fill(MESSAGE, this.#self, this.#self.port, 0, HOP_LIMIT);
    if (outgoing.send(libc, this.#fd) !== 0 || aside.receive(libc, this.#fd, 0) !== 0) return undefined;
    this.#isKnown = parseControl(aside.control, aside.controlLength(), String).stamp !== undefined;
    return this.#isKnown;
  }

  [Symbol.dispose](): void {
    this.#kernel.close(this.#fd);
  }

  #bind(): Endpoint | undefined {
    const name = this.#kernel.arena.take(SOCKADDR_SPACE);
    if (this.#kernel.libc.bind(this.#fd, name.bytes, writeSockaddr(name, LOOPBACK, 0, 0)) < 0) return undefined;
    return { address: LOOPBACK, port: this.#kernel.localPort(this.#fd) };
  }
}
