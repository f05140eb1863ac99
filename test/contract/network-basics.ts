import assert from "node:assert/strict";
import { SocketError, type Stage } from "../../core/errors.ts";
import { awaitArrival, type NetworkTester } from "./bench.ts";

/** Far beyond what a test may take: whoever waits for it shows that an abort did not end the wait. */
const FAR_MS = 3_600_000;

export function clockTests(test: NetworkTester): void {
  test("has a clock that never runs backwards, and waits until the time given", async ({ network }) => {
    for (let turn = 0; turn < 5; turn++) {
      const untilMs = network.nowMs() + 2;
      assert.equal(await network.receive(untilMs), undefined);
      assert.ok(network.nowMs() >= untilMs);
    }
    const beforeMs = network.nowMs();
    assert.equal(await network.receive(beforeMs - 10), undefined);
    assert.ok(network.nowMs() >= beforeMs);
  });

  test("ends a wait at once when it is aborted, before or meanwhile", async ({ network }) => {
    const beforeMs = network.nowMs();
    assert.equal(await network.receive(beforeMs + FAR_MS, AbortSignal.abort()), undefined);
    const controller = new AbortController();
    const waiting = network.receive(beforeMs + FAR_MS, controller.signal);
    controller.abort();
    assert.equal(await waiting, undefined);
    assert.ok(network.nowMs() < beforeMs + FAR_MS);
  });

  test("waits for ever where no end is given, until it is aborted", async ({ network }) => {
    const controller = new AbortController();
    const waiting = network.receive(Number.POSITIVE_INFINITY, controller.signal);
    setTimeout(() => controller.abort(), 1);
    assert.equal(await waiting, undefined);
  });

  test("leaves the event loop free while it waits", async ({ network }) => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    for (let count = 0; turns === 0 && count < 10_000; count++) await network.receive(network.nowMs() + 1);
    clearInterval(timer);
    assert.ok(turns > 0);
  });
}

export function routeTests(test: NetworkTester): void {
  test("knows the source address of a route, of the target's family", ({ network, target }) => {
    const { source } = network.route(target);
    assert.equal(source.family, target.family);
    assert.notEqual(source.text, target.text);
  });

  test("throws at each door where there is no route", ({ network, unroutable }) => {
    if (unroutable === undefined) return;
    const to = { address: unroutable, port: 443 };
    assertRefused(() => network.route(unroutable), "route");
    assertRefused(() => network.dial(to, 1, 0), "connect");
  });

  test(
    "sends no UDP where there is no route",
    ({ network, unroutable }) => {
      if (unroutable === undefined) return;
      using socket = network.open({ type: "udp" }, unroutable.family);
      assertRefused(() => socket.send(Uint8Array.of(1), { address: unroutable, port: 443 }, 1, 0), "send");
    },
    "udp",
  );
}

export function socketTests(test: NetworkTester): void {
  test(
    "gives each UDP socket and each reserved TCP port a local port of its own",
    ({ network, target: { family } }) => {
      for (const type of ["udp", "tcp-port"] as const) {
        using one = network.open({ type }, family);
        using other = network.open({ type }, family);
        assert.equal(one.type, type);
        assert.ok(one.localPort > 0 && one.localPort <= 65_535);
        assert.notEqual(one.localPort, other.localPort);
      }
    },
    "udp",
  );

  test(
    "refuses a UDP port that is taken",
    ({ network, target: { family } }) => {
      using taken = network.open({ type: "udp" }, family);
      assertRefused(() => network.open({ type: "udp", localPort: taken.localPort }, family), "bind");
    },
    "udp",
  );

  test(
    "frees a local port with its socket",
    ({ network, target: { family } }) => {
      const socket = network.open({ type: "udp" }, family);
      const { localPort } = socket;
      socket[Symbol.dispose]();
      using again = network.open({ type: "udp", localPort }, family);
      assert.equal(again.localPort, localPort);
    },
    "udp",
  );

  test(
    "dials from a port that was reserved",
    ({ network, target: address, openPort: port }) => {
      using reserved = network.open({ type: "tcp-port" }, address.family);
      using dialled = network.dial({ address, port }, 1, reserved.localPort);
      assert.equal(dialled.localPort, reserved.localPort);
      assert.equal(dialled.type, "tcp-connect");
    },
    "dial",
  );

  test(
    "sends nothing on a closed socket, and may close it twice",
    ({ network, target: address, closedUdpPort }) => {
      const socket = network.open({ type: "udp" }, address.family);
      socket[Symbol.dispose]();
      socket[Symbol.dispose]();
      assertRefused(() => socket.send(Uint8Array.of(1), { address, port: closedUdpPort }, 64, 0), "send");
    },
    "udp",
  );

  test(
    "brings nothing for a socket closed meanwhile",
    async (bench) => {
      const { network, target: address, closedUdpPort: port } = bench;
      const closed = network.open({ type: "udp" }, address.family);
      using open = network.open({ type: "udp" }, address.family);
      closed.send(Uint8Array.of(1), { address, port }, 64, 1);
      open.send(Uint8Array.of(2), { address, port }, 64, 2);
      closed[Symbol.dispose]();
      await awaitArrival(network, (arrival) => {
        assert.equal(arrival.socket, open);
        return arrival.kind === "error" ? true : undefined;
      });
    },
    "errors",
  );

  test(
    "opens, sends and brings nothing once it is closed itself",
    async (bench) => {
      const { network, target: address, closedUdpPort: port } = bench;
      const socket = network.open({ type: "udp" }, address.family);
      socket.send(Uint8Array.of(1), { address, port }, 64, 1);
      network[Symbol.dispose]();
      assert.equal(await network.receive(network.nowMs() + 50), undefined);
      assert.throws(() => socket.send(Uint8Array.of(1), { address, port }, 64, 1), Error);
      assert.throws(() => network.open({ type: "udp" }, address.family), Error);
      assert.throws(() => network.dial({ address, port: bench.openPort }, 64, 0), Error);
    },
    "udp",
  );
}

function assertRefused(action: () => unknown, stage: Stage): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof SocketError, String(error));
    assert.equal(error.stage, stage);
    return true;
  });
}
