import { F, O } from "./abi.ts";
import type { Kernel } from "./kernel.ts";

/**
 * SIGURG in place of O_ASYNC's own SIGIO (F_SETSIG, Linux only): as quick, and ignored by default, so that an event
 * after the handler is gone cannot end the process.
 */
const SIGNAL = { name: "SIGURG", number: 23 } as const;

/** Wakes a waiting `receive` when the kernel has something for one of its descriptors, without blocking a thread. */
export class Wakeup {
  readonly #kernel: Kernel;
  readonly #armed = new Set<number>();
  readonly #onSignal = (): void => this.wake();
  #resolve: (() => void) | undefined;
  #listening = false;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Has the kernel signal whatever happens on a descriptor: data, errors, transmit stamps, the end of a connect. */
  arm(fd: number): void {
    const { libc } = this.#kernel;
    if (!this.#listening) {
      this.#listening = true;
      process.on(SIGNAL.name, this.#onSignal);
    }
    // Without these (a sandbox may refuse them) the waiter's own tick finds what came.
    if (libc.fcntl(fd, F.setsig, SIGNAL.number) < 0) return;
    if (libc.fcntl(fd, F.setown, libc.getpid()) < 0) return;
    if (libc.fcntl(fd, F.setfl, O.nonblock | O.async) >= 0) this.#armed.add(fd);
  }

  disarm(fd: number): void {
    if (this.#armed.delete(fd)) this.#kernel.libc.fcntl(fd, F.setfl, O.nonblock);
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
    if (this.#listening) process.off(SIGNAL.name, this.#onSignal);
    this.#listening = false;
    this.wake();
  }
}
