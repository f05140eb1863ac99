import { addressFromBytes, type Endpoint, type Family } from "../../../core/address.ts";
import { viewOf } from "./memory.ts";

/** SOCKADDR_INET: AF_INET is 2, AF_INET6 23. */
export function readName(bytes: Uint8Array): Endpoint | undefined {
  const view = viewOf(bytes);
  const port = view.getUint16(2);
  if (view.getUint16(0, true) === 2) return { address: addressFromBytes(bytes.subarray(4, 8)), port };
  if (view.getUint16(0, true) !== 23) return undefined;
  return { address: addressFromBytes(bytes.subarray(8, 24)), port };
}

export function writeName(into: Uint8Array, { address, port }: Endpoint): number {
  const length = address.family === 4 ? 16 : 28;
  into.fill(0, 0, length);
  into[0] = address.family === 4 ? 2 : 23;
  viewOf(into).setUint16(2, port);
  into.set(address.bytes, address.family === 4 ? 4 : 8);
  return length;
}

/** IP_STATUS of ipexport.h for what routers of the simulated paths say. */
export function statusOf(family: Family, type: number, code: number): number {
  if (type === (family === 4 ? 11 : 3)) return 11_013;
  const unreachable: Readonly<Record<Family, readonly number[]>> = {
    4: [11_002, 11_003, 11_004, 11_005, 11_009],
    6: [11_002, 11_004, 11_045, 11_003, 11_005],
  };
  return unreachable[family][code] ?? 11_050;
}
