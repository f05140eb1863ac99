import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SocketError } from "../../core/errors.ts";
import type { LinuxLibc } from "../../core/ffi/libc.ts";
import { loadLibc } from "../../core/ffi/load.ts";
import type { Network } from "../../core/network.ts";
import { AF, IP, SO, SOCK, SOL } from "../../core/socket/linux/abi.ts";
import { SocketReserve } from "../../core/socket/linux/reserve.ts";
import { createLinuxNetwork, type LinuxNetworkOptions } from "../../core/socket/linux.ts";
import { encodeEcho, parseIcmp } from "../../core/wire/mod.ts";
import { FAMILIES, hasRoot, isKind, LOOPBACK, loopback, until } from "./host.ts";

const libc = await loadLibc();
const ICMP = { 4: 1, 6: 58 } as const;

/** Of a host that has taken all privilege away since the reserve was made. */
interface Fallen {
  readonly reserve: SocketReserve;
  open(options?: LinuxNetworkOptions): Network;
}

function createFallen(copies: number, taps: number): Fallen {
  let isPrivileged = true;
  const refuse = (): number => {
    // As the kernel says it: EBADF, of a descriptor that nobody has.
    return libc.close(-1);
  };
  const falling: LinuxLibc = {
    ...libc,
    socket: (domain, type, protocol) => {
      const isRaw = (type & 0xf) === SOCK.raw && domain !== AF.netlink;
      return !isPrivileged && (isRaw || domain === AF.packet) ? refuse() : libc.socket(domain, type, protocol);
    },
    setsockopt: (fd, level, name, value, length) => {
      const isRight = level === SOL.socket && (name === SO.rcvbufforce || name === SO.mark);
      return !isPrivileged && isRight ? refuse() : libc.setsockopt(fd, level, name, value, length);
    },
  };
  const reserve = new SocketReserve(falling, { copies, taps, families: FAMILIES, protocols: [253] });
  isPrivileged = false;
  return { reserve, open: (options = {}) => createLinuxNetwork(falling, { ...options, reserve }) };
}

function echo(family: 4 | 6, identifier: number): Uint8Array {
  const { bytes } = LOOPBACK[family];
  const ends = { source: bytes, destination: bytes };
  return encodeEcho({ version: family, request: true, identifier, sequence: 1, payload: new Uint8Array(8), ...ends });
}

describe("sockets that were opened ahead", () => {
  for (const family of FAMILIES) {
    const icmp = { type: "raw", protocol: ICMP[family] } as const;

    it(`are taken by one network after another, as many as there are, IPv${family}`, (t) => {
      if (!hasRoot(t)) return;
      const { reserve, open } = createFallen(2, 0);
      const { size } = reserve;
      for (let rounds = 0; rounds < 3; rounds += 1) {
        using network = open();
        using _first = network.open(icmp, family);
        using _second = network.open(icmp, family);
        using _own = network.open({ type: "raw", protocol: 253 }, family);
        assert.throws(() => network.open(icmp, family), SocketError);
        assert.throws(() => network.open({ type: "raw", protocol: 254 }, family), SocketError);
      }
      assert.equal(reserve.size, size);
    });

    it(`come back deaf and empty: what came before is nobody's, IPv${family}`, async (t) => {
      if (!hasRoot(t)) return;
      const { open } = createFallen(1, 0);
      using network = open();
      using other = createLinuxNetwork(libc, {});
      using sender = other.open(icmp, family);
      const first = network.open(icmp, family);
      sender.send(echo(family, 1111), loopback(family), 9, 1);
      await until(other, isKind(sender, "packet"));
      // Its copy is left unread.
      first[Symbol.dispose]();
      sender.send(echo(family, 2222), loopback(family), 9, 1);
      await until(other, isKind(sender, "packet"));
      using again = network.open(icmp, family);
      again.send(echo(family, 3333), loopback(family), 9, 7);
      const departure = await until(network, isKind(again, "departure"));
      assert.equal(departure.tag, 7);
      const identifiers = new Set<number | undefined>();
      while (!identifiers.has(3333)) {
        const { bytes } = await until(network, isKind(again, "packet"));
        identifiers.add(parseIcmp(bytes)?.identifier);
      }
      assert.ok(!identifiers.has(1111) && !identifiers.has(2222), [...identifiers].join());
    });

    it(`keep nothing of a network's options, IPv${family}`, async (t) => {
      if (!hasRoot(t)) return;
      const { open } = createFallen(1, 0);
      const source = LOOPBACK[family];
      {
        using network = open({ source, interface: "lo", trafficClass: 0xb8, dontFragment: "do", dontRoute: true });
        using _ = network.open(icmp, family);
      }
      // The interface alone stays: to change it takes a right.
      using network = open({ interface: "lo" });
      using socket = network.open(icmp, family);
      socket.send(echo(family, 4444), loopback(family), 9, 1);
      await until(network, isKind(socket, "packet"));
    });
  }

  it("have the usual traffic class again, and a buffer as large as before", (t) => {
    if (!hasRoot(t)) return;
    const { reserve, open } = createFallen(1, 0);
    const own = reserve.libcFor(undefined);
    const read = (fd: number, level: number, name: number): number => {
      const [value, length] = [new DataView(new ArrayBuffer(64)), new DataView(new ArrayBuffer(16))];
      length.setUint32(0, 4, true);
      assert.equal(libc.getsockopt(fd, level, name, new Uint8Array(value.buffer), new Uint8Array(length.buffer)), 0);
      return value.getInt32(0, true);
    };
    const look = (): readonly number[] => {
      const fd = own.socket(AF.inet, SOCK.raw | SOCK.nonblock | SOCK.cloexec, 1);
      const seen = [read(fd, SOL.ip, IP.tos), read(fd, SOL.ip, IP.mtuDiscover), read(fd, SOL.socket, SO.rcvbuf)];
      own.close(fd);
      return seen;
    };
    const before = look();
    {
      using network = open({ trafficClass: 0xb8, dontFragment: "probe" });
      using _ = network.open({ type: "raw", protocol: 1 }, 4);
    }
    assert.deepEqual(look(), before);
  });

  it("say why there are no more", (t) => {
    if (!hasRoot(t)) return;
    const { reserve } = createFallen(1, 0);
    assert.match(reserve.explain("EPERM", 4, 254) ?? "", /^privileges were given away before .*--keep-privileges/);
  });
});
