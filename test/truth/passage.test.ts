import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEngine } from "../../core/sim/engine.ts";
import { echoPacket } from "../../core/sim/packets.ts";
import { plain } from "../../core/sim/topologies.ts";
import { createPassage } from "../lab/tun/passage.ts";
import { createRecorder, readRecord } from "../lab/tun/record.ts";

interface Waiting {
  readonly packet: Uint8Array;
  readonly sentAtMs: number;
}

/** A passage over links of 1 ms with everything around it made up: a clock, a device, and packets that wait in it. */
function passageOf(startMs: number, waiting: readonly Waiting[]) {
  const clock = { nowMs: startMs };
  const came = [...waiting];
  const brought: { readonly atMs: number; readonly packet: Uint8Array }[] = [];
  const discarded: number[] = [];
  const written: Uint8Array[] = [];
  const recorder = createRecorder((bytes) => written.push(bytes.slice()));
  const passage = createPassage({
    engine: createEngine(plain(4), 1),
    recorder,
    device: {
      write: (packet) => brought.push({ atMs: clock.nowMs, packet }) > 0,
      discard: (count) => discarded.push(count),
    },
    arrivals: {
      fd: -1,
      take() {
        const next = came.shift();
        return next && { packet: next.packet, seconds: 0, nanoseconds: next.sentAtMs * 1e6 };
      },
      forgetError: () => undefined,
    },
    thread: {
      nowMs: () => clock.nowMs,
      monotonicMs: (seconds, nanoseconds) => seconds * 1000 + nanoseconds / 1e6,
      wait(forMs) {
        clock.nowMs += forMs;
        return undefined;
      },
    },
  });
  /** Time passes while it works, too. */
  const run = (untilMs: number): void => {
    while (clock.nowMs < untilMs) {
      passage.step();
      clock.nowMs += 0.001;
    }
  };
  const record = () => readRecord(Buffer.concat(written), 0);
  return { run, brought, discarded, record };
}

const near = (ms: number, expectedMs: number): void => {
  assert.ok(ms >= expectedMs && ms < expectedMs + 0.01, `${ms} is not at ${expectedMs}`);
};

describe("the passage through a simulated path in real time", () => {
  it("counts an answer's delay from when its probe left the host, however late it looked at it", () => {
    const { run, brought } = passageOf(101.5, [{ packet: echoPacket({ hopLimit: 1 }), sentAtMs: 100 }]);
    run(110);
    assert.equal(brought.length, 1);
    near(brought[0]?.atMs ?? 0, 102);
  });

  it("brings what is overdue at once, before it takes in more", () => {
    const probe = echoPacket({ hopLimit: 1 });
    const { run, brought } = passageOf(
      105,
      [100, 100.5].map((sentAtMs) => ({ packet: probe, sentAtMs })),
    );
    run(110);
    assert.equal(brought.length, 2);
    for (const { atMs } of brought) near(atMs, 105);
  });

  it("brings a burst's answers in the order in which they are due, not in that of its probes", () => {
    const sent = [3, 2, 1].map((hopLimit) => ({ packet: echoPacket({ hopLimit }), sentAtMs: 100 }));
    const { run, brought } = passageOf(100, sent);
    run(120);
    assert.equal(brought.length, 3);
    for (const [index, { atMs }] of brought.entries()) near(atMs, 102 + 2 * index);
  });

  it("takes a probe whose stamp is older than its predecessor's for as old as that one", () => {
    const sent = [100.2, 100.1].map((sentAtMs) => ({ packet: echoPacket({ hopLimit: 1 }), sentAtMs }));
    const { run, record } = passageOf(100.3, sent);
    run(110);
    assert.deepEqual(
      record().packets.map(({ at_ms }) => at_ms),
      [100.2, 100.2],
    );
  });

  it("throws away in the device just what it has taken in, and writes its record down, once nothing is due", () => {
    const sent = [1, 2, 3].map((hopLimit) => ({ packet: echoPacket({ hopLimit }), sentAtMs: 100 }));
    const { run, discarded, record } = passageOf(100, sent);
    run(120);
    assert.deepEqual(discarded, [3]);
    assert.deepEqual(
      record().packets.map(({ hop_limit, protocol, to, octets }) => ({ hop_limit, protocol, to, octets })),
      [1, 2, 3].map((hop_limit) => ({ hop_limit, protocol: 1, to: "198.51.100.10", octets: 44 })),
    );
  });
});

describe("the record of what was sent", () => {
  const bytes: Uint8Array[] = [];
  const recorder = createRecorder((each) => bytes.push(each.slice()));
  for (const hopLimit of [1, 2]) recorder.note(echoPacket({ hopLimit }), hopLimit / 4);
  recorder.flush();
  const whole = Buffer.concat(bytes);

  it("leaves a packet that is not there as a whole for later", () => {
    const first = readRecord(whole.subarray(0, whole.length - 1), 0);
    assert.deepEqual(
      first.packets.map(({ at_ms }) => at_ms),
      [0.25],
    );
    const second = readRecord(whole, first.end);
    assert.deepEqual(
      second.packets.map(({ at_ms }) => at_ms),
      [0.5],
    );
    assert.deepEqual(readRecord(whole, second.end), { packets: [], end: second.end });
  });

  it("keeps of a long packet what tells its flow, and its length", () => {
    const bytesOfLong: Uint8Array[] = [];
    const other = createRecorder((each) => bytesOfLong.push(each.slice()));
    const long = new Uint8Array(1400);
    long.set(echoPacket({}));
    long[2] = 1400 >> 8;
    long[3] = 1400 & 0xff;
    other.note(long, 1);
    other.flush();
    assert.equal(readRecord(Buffer.concat(bytesOfLong), 0).packets[0]?.octets, 1400);
  });
});
