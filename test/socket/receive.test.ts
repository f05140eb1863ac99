import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadLibc } from "../../core/ffi/load.ts";
import type { Arrival } from "../../core/network.ts";
import { createLinuxNetwork } from "../../core/socket/linux.ts";
import { isKind, loopback, openNetwork, until } from "./host.ts";

const PATIENCE_MS = 50;

describe("receive on Linux", () => {
  it("gives undefined at its time, and at once where that has passed", async () => {
    using network = openNetwork();
    using _socket = network.open({ type: "udp" }, 4);
    const untilMs = network.nowMs() + 30;
    assert.equal(await network.receive(untilMs), undefined);
    assert.ok(network.nowMs() >= untilMs);
    assert.equal(await network.receive(untilMs), undefined);
  });

  it("gives undefined on abort, before and while it waits", async () => {
    using network = openNetwork();
    using _socket = network.open({ type: "udp" }, 4);
    const abort = new AbortController();
    const waiting = network.receive(Number.POSITIVE_INFINITY, abort.signal);
    setImmediate(() => abort.abort());
    assert.equal(await waiting, undefined);
    assert.equal(await network.receive(Number.POSITIVE_INFINITY, abort.signal), undefined);
  });

  it("ends when the network is closed under it", async () => {
    const network = openNetwork();
    const socket = network.open({ type: "udp" }, 4);
    const waiting = network.receive(Number.POSITIVE_INFINITY);
    network[Symbol.dispose]();
    assert.equal(await waiting, undefined);
    assert.throws(() => network.open({ type: "udp" }, 4), /closed network/);
    socket[Symbol.dispose]();
  });

  it("sees a socket that was opened while it waited, and none that was closed", async () => {
    using network = openNetwork();
    const closed = network.open({ type: "udp" }, 4);
    closed.send(new Uint8Array(1), loopback(4, closed.localPort), 1, 1);
    const waiting = until(
      network,
      (arrival): arrival is typeof arrival => arrival.kind === "packet" && arrival.socket !== closed,
    );
    closed[Symbol.dispose]();
    using opened = network.open({ type: "udp" }, 4);
    opened.send(Uint8Array.of(8), loopback(4, opened.localPort), 1, 2);
    assert.equal((await waiting).socket, opened);
  });

  it("leaves the event loop free while packets come faster than they are read", async () => {
    using network = openNetwork();
    using socket = network.open({ type: "udp" }, 4);
    let isTimerRun = false;
    const timer = setTimeout(() => {
      isTimerRun = true;
    }, 1);
    // Every received packet is answered by two more: the queue never runs dry.
    const flood = (): void => socket.send(new Uint8Array(8), loopback(4, socket.localPort), 1, 0);
    for (let i = 0; i < 100; i++) flood();
    for (let arrivals = 0; arrivals < 200_000 && !isTimerRun; arrivals++) {
      await until(network, isKind(socket, "packet"));
      flood();
    }
    clearTimeout(timer);
    assert.ok(isTimerRun);
  });

  it("serves all sockets while one of them is flooded", async () => {
    using network = openNetwork();
    using flooded = network.open({ type: "udp" }, 4);
    using quiet = network.open({ type: "udp" }, 6);
    const flood = (): void => flooded.send(new Uint8Array(8), loopback(4, flooded.localPort), 1, 0);
    for (let i = 0; i < 100; i++) flood();
    quiet.send(Uint8Array.of(1), loopback(6, quiet.localPort), 1, 0);
    for (let arrivals = 0; ; arrivals++) {
      const arrival = await network.receive(network.nowMs() + 3000);
      assert.ok(arrival !== undefined && arrivals < 10_000);
      if (arrival.socket === quiet && arrival.kind === "packet") break;
      if (arrival.kind === "packet") flood();
    }
  });

  it("keeps apart two networks of one process", async () => {
    using first = openNetwork();
    using second = openNetwork();
    using a = first.open({ type: "udp" }, 4);
    using b = second.open({ type: "udp" }, 4);
    a.send(Uint8Array.of(1), loopback(4, b.localPort), 1, 0);
    b.send(Uint8Array.of(2), loopback(4, a.localPort), 1, 0);
    const [atA, atB] = await Promise.all([until(first, isKind(a, "packet")), until(second, isKind(b, "packet"))]);
    assert.deepEqual([[...atA.bytes], [...atB.bytes]], [[2], [1]]);
  });

  it("tells how often this host failed to retransmit", () => {
    using network = openNetwork();
    const failures = network.retransmitFailures();
    assert.ok(failures !== undefined && Number.isSafeInteger(failures) && failures >= 0);
  });

  it("is woken by nothing that is stamped, where it is given patience, and reads all of it then", async () => {
    using network = openNetwork();
    using socket = network.open({ type: "udp" }, 4);
    let signals = 0;
    const count = (): void => {
      signals += 1;
    };
    process.on("SIGURG", count);
    try {
      await network.receive(network.nowMs() + 1, undefined, PATIENCE_MS);
      // Those that earlier tests are still owed.
      await new Promise((resolve) => setTimeout(resolve, 20));
      signals = 0;
      const sentMs = network.nowMs();
      for (let tag = 0; tag < 3; tag++) socket.send(Uint8Array.of(tag), loopback(4, socket.localPort), 1, tag);
      await new Promise((resolve) => setTimeout(resolve, 30));
      const heardMs = network.nowMs();
      const seen: Arrival[] = [];
      for (let packets = 0; packets < 3; ) {
        const arrival = await network.receive(network.nowMs() + 3000, undefined, PATIENCE_MS);
        assert.ok(arrival !== undefined, "nothing arrived");
        if (arrival.kind === "packet") packets += 1;
        seen.push(arrival);
      }
      assert.equal(signals, 0);
      for (const { atMs, blurred } of seen) {
        assert.equal(blurred, undefined);
        assert.ok(atMs >= sentMs && atMs <= heardMs, "the time of the reading");
      }
      // Without patience it is as it was.
      socket.send(Uint8Array.of(9), loopback(4, socket.localPort), 1, 9);
      await until(network, isKind(socket, "packet"));
      const woken = network.receive(network.nowMs() + 3000);
      socket.send(Uint8Array.of(9), loopback(4, socket.localPort), 1, 9);
      await woken;
      for (let turns = 0; turns < 100 && signals === 0; turns++) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.ok(signals > 0, "no signal without patience");
    } finally {
      process.off("SIGURG", count);
    }
  });

  it("tells no time of what waited without a stamp, and lets nothing more of that socket wait", async () => {
    const libc = await loadLibc();
    const unstamped = {
      ...libc,
      recvmsg(fd: number, message: Uint8Array, flags: number): number {
        const result = libc.recvmsg(fd, message, flags);
        // No ancillary data (msg_controllen of struct msghdr); only the error queue (MSG_ERRQUEUE) is nothing without.
        if ((flags & 0x2000) === 0) new DataView(message.buffer, message.byteOffset).setUint32(40, 0, true);
        return result;
      },
    };
    using network = createLinuxNetwork(unstamped, {});
    using socket = network.open({ type: "udp" }, 4);
    /** The packets that were sent before it, and whether their times are known. */
    const blurs = async (packets: number): Promise<unknown[]> => {
      for (let i = 0; i < packets; i++) socket.send(Uint8Array.of(1), loopback(4, socket.localPort), 1, i);
      const seen: unknown[] = [];
      while (seen.length < packets) {
        const arrival = await network.receive(network.nowMs() + 3000, undefined, PATIENCE_MS);
        assert.ok(arrival !== undefined, "nothing arrived");
        if (arrival.kind === "packet") seen.push(arrival.blurred);
      }
      return seen;
    };
    await network.receive(network.nowMs() + 1, undefined, PATIENCE_MS);
    assert.deepEqual(await blurs(2), [true, true]);
    // It is waited for a moment, so that there is a signal for what comes.
    await network.receive(network.nowMs() + 1, undefined, PATIENCE_MS);
    assert.deepEqual(await blurs(2), [undefined, undefined]);
  });
});
