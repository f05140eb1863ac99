import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { SocketError } from "../../core/errors.ts";
import type { HostCounters } from "../../core/socket/runtime/counters.ts";
import { readConnectFailure } from "../../core/socket/runtime/verdict.ts";
import { createRuntimeNetwork } from "../../core/socket/runtime.ts";
import { openSystemNetwork } from "../../core/socket/system.ts";
import { FAMILIES, isKind, LOOPBACK, until } from "./host.ts";

const NONE: HostCounters = { handshakes: 0, unreachables: 0, fromLoopback: 0, fromOthers: 0 };
const UNKNOWN: HostCounters = {
  handshakes: undefined,
  unreachables: undefined,
  fromLoopback: undefined,
  fromOthers: undefined,
};

/** What a failure is taken for, given what has risen meanwhile. */
function taken(errno: string | null, risen: Partial<HostCounters>, isOwnTarget = false, isLastTry = false): string {
  const failure = readConnectFailure(errno, "connect", NONE, { ...NONE, ...risen }, { isOwnTarget, isLastTry });
  if (failure === undefined) return "try again";
  return "state" in failure ? failure.state : `${failure.refusal.stage} ${failure.refusal.errno}`;
}

describe("a connect of the runtime's client that fails", () => {
  it("is this host's refusal where only this host gives such an errno", () => {
    for (const errno of ["EACCES", "EPERM", "EINVAL", "EMFILE"]) {
      assert.equal(taken(errno, { fromOthers: 1 }), `connect ${errno}`);
    }
    // "Administratively prohibited", from a router over IPv6.
    assert.equal(taken("EACCES", { handshakes: 1, fromOthers: 1 }), "unreachable");
  });

  it("has no route where no handshake was begun, whatever errno Bun makes of it", () => {
    assert.equal(taken("ECONNREFUSED", { fromOthers: 9 }), "route null");
    assert.equal(taken("ENETUNREACH", {}), "route ENETUNREACH");
  });

  it("is a REJECT rule's where nothing came in from outside", () => {
    assert.equal(taken("ECONNREFUSED", { handshakes: 1 }), "local-reject ECONNREFUSED");
    assert.equal(taken("ECONNREFUSED", { handshakes: 1 }, true), "closed");
  });

  it("is looked at again where it may be this host's, while something else came in", () => {
    const both = { handshakes: 1, fromLoopback: 1, fromOthers: 1 };
    assert.equal(taken("ECONNREFUSED", both), "try again");
    assert.equal(taken("ECONNREFUSED", both, false, true), "closed");
    assert.equal(taken("ECONNREFUSED", both, true), "closed");
  });

  it("is a closed port, or an ICMP error where one came in", () => {
    assert.equal(taken("ECONNREFUSED", { handshakes: 1, fromOthers: 1 }), "closed");
    assert.equal(taken("ECONNREFUSED", { handshakes: 1, fromOthers: 1, unreachables: 1 }), "unreachable");
    assert.equal(taken("EHOSTUNREACH", { handshakes: 1, fromOthers: 1 }), "unreachable");
  });

  it("is taken by its errno where the kernel's counters are hidden", () => {
    const state = (errno: string): unknown =>
      readConnectFailure(errno, "connect", UNKNOWN, UNKNOWN, { isOwnTarget: false, isLastTry: true });
    assert.deepEqual(state("ECONNREFUSED"), { state: "closed" });
    assert.deepEqual(state("EHOSTUNREACH"), { state: "unreachable" });
  });
});

describe("the network of a process that may not call the C library", () => {
  for (const family of FAMILIES) {
    it(`tells an open port from a closed one, over IPv${family}`, async () => {
      const server = createServer((client) => client.on("error", () => undefined)).listen(0, LOOPBACK[family].text);
      await once(server, "listening");
      const at = server.address();
      assert.ok(at !== null && typeof at === "object");
      using network = createRuntimeNetwork("for a test");
      const to = { address: LOOPBACK[family], port: at.port };
      const open = network.dial(to, undefined, 0, 7);
      assert.equal((await until(network, isKind(open, "departure"))).tag, 7);
      const { state, local, from } = await until(network, isKind(open, "handshake"));
      assert.deepEqual([state, local, from.text], ["open", false, LOOPBACK[family].text]);
      open[Symbol.dispose]();
      server.close();
      await once(server, "close");
      using closed = network.dial(to, undefined, 0);
      const refused = await until(network, isKind(closed, "handshake"));
      assert.deepEqual([refused.state, refused.local, refused.refusal], ["closed", false, undefined]);
    });
  }

  it("refuses all else, and says why", () => {
    using network = createRuntimeNetwork("for a test");
    const refused = (act: () => unknown): void =>
      assert.throws(act, (error) => error instanceof SocketError && error.evidence === "for a test");
    refused(() => network.open({ type: "udp" }, 4));
    refused(() => network.dial({ address: LOOPBACK[4], port: 9 }, 5, 0));
    refused(() => network.dial({ address: LOOPBACK[4], port: 9 }, undefined, 4000));
    refused(() => network.route(LOOPBACK[4]));
  });

  it("is had by asking for it", async () => {
    const said: string[] = [];
    using network = await openSystemNetwork({ backend: "runtime", onLimits: (limits) => void said.push(limits) });
    assert.equal(network.reachOnly, true);
    assert.match(said.join("\n"), /^no hops, /);
  });

  it("tells nothing of a closed socket, and nothing once it is closed itself", async () => {
    const network = createRuntimeNetwork("for a test");
    network.dial({ address: LOOPBACK[4], port: 9 }, undefined, 0, 1)[Symbol.dispose]();
    assert.equal(await network.receive(network.nowMs() + 20), undefined);
    network[Symbol.dispose]();
    assert.equal(await network.receive(network.nowMs() + 1000), undefined);
    assert.throws(() => network.dial({ address: LOOPBACK[4], port: 9 }, undefined, 0), SocketError);
  });
});
