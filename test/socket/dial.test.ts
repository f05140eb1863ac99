import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { SocketError } from "../../core/errors.ts";
import type { DataArrival } from "../../core/network.ts";
import { FAMILIES, isKind, LOOPBACK, loopback, openNetwork, until } from "./host.ts";

function listen(server: Server, host: string, port = 0): Promise<string> {
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen(port, host, () => resolve("listening"));
  });
}

function portOf(server: Server): number {
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : assert.fail("not listening");
}

for (const family of FAMILIES) {
  describe(`dialing over the loopback interface, IPv${family}`, () => {
    const server = createServer((socket) => socket.on("error", () => undefined));
    before(() => listen(server, LOOPBACK[family].text));
    after(() => {
      server.close();
    });

    it("ends open where somebody listens, no later than now and no earlier than the call", async () => {
      using network = openNetwork();
      const startedMs = network.nowMs();
      using dialed = network.dial(loopback(family, portOf(server)), 5, 0);
      assert.ok(dialed.localPort > 0);
      const end = await until(network, isKind(dialed, "handshake"));
      assert.deepEqual([end.state, end.from.text, end.local], ["open", LOOPBACK[family].text, false]);
      assert.ok(end.atMs >= startedMs && end.atMs <= network.nowMs());
    });

    it("ends closed where nobody listens, which is the target's own answer", async () => {
      using network = openNetwork();
      using free = network.open({ type: "tcp-port" }, family);
      using dialed = network.dial(loopback(family, free.localPort), 5, 0);
      const end = await until(network, isKind(dialed, "handshake"));
      assert.deepEqual(
        [end.state, end.from.text, end.local, end.retransmitted],
        ["closed", LOOPBACK[family].text, false, false],
      );
    });

    it("uses one local port for one handshake after the other, open or closed", async () => {
      using network = openNetwork();
      using reserved = network.open({ type: "tcp-port" }, family);
      using free = network.open({ type: "tcp-port" }, family);
      for (let i = 0; i < 20; i++) {
        const to = loopback(family, i % 2 === 0 ? portOf(server) : free.localPort);
        using dialed = network.dial(to, 1 + i, reserved.localPort);
        assert.equal(dialed.localPort, reserved.localPort);
        const end = await until(network, isKind(dialed, "handshake"));
        assert.equal(end.state, i % 2 === 0 ? "open" : "closed");
      }
    });

    it("refuses a second handshake on the same ports", () => {
      using network = openNetwork();
      const to = loopback(family, portOf(server));
      using first = network.dial(to, 5, 0);
      assert.throws(
        () => network.dial(to, 5, first.localPort),
        (error) => error instanceof SocketError && /^EADDR(NOTAVAIL|INUSE)$/.test(error.errno ?? ""),
      );
    });

    it("keeps a reserved port from other programs' servers and from a second reservation", async () => {
      using network = openNetwork();
      using reserved = network.open({ type: "tcp-port" }, family);
      assert.equal(await listen(createServer(), LOOPBACK[family].text, reserved.localPort), "EADDRINUSE");
      assert.throws(
        () => network.open({ type: "tcp-port", localPort: reserved.localPort }, family),
        (error) => error instanceof SocketError && error.errno === "EADDRINUSE" && error.stage === "bind",
      );
    });

    it("tells when the SYN left where a tag asks for it, before the end", async () => {
      using network = openNetwork();
      using dialed = network.dial(loopback(family, portOf(server)), 5, 0, 4711);
      const departure = await until(network, (arrival): arrival is typeof arrival => arrival.socket === dialed);
      assert.ok(departure.kind === "departure" && departure.tag === 4711);
      const end = await until(network, isKind(dialed, "handshake"));
      assert.ok(end.atMs >= departure.atMs);
    });
  });
}

for (const family of FAMILIES) {
  describe(`a dialled connection over the loopback interface, IPv${family}`, () => {
    let greet: (socket: Socket) => void = () => undefined;
    const server = createServer((socket) => greet(socket.on("error", () => undefined)));
    before(() => listen(server, LOOPBACK[family].text));
    after(() => {
      server.close();
    });

    it("hears a server that speaks first, from the moment on that it listens", async () => {
      greet = (socket) => void socket.end("220 ready\r\n");
      using network = openNetwork();
      using dialed = network.dial(loopback(family, portOf(server)), 5, 0);
      const open = await until(network, isKind(dialed, "handshake"));
      // The server has spoken by now or not: nothing of it arrives.
      assert.equal(await network.receive(network.nowMs() + 20), undefined);
      dialed.send(new Uint8Array(0), loopback(family, portOf(server)), 5, 0);
      let heard = "";
      let data: DataArrival;
      do {
        data = await until(network, isKind(dialed, "data"));
        heard += String.fromCharCode(...data.bytes);
        assert.ok(data.atMs >= open.atMs && data.atMs <= network.nowMs());
      } while (data.end === undefined);
      assert.deepEqual([heard, data.end], ["220 ready\r\n", "closed"]);
    });

    it("says what it is told to, and hears more than fits into one read", async () => {
      const told = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 13) & 0xff);
      greet = (socket) => void socket.once("data", (said) => socket.end(said.toString() === "go" ? told : "no"));
      using network = openNetwork();
      using dialed = network.dial(loopback(family, portOf(server)), 5, 0);
      await until(network, isKind(dialed, "handshake"));
      dialed.send(new TextEncoder().encode("go"), loopback(family, portOf(server)), 5, 0);
      const heard = new Uint8Array(told.length);
      let length = 0;
      for (;;) {
        const { bytes, end } = await until(network, isKind(dialed, "data"));
        if (end !== undefined) break;
        assert.ok(bytes.length > 0 && bytes.length <= 65_536);
        heard.set(bytes, length);
        length += bytes.length;
      }
      assert.equal(length, told.length);
      assert.equal(Buffer.compare(heard, told), 0);
    });
  });
}
