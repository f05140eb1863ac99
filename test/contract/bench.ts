import assert from "node:assert/strict";
import type { Family, IpAddress } from "../../core/address.ts";
import type { Bench } from "../../core/conformance/bench.ts";
import { ANSWER_WITHIN_MS } from "../../core/conformance/session.ts";
import type { Arrival, Network } from "../../core/network.ts";

/** What the host under a network allows: tests of the rest are reported skipped. */
export interface NetworkAbilities {
  readonly families: readonly Family[];
  readonly raw: boolean;
  readonly ping: boolean;
  readonly departures: boolean;
  /** The error queue of UDP sockets. Absent: there is one. */
  readonly errors?: boolean;
  /** Connects with a hop limit. Absent: it can. */
  readonly dial?: boolean;
  /** Default true. */
  readonly udp?: boolean;
  /** Raw sockets see TCP. Default: as `raw`. */
  readonly rawTcp?: boolean;
}

/** Registers one test on a fresh network, or reports it skipped where the host lacks what it needs. */
export type NetworkTester = (
  name: string,
  body: (bench: NetworkBench) => Promise<void> | void,
  needs?: Exclude<keyof NetworkAbilities, "families">,
) => void;

export interface NetworkBench {
  readonly network: Network;
  /** A host that answers echo, refuses UDP ports, and whose TCP ports are as named below. */
  readonly target: IpAddress;
  readonly openPort: number;
  readonly closedPort: number;
  readonly closedUdpPort: number;
  readonly responders: readonly (readonly string[])[];
  /** An address that there is no route to. */
  readonly unroutable?: IpAddress;
}

/** The next arrival of which `wanted` makes something; fails where none comes. */
export async function awaitArrival<T>(network: Network, wanted: (arrival: Arrival) => T | undefined): Promise<T> {
  const untilMs = network.nowMs() + ANSWER_WITHIN_MS;
  for (;;) {
    const arrival = await network.receive(untilMs);
    assert.ok(arrival, "an arrival in time");
    const found = wanted(arrival);
    if (found !== undefined) return found;
  }
}

/** Asserts that one of the addresses expected at this hop limit replied. */
export function assertResponder(bench: Pick<Bench, "responders">, hopLimit: number, from: IpAddress): void {
  const expected = bench.responders[hopLimit - 1] ?? [];
  assert.ok(expected.includes(from.text), `${from.text} is none of ${expected.join(", ")} at hop limit ${hopLimit}`);
}
