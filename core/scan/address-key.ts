/** An address as a key of a Map: a number of 32 bits, or for IPv6 its octets as a text of 16 characters. */
export type AddressKey = number | string;

/** Of the octets of an address, 4 or 16. */
export function keyOf(bytes: Uint8Array): AddressKey {
  if (bytes.length !== 4) return String.fromCharCode(...bytes);
  return (((bytes[0] ?? 0) << 24) | ((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)) >>> 0;
}
