import assert from "node:assert/strict";
import { SocketError } from "../../core/errors.ts";
import type { DataArrival, ProbeSocket } from "../../core/network.ts";
import { awaitArrival, type NetworkBench, type NetworkTester } from "./bench.ts";
import { CLOSE, MUCH, MUCH_SAID, RESET } from "./echo.ts";

/** Registers the tests of what is said and heard in a dialled connection; its other end is the program of `echo.ts`. */
export function streamTests(test: NetworkTester): void {
  test("says and hears in a dialled connection, in order", async (bench) => {
    const { network, target } = bench;
    using socket = await connected(bench);
    const bytes = new TextEncoder().encode("one");
    say(bench, socket, bytes);
    // The caller may use the bytes again at once: what was said is what they were.
    bytes.fill(0xee);
    await hear(bench, socket, "one".length, ({ from, atMs, end }) => {
      assert.equal(from.text, target.text);
      assert.equal(end, undefined);
      assert.ok(Math.abs(atMs - network.nowMs()) < 60_000, `${atMs} is no time of this network's clock`);
    });
    for (const word of ["two ", "three ", "four"]) say(bench, socket, new TextEncoder().encode(word));
    const heard = await hear(bench, socket, "two three four".length);
    assert.equal(String.fromCharCode(...heard), "two three four");
  });

  test("brings a long answer whole", async (bench) => {
    using socket = await connected(bench);
    say(bench, socket, Uint8Array.of(MUCH));
    const heard = await hear(bench, socket, MUCH_SAID.length, ({ bytes }) => assert.ok(bytes.length <= 65_536));
    assert.deepEqual(heard, Array.from(MUCH_SAID));
  });

  for (const [title, word, expected] of [
    ["closes the stream", CLOSE, "closed"],
    ["breaks the connection off", RESET, "reset"],
  ] as const) {
    test(`tells once that the other side ${title}, and says nothing more`, async (bench) => {
      const { network } = bench;
      using socket = await connected(bench);
      say(bench, socket, Uint8Array.of(word));
      const end = await awaitArrival(network, (arrival) => (isData(arrival, socket) ? { ...arrival } : undefined));
      assert.deepEqual([end.bytes.length, end.end], [0, expected]);
      assert.throws(() => say(bench, socket, Uint8Array.of(1)), isRefusal(/^(EPIPE|ECONNRESET)$/));
      for (
        let each = await network.receive(network.nowMs() + 50);
        each;
        each = await network.receive(network.nowMs())
      ) {
        assert.notEqual(each.kind, "data");
      }
    });
  }

  test("says nothing before the handshake is done, nor more than one segment at once", async (bench) => {
    const { network, target: address, openPort: port } = bench;
    using early = network.dial({ address, port }, 64, 0);
    assert.throws(() => say(bench, early, Uint8Array.of(1)), isRefusal(/^ENOTCONN$/));
    using socket = await connected(bench);
    assert.throws(() => say(bench, socket, new Uint8Array(1201)), isRefusal(/^EMSGSIZE$/));
    say(bench, socket, new Uint8Array(1200));
    assert.equal((await hear(bench, socket, 1200)).length, 1200);
  });

  test("says nothing where no handshake came to be", async (bench) => {
    const { network, target: address, closedPort: port } = bench;
    using socket = network.dial({ address, port }, 64, 0);
    await awaitArrival(network, (arrival) => (arrival.kind === "handshake" ? true : undefined));
    assert.throws(() => say(bench, socket, Uint8Array.of(1)), isRefusal(/^EPIPE$/));
  });

  test("brings nothing of a connection that was closed here", async (bench) => {
    const { network } = bench;
    const closed = await connected(bench);
    using open = await connected(bench);
    for (const each of [closed, open]) say(bench, each, Uint8Array.of(1, 2, 3));
    closed[Symbol.dispose]();
    assert.throws(() => say(bench, closed, Uint8Array.of(1)), isRefusal(/^EBADF$/));
    await awaitArrival(network, (arrival) => {
      assert.notEqual(arrival.socket, closed);
      return isData(arrival, open) ? true : undefined;
    });
  });
}

function isData(
  arrival: { readonly kind: string; readonly socket: ProbeSocket },
  socket: ProbeSocket,
): arrival is DataArrival {
  return arrival.kind === "data" && arrival.socket === socket;
}

function isRefusal(errno: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SocketError, String(error));
    assert.equal(error.stage, "send");
    assert.match(error.errno ?? "", errno);
    return true;
  };
}

async function connected({ network, target: address, openPort: port }: NetworkBench): Promise<ProbeSocket> {
  const socket = network.dial({ address, port }, 64, 0);
  const state = await awaitArrival(network, (arrival) =>
    arrival.kind === "handshake" && arrival.socket === socket ? arrival.state : undefined,
  );
  assert.equal(state, "open");
  return socket;
}

function say({ target: address, openPort: port }: NetworkBench, socket: ProbeSocket, bytes: Uint8Array): void {
  socket.send(bytes, { address, port }, 64, 0);
}

/** The next so many octets, each piece of them looked at. */
async function hear(
  { network }: NetworkBench,
  socket: ProbeSocket,
  length: number,
  inspect: (piece: DataArrival) => void = () => undefined,
): Promise<readonly number[]> {
  const heard: number[] = [];
  while (heard.length < length) {
    heard.push(
      ...(await awaitArrival(network, (arrival) => {
        if (!isData(arrival, socket)) return undefined;
        inspect(arrival);
        assert.equal(arrival.end, undefined, "the stream goes on");
        return Array.from(arrival.bytes);
      })),
    );
  }
  assert.equal(heard.length, length);
  return heard;
}
