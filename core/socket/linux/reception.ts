import type { Arrival, ProbeSocket } from "../../network.ts";
import type { Readiness } from "./readiness.ts";
import { keep, type Source } from "./source.ts";
import type { Wakeup } from "./wakeup.ts";

/** While it waits, `receive` looks by itself this often, should a signal not come. */
const TICK_MS = 50;
/** After so many looks in vain it looks less often: waking up costs the runtime more than looking. */
const TICKS = 20;
const REST_TICK_MS = 250;
/** Where patience is asked for, what was empty so long ago is taken to be still so. */
const LOOK_MS = 1;
/** After so many arrivals in a row the event loop gets a turn. */
const ARRIVALS_PER_TURN = 64;
/** How many messages that are no arrivals are read before the event loop gets a turn. */
const READS_PER_TURN = 256;

/** What a network wants to know of its reception. */
export interface ReceptionWatcher {
  /** Called with what was read, before anybody else sees it. */
  onRead?(arrival: Arrival): void;
  /** Called before each wait; true: the next look is not to be put off. */
  onWait?(): boolean;
}

/** Brings what arrives on a network's descriptors, one by one, without blocking the event loop. */
export class Reception {
  readonly #readiness: Readiness;
  readonly #wakeup: Wakeup;
  readonly #nowMs: () => number;
  readonly #watcher: ReceptionWatcher;
  #waiting: Arrival[] = [];
  #turn = 0;
  #isPatient = false;
  #emptyAtMs = Number.NEGATIVE_INFINITY;
  #disposed = false;

  constructor(readiness: Readiness, wakeup: Wakeup, nowMs: () => number, watcher: ReceptionWatcher = {}) {
    this.#readiness = readiness;
    this.#wakeup = wakeup;
    this.#nowMs = nowMs;
    this.#watcher = watcher;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Whether nobody was woken for what came on a descriptor. */
  mayHaveWaited(fd: number): boolean {
    return this.#isPatient && !this.#wakeup.isArmed(fd);
  }

  /** How many descriptors are watched. */
  get count(): number {
    return this.#readiness.count;
  }

  /** As `Network.receive`. */
  async receive(untilMs: number, signal: AbortSignal | undefined, patienceMs = 0): Promise<Arrival | undefined> {
    if (this.#isPatient !== patienceMs > 0) {
      this.#isPatient = patienceMs > 0;
      this.#armAll();
    }
    for (let waits = 0; ; waits++) {
      if (this.#turn >= ARRIVALS_PER_TURN) await this.#yield();
      if (this.#disposed || signal?.aborted === true) return undefined;
      this.#turn++;
      const arrival = this.#isPatient && waits === 0 && this.#wasJustEmpty() ? undefined : this.#next();
      if (arrival !== undefined && arrival !== "more") return arrival;
      const leftMs = untilMs - this.#nowMs();
      if (leftMs <= 0) return undefined;
      if (arrival === "more") await this.#yield();
      else {
        // One of them may not be stamped any more.
        if (this.#isPatient) this.#armAll();
        const isUrgent = this.#watcher.onWait?.() === true;
        await this.#wakeup.wait(Math.min(leftMs, this.#tickMs(waits, isUrgent, patienceMs)), signal);
        this.#turn = 0;
      }
    }
  }

  /** Keeps an arrival for the next `receive`. */
  enqueue(arrival: Arrival): void {
    this.#waiting.push(arrival);
    this.#wakeup.wake();
  }

  /** A source has become active again: a waiting `receive` does not know of it yet. */
  watchAgain(): void {
    this.#wakeup.wake();
  }

  /** Drops what was kept for a socket. */
  drop(socket: ProbeSocket): void {
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter((arrival) => arrival.socket !== socket);
  }

  watch(source: Source): void {
    this.#readiness.add(source);
    if (source.active && !this.#mayWait(source)) this.#wakeup.arm(source.fd);
    // A waiting `receive` does not know of it yet.
    this.#wakeup.wake();
  }

  unwatch(source: Source): void {
    this.#readiness.delete(source);
    this.#wakeup.disarm(source.fd);
  }

  dispose(): void {
    this.#wakeup.dispose();
    this.#disposed = true;
  }

  #tickMs(waits: number, isUrgent: boolean, patienceMs: number): number {
    if (this.#isPatient && !isUrgent) return patienceMs;
    return waits < TICKS || isUrgent ? TICK_MS : REST_TICK_MS;
  }

  #wasJustEmpty(): boolean {
    return this.#waiting.length === 0 && this.#nowMs() - this.#emptyAtMs < LOOK_MS;
  }

  #mayWait(source: Source): boolean {
    return this.#isPatient && source.stamped === true;
  }

  /** To be woken by each stamp and each answer costs more than to read them all at once. */
  #armAll(): void {
    for (const source of this.#readiness.sources) {
      if (this.#mayWait(source)) this.#wakeup.disarm(source.fd);
      else if (source.active) this.#wakeup.arm(source.fd);
    }
  }

  /** What is there to be had without waiting; "more" when too much was read that is no arrival. */
  #next(): Arrival | "more" | undefined {
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      const waiting = this.#waiting.shift();
      if (waiting !== undefined) return waiting;
      const result = this.#readiness.read();
      if (result === "empty") {
        if (this.#isPatient) this.#emptyAtMs = this.#nowMs();
        return undefined;
      }
      if (result === "ignored") continue;
      this.#watcher.onRead?.(result);
      this.#readiness.tellDepartures(result);
      if (this.#waiting.length === 0) return result;
      this.#waiting.push(keep(result));
    }
    return "more";
  }

  /** Lets timers and signals run. */
  async #yield(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#turn = 0;
  }
}
