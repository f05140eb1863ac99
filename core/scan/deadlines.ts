/** When each of a number of slots wants to be looked at again; the earliest first. Allocates nothing once it is made. */
export interface Deadlines {
  /** The earliest time; Infinity where there is none. */
  readonly nextAtMs: number;
  /** Sets or moves a slot's time. */
  set(slot: number, atMs: number): void;
  clear(slot: number): void;
  /** Takes the earliest slot off, if its time is not after `nowMs`; else -1. */
  takeDue(nowMs: number): number;
}

/** A binary heap of slots that knows where each one is. */
export function createDeadlines(slots: number): Deadlines {
  const times = new Float64Array(slots);
  const heap = new Int32Array(slots);
  const places = new Int32Array(slots).fill(-1);
  let size = 0;

  const timeAt = (place: number): number => times[heap[place] ?? 0] ?? 0;
  const put = (place: number, slot: number): void => {
    heap[place] = slot;
    places[slot] = place;
  };
  const rise = (start: number, slot: number): void => {
    const time = times[slot] ?? 0;
    let place = start;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (timeAt(parent) <= time) break;
      put(place, heap[parent] ?? 0);
      place = parent;
    }
    put(place, slot);
  };
  const sink = (start: number, slot: number): void => {
    const time = times[slot] ?? 0;
    let place = start;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      if (child + 1 < size && timeAt(child + 1) < timeAt(child)) child += 1;
      if (timeAt(child) >= time) break;
      put(place, heap[child] ?? 0);
      place = child;
    }
    put(place, slot);
  };
  const clear = (slot: number): void => {
    const place = places[slot] ?? -1;
    if (place < 0) return;
    places[slot] = -1;
    size -= 1;
    if (place === size) return;
    const moved = heap[size] ?? 0;
    const parent = (place - 1) >> 1;
    if (place > 0 && timeAt(parent) > (times[moved] ?? 0)) rise(place, moved);
    else sink(place, moved);
  };

  return {
    get nextAtMs() {
      return size === 0 ? Number.POSITIVE_INFINITY : timeAt(0);
    },
    set(slot, atMs) {
      clear(slot);
      times[slot] = atMs;
      size += 1;
      rise(size - 1, slot);
    },
    clear,
    takeDue(nowMs) {
      if (size === 0 || timeAt(0) > nowMs) return -1;
      const slot = heap[0] ?? 0;
      clear(slot);
      return slot;
    },
  };
}
