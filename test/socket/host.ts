import assert from "node:assert/strict";
import { type Endpoint, type Family, type IpAddress, parseAddress } from "../../core/address.ts";
import { loadLibc } from "../../core/ffi/load.ts";
import type { Arrival, Network, ProbeSocket } from "../../core/network.ts";
import { createLinuxNetwork, type LinuxNetworkOptions } from "../../core/socket/linux.ts";

const libc = await loadLibc();

export function openNetwork(options: LinuxNetworkOptions = {}): Network {
  return createLinuxNetwork(libc, options);
}

/** Loopback of each family. */
export const LOOPBACK: Readonly<Record<Family, IpAddress>> = { 4: address("127.0.0.1"), 6: address("::1") };
export const FAMILIES: readonly Family[] = [4, 6];

/** Long enough for anything on the loopback interface, however busy the machine. */
const PATIENCE_MS = 3000;

export function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

export function loopback(family: Family, port = 0): Endpoint {
  return { address: LOOPBACK[family], port };
}

/** The part of node:test's context that skips. */
interface Skipping {
  skip(reason?: string): void;
}

/** Whether the test may go on; else it is skipped loudly, or failed where CI promises root. */
export function hasRoot(t: Skipping): boolean {
  if (process.getuid?.() === 0) return true;
  const why = "needs root: raw sockets and namespaces cannot be opened";
  if (process.env["CI"] === "true") assert.fail(`CI=true, but this test ${why}`);
  console.error(`skipped: this test ${why}`);
  t.skip(why);
  return false;
}

/** The first arrival that passes; fails where none comes. */
export async function until<T extends Arrival>(
  network: Network,
  passes: (arrival: Arrival) => arrival is T,
): Promise<T> {
  const endMs = network.nowMs() + PATIENCE_MS;
  for (;;) {
    const arrival = await network.receive(endMs);
    assert.ok(arrival !== undefined, "nothing arrived");
    if (passes(arrival)) return arrival;
  }
}

export function isKind<K extends Arrival["kind"]>(socket: ProbeSocket, kind: K) {
  return (arrival: Arrival): arrival is Arrival & { kind: K } => arrival.kind === kind && arrival.socket === socket;
}

/** A full collection, where the runtime offers one. */
export function collectGarbage(): void {
  if (typeof Bun === "undefined") globalThis.gc?.();
  else Bun.gc(true);
}
