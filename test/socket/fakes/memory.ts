/** Addresses for buffers, so that a fake C library can follow the pointers that it is handed. */
export interface Memory {
  addressOf(buffer: ArrayBuffer): bigint;
  /** The address of a view's first octet. */
  addressOfView(view: Uint8Array): bigint;
  /** The octets at an address; throws where no buffer has them all, as the kernel would answer EFAULT. */
  at(address: bigint, length: number): Uint8Array;
}

export function createMemory(): Memory {
  const bases = new Map<ArrayBuffer, bigint>();
  let next = 0x7000_0000_0000n;
  const addressOf = (buffer: ArrayBuffer): bigint => {
    const known = bases.get(buffer);
    if (known !== undefined) return known;
    const base = next;
    bases.set(buffer, base);
    next += BigInt(buffer.byteLength + 0x1000);
    return base;
  };
  return {
    addressOf,
    addressOfView: (view) => {
      if (!(view.buffer instanceof ArrayBuffer)) throw new TypeError("Cannot address shared memory");
      return addressOf(view.buffer) + BigInt(view.byteOffset);
    },
    at: (address, length) => {
      for (const [buffer, base] of bases) {
        const offset = Number(address - base);
        if (offset >= 0 && offset + length <= buffer.byteLength) return new Uint8Array(buffer, offset, length);
      }
      throw new RangeError(`Cannot follow the pointer ${address.toString(16)} to ${length} octets`);
    },
  };
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
