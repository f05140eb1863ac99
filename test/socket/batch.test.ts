import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SocketError } from "../../core/errors.ts";
import { loadLibc } from "../../core/ffi/load.ts";
import type { SendOptions } from "../../core/network.ts";
import { AF, PROTO, SOCK } from "../../core/socket/linux/abi.ts";
import { checksum, encodeEcho, parseIcmp } from "../../core/wire/mod.ts";
import { FAMILIES, hasRoot, LOOPBACK, openNetwork } from "./host.ts";

const PATIENCE_MS = 3000;

describe("a batch socket on Linux", () => {
  for (const family of FAMILIES) {
    it(`sends many packets at once, each as it was laid out, and reads many: IPv${family}`, async (t) => {
      if (!hasRoot(t)) return;
      using network = openNetwork();
      const protocol = family === 4 ? 1 : 58;
      using socket = network.openBatch?.({ type: "raw", protocol }, family);
      if (socket === undefined) return t.skip("rules of this host may keep answers back: there is no such socket then");
      const identifier = 0x4e54;
      const { bytes: own } = LOOPBACK[family];
      const left: number[] = [];
      const seen = new Map<number, { readonly atMs: number; readonly hopLimit: number | undefined }>();
      const startMs = network.nowMs();
      for (let round = 0; round < 10; round += 1) {
        for (let index = 0; index < socket.capacity; index += 1) {
          const payload = new Uint8Array(32).fill(index);
          const sequence = round * socket.capacity + index;
          const addresses = family === 4 ? {} : { source: own, destination: own };
          const fields = { version: family, request: true, identifier, sequence, payload, ...addresses };
          const packet = encodeEcho(fields);
          socket.push(packet, LOOPBACK[family], 1 + index);
          packet.fill(0xee);
        }
        assert.throws(() => socket.push(new Uint8Array(8), LOOPBACK[family], 1), /ENOBUFS/);
        socket.flush(
          (index, atMs) => {
            left.push(round * socket.capacity + index);
            assert.ok(atMs >= startMs && atMs <= network.nowMs());
          },
          (_, error) => assert.fail(error),
        );
      }
      assert.deepEqual(
        left,
        Array.from({ length: 10 * socket.capacity }, (_, at) => at),
      );
      const endMs = startMs + PATIENCE_MS;
      while (seen.size < left.length && network.nowMs() < endMs) {
        socket.drain(({ bytes, from, hopLimit, atMs }) => {
          const echo = parseIcmp(bytes);
          if (echo?.identifier !== identifier || echo.type !== (family === 4 ? 0 : 129)) return;
          assert.equal(from.text, LOOPBACK[family].text);
          assert.deepEqual(
            [...echo.body],
            Array.from({ length: 32 }, () => echo.sequence % socket.capacity),
          );
          seen.set(echo.sequence, { atMs, hopLimit });
        });
      }
      assert.equal(seen.size, left.length);
      for (const { atMs, hopLimit } of seen.values()) {
        assert.ok(atMs >= startMs - 0.1 && atMs <= network.nowMs());
        assert.ok(hopLimit !== undefined && hopLimit > 0);
      }
      assert.equal(
        socket.drain(() => assert.fail("nothing more was sent")),
        0,
      );
    });
  }

  for (const family of FAMILIES) {
    it(`sends datagrams, and reads from which port they come and with which hop limit: IPv${family}`, (t) => {
      using network = openNetwork();
      using one = network.openBatch?.({ type: "udp" }, family);
      using two = network.openBatch?.({ type: "udp" }, family);
      if (one === undefined || two === undefined) return t.skip("rules of this host may keep answers back");
      assert.ok(one.localPort > 0 && two.localPort > 0 && one.localPort !== two.localPort);
      for (let each = 0; each < one.capacity; each += 1) {
        one.push(Uint8Array.of(each, 1, 2), LOOPBACK[family], 20 + each, two.localPort);
      }
      // Nobody listens at the discard port: what that tells is in nobody's way.
      const flush = () =>
        one.flush(
          () => undefined,
          (_, error) => assert.fail(error),
        );
      flush();
      one.push(Uint8Array.of(9), LOOPBACK[family], 9, 9);
      flush();
      one.push(Uint8Array.of(99, 1, 2), LOOPBACK[family], 9, two.localPort);
      flush();
      const seen: string[] = [];
      const endMs = network.nowMs() + PATIENCE_MS;
      while (seen.length < one.capacity + 1 && network.nowMs() < endMs) {
        two.drain(({ bytes, from, fromPort, hopLimit }) => {
          assert.deepEqual([from.text, fromPort], [LOOPBACK[family].text, one.localPort]);
          seen.push(`${bytes.join(" ")} by ${hopLimit}`);
        });
      }
      const sent = Array.from({ length: one.capacity }, (_, each) => `${each} 1 2 by ${20 + each}`);
      assert.deepEqual(seen, [...sent, "99 1 2 by 9"]);
    });
  }

  it("tells of each packet that the kernel refuses, and sends those behind it", (t) => {
    if (!hasRoot(t)) return;
    using network = openNetwork();
    using socket = network.openBatch?.({ type: "raw", protocol: 1 }, 4);
    if (socket === undefined) return t.skip("rules of this host may keep answers back: there is no such socket then");
    const [left, refused]: [number[], SocketError[]] = [[], []];
    const packet = encodeEcho({ version: 4, request: true, identifier: 1, sequence: 1, payload: new Uint8Array(8) });
    // A hop limit of 0 is no hop limit (ip(7)).
    for (const hopLimit of [1, 0, 1, 0, 1]) socket.push(packet, LOOPBACK[4], hopLimit);
    socket.flush(
      (index) => left.push(index),
      (_, error) => refused.push(error),
    );
    assert.deepEqual(left, [0, 2, 4]);
    assert.deepEqual(
      refused.map(({ stage, errno }) => [stage, errno]),
      [
        ["send", "EINVAL"],
        ["send", "EINVAL"],
      ],
    );
  });

  const SEND_OPTIONS: readonly SendOptions[] = [
    {},
    { trafficClass: 0x48, dontFragment: "dont" },
    { trafficClass: 2, dontFragment: "probe" },
  ];
  for (const options of SEND_OPTIONS) {
    it(`sends short packets with the header that the kernel gives to long ones: ${JSON.stringify(options)}`, async (t) => {
      if (!hasRoot(t)) return;
      const libc = await loadLibc();
      using network = openNetwork(options);
      using socket = network.openBatch?.({ type: "raw", protocol: 1 }, 4);
      if (socket === undefined) return t.skip("rules of this host may keep answers back: there is no such socket then");
      const listener = libc.socket(AF.inet, SOCK.raw | SOCK.nonblock, PROTO.icmp);
      const buffer = new Uint8Array(new ArrayBuffer(4096));
      const identifier = 0x4e57;
      try {
        const headers = new Map<number, Uint8Array>();
        // Long ones before, between and behind: what is laid out together has headers of one making.
        for (const [sequence, octets] of [40, 40, 1200, 40].entries()) {
          const payload = new Uint8Array(octets);
          const packet = encodeEcho({ version: 4, request: true, identifier, sequence, payload });
          socket.push(packet, LOOPBACK[4], 9);
          socket.flush(
            () => undefined,
            (_, error) => assert.fail(error),
          );
        }
        const endMs = network.nowMs() + PATIENCE_MS;
        while (headers.size < 4 && network.nowMs() < endMs) {
          const length = libc.read(listener, buffer, buffer.length);
          const echo = length > 20 ? parseIcmp(buffer.slice(20, length)) : undefined;
          if (echo?.type !== 8 || echo.identifier !== identifier) continue;
          assert.equal(buffer[2] === undefined ? 0 : (buffer[2] << 8) | (buffer[3] ?? 0), length);
          assert.equal(checksum(buffer, 0, 20), 0);
          headers.set(echo.sequence, buffer.slice(0, 20));
        }
        const told = (sequence: number): readonly number[] => {
          const header = [...(headers.get(sequence) ?? [])];
          // Length, identification and checksum differ from packet to packet.
          return [...header.slice(0, 2), ...header.slice(6, 10), ...header.slice(12)];
        };
        assert.deepEqual(told(0), [
          ...[0x45, options.trafficClass ?? 0, options.dontFragment === "dont" ? 0 : 0x40, 0, 9, 1],
          ...[...LOOPBACK[4].bytes, ...LOOPBACK[4].bytes],
        ]);
        for (const sequence of [1, 2, 3]) assert.deepEqual(told(sequence), told(0));
      } finally {
        libc.close(listener);
      }
    });
  }

  it("closes with its network", (t) => {
    if (!hasRoot(t)) return;
    const network = openNetwork();
    const socket = network.openBatch?.({ type: "raw", protocol: 1 }, 4);
    network[Symbol.dispose]();
    if (socket === undefined) return t.skip("rules of this host may keep answers back: there is no such socket then");
    assert.throws(() => socket.push(new Uint8Array(8), LOOPBACK[4], 1), /EBADF/);
    assert.equal(
      socket.drain(() => assert.fail("closed")),
      0,
    );
  });
});
