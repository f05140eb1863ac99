import type { Libc } from "../../ffi/libc.ts";

/** A piece of the arena, with the address at which the kernel finds it. */
export interface Region {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: bigint;
}

/**
 * All memory that the kernel reads or writes: one large ArrayBuffer that lives as long as its network. Its contents
 * are outside of the garbage collector's heap and do not move, which cannot be said of small typed arrays.
 */
export class Arena {
  readonly #buffer: ArrayBuffer;
  readonly #base: bigint;
  #used = 0;

  constructor(libc: Pick<Libc, "addressOf">, size: number) {
    this.#buffer = new ArrayBuffer(size);
    this.#base = libc.addressOf(this.#buffer);
  }

  /** Hands out the next `length` octets, aligned to 16; they are never given back. */
  take(length: number): Region {
    const offset = this.#used;
    if (offset + length > this.#buffer.byteLength) throw new RangeError(`Cannot take ${length} octets: arena full`);
    this.#used = (offset + length + 15) & ~15;
    return {
      bytes: new Uint8Array(this.#buffer, offset, length),
      view: new DataView(this.#buffer, offset, length),
      address: this.#base + BigInt(offset),
    };
  }
}
