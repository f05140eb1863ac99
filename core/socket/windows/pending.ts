import type { Handle, Winapi } from "../../ffi/winapi.ts";
import type { Arrival } from "../../network.ts";
import { Arena, type Region } from "../linux/arena.ts";
import { MAX_WAIT } from "./abi.ts";

export interface Finished {
  readonly arrivals: readonly Arrival[];
  readonly isPending: boolean;
}

/** Something that Windows finishes by itself: an echo request, a handshake. */
export interface Pending {
  /** Signalled when it is finished. */
  readonly event: Handle;
  /** Called once the event is signalled, at `atMs`; what came of it, and whether there is more to wait for. */
  finish(atMs: number): Finished;
}

/** All that a network waits for. */
export class PendingSet {
  readonly #api: Winapi;
  readonly #nowMs: () => number;
  readonly #onAdd: () => void;
  readonly #handles: Region;
  /** The youngest last. */
  readonly #pending = new Set<Pending>();

  /** `onAdd` is called when there is more to wait for. */
  constructor(api: Winapi, nowMs: () => number, onAdd: () => void) {
    this.#api = api;
    this.#nowMs = nowMs;
    this.#onAdd = onAdd;
    this.#handles = new Arena(api, 8 * MAX_WAIT).take(8 * MAX_WAIT);
  }

  get size(): number {
    return this.#pending.size;
  }

  add(pending: Pending): void {
    this.#pending.add(pending);
    this.#onAdd();
  }

  delete(pending: Pending): void {
    this.#pending.delete(pending);
  }

  /**
   * What has finished. If nothing has, waits for as long as `waitMs` for one of the 64 youngest, which blocks the
   * thread: whole milliseconds, of which Windows may make a tick of its clock (up to 15.6).
   */
  collect(waitMs: number): readonly Arrival[] {
    const arrivals: Arrival[] = [];
    const all = [...this.#pending];
    for (let start = 0; start < all.length; start += MAX_WAIT) {
      let group = all.slice(start, start + MAX_WAIT);
      for (let at = this.#waitFor(group, 0); at !== undefined; at = this.#waitFor(group, 0)) {
        this.#finish(group[at], arrivals);
        group = group.filter((_, index) => index !== at);
      }
    }
    if (arrivals.length > 0 || waitMs < 1) return arrivals;
    const youngest = [...this.#pending].slice(-MAX_WAIT);
    const at = this.#waitFor(youngest, waitMs);
    if (at !== undefined) this.#finish(youngest[at], arrivals);
    return arrivals;
  }

  #finish(pending: Pending | undefined, arrivals: Arrival[]): void {
    if (pending === undefined) return;
    this.#pending.delete(pending);
    const finished = pending.finish(this.#nowMs());
    arrivals.push(...finished.arrivals);
    if (finished.isPending) this.#pending.add(pending);
  }

  /** The index of one that is signalled. */
  #waitFor(group: readonly Pending[], timeoutMs: number): number | undefined {
    if (group.length === 0) return undefined;
    group.forEach(({ event }, index) => {
      this.#handles.view.setBigUint64(8 * index, event, true);
    });
    const at = this.#api.waitForAny(group.length, this.#handles.bytes, timeoutMs);
    // Else WAIT_TIMEOUT or WAIT_FAILED.
    return at < group.length ? at : undefined;
  }
}
