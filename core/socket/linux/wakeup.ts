import type { Libc } from "../../ffi/libc.ts";
import { F, O } from "./abi.ts";

/** How a system is asked to signal what happens on a descriptor: numbers of fcntl(2). */
export interface WakeupScheme {
  readonly signal: "SIGURG" | "SIGIO";
  readonly setfl: number;
  readonly setown: number;
  /** How to have that signal in place of O_ASYNC's own. */
  readonly setSignal?: readonly [command: number, signal: number];
  readonly nonblock: number;
  readonly async: number;
}

/**
 * SIGURG in place of O_ASYNC's own SIGIO (F_SETSIG, Linux only): as quick, and ignored by default, so that an event
 * after the handler is gone cannot end the process.
 */
const LINUX: WakeupScheme = { signal: "SIGURG", ...F, setSignal: [F.setsig, 23], ...O };

/** Wakes a waiting `receive` when the kernel has something for one of its descriptors, without blocking a thread. */
export class Wakeup {
  readonly #libc: Pick<Libc, "fcntl" | "getpid">;
  readonly #scheme: WakeupScheme;
  readonly #armed = new Set<number>();
  readonly #onSignal = (): void => this.wake();
  #resolve: (() => void) | undefined;
  #listening = false;

  constructor(libc: Pick<Libc, "fcntl" | "getpid">, scheme = LINUX) {
    this.#libc = libc;
    this.#scheme = scheme;
  }

  /** Has the kernel signal whatever happens on a descriptor: data, errors, transmit stamps, the end of a connect. */
  arm(fd: number): void {
    const { signal, setfl, setown, setSignal, nonblock, async } = this.#scheme;
    const libc = this.#libc;
    if (this.#armed.has(fd)) return;
    if (!this.#listening) {
      this.#listening = true;
      process.on(signal, this.#onSignal);
    }
    // Without these (a sandbox may refuse them) the waiter's own tick finds what came.
    if (setSignal !== undefined && libc.fcntl(fd, ...setSignal) < 0) return;
    if (libc.fcntl(fd, setown, libc.getpid()) < 0) return;
    if (libc.fcntl(fd, setfl, nonblock | async) >= 0) this.#armed.add(fd);
  }

  isArmed(fd: number): boolean {
    return this.#armed.has(fd);
  }

  disarm(fd: number): void {
    if (this.#armed.delete(fd)) this.#libc.fcntl(fd, this.#scheme.setfl, this.#scheme.nonblock);
  }

  wake(): void {
    this.#resolve?.();
  }

  /** Returns at the next signal, `wake` or abort, and after `timeoutMs` at the latest. */
  async wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    // Promise.withResolvers would be shorter, but Node 20 has none.
    let wake: (() => void) | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    signal?.addEventListener("abort", this.#onSignal);
    await new Promise<void>((resolve) => {
      // Referenced: on Node nothing else keeps the process alive, signal handlers and descriptors do not.
      timer = setTimeout(resolve, Math.ceil(timeoutMs));
      wake = resolve;
      this.#resolve = resolve;
    });
    signal?.removeEventListener("abort", this.#onSignal);
    if (this.#resolve === wake) this.#resolve = undefined;
    clearTimeout(timer);
  }

  dispose(): void {
    for (const fd of this.#armed) this.disarm(fd);
    if (this.#listening) process.off(this.#scheme.signal, this.#onSignal);
    this.#listening = false;
    this.wake();
  }
}
