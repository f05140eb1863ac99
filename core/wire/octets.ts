// Plain indexing rather than DataView: `.buffer` of a small typed array makes Bun move its bytes, and views over the
// socket layer's arenas would need their offsets carried along. Reads past the end give 0; callers check lengths.

export function readU8(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

/** The 16-bit number at an offset, in network order; what is beyond the end counts as 0. */
export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** The 32-bit number at an offset, in network order; what is beyond the end counts as 0. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((readU16(bytes, at) << 16) | readU16(bytes, at + 2)) >>> 0;
}

/** Writes a 16-bit number at an offset, in network order. */
export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes a 32-bit number at an offset, in network order. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  writeU16(bytes, at, value >>> 16);
  writeU16(bytes, at + 2, value & 0xffff);
}

/** Throws a RangeError unless `value` is an integer of 0 to `max`. */
export function assertField(action: string, field: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`Cannot ${action}: ${field} ${value} is not an integer of 0-${max}`);
  }
}

/** The IP version of a pair of addresses by their length; undefined where they are no pair. */
export function versionOfPair(source: Uint8Array, destination: Uint8Array): 4 | 6 | undefined {
  if (source.length !== destination.length) return undefined;
  if (source.length === 4) return 4;
  return source.length === 16 ? 6 : undefined;
}

/** As `versionOfPair`; throws a RangeError where they are no pair. */
export function assertPair(action: string, source: Uint8Array, destination: Uint8Array): 4 | 6 {
  const version = versionOfPair(source, destination);
  if (version !== undefined) return version;
  throw new RangeError(`Cannot ${action}: addresses of ${source.length} and ${destination.length} octets`);
}
