/** First in, first out, at a constant cost: a Map or Set from whose front is deleted walks over what was there. */
export interface Queue<T> {
  readonly first: T | undefined;
  readonly size: number;
  push(item: T): void;
  shift(): void;
}

const COMPACT_AT = 1024;

export function createQueue<T>(): Queue<T> {
  let items: T[] = [];
  let head = 0;
  return {
    get first() {
      return items[head];
    },
    get size() {
      return items.length - head;
    },
    push(item) {
      items.push(item);
    },
    shift() {
      if (head < items.length) head += 1;
      if (head < COMPACT_AT || head * 2 < items.length) return;
      items = items.slice(head);
      head = 0;
    },
  };
}
