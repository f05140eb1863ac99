import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressFromBytes, createRoundsSchedule, createRoundsTable, type TraceEvent } from "../../core/mod.ts";
import type { HandshakeArrival, ProbeSocket } from "../../core/network.ts";
import type { ProbeSession } from "../../core/plugin.ts";
import type { Probe } from "../../core/probe.ts";
import { completeTraceOptions } from "../../core/tracer/options.ts";
import { createRun, type Run } from "../../core/tracer/run.ts";

const RESPONDER = addressFromBytes([192, 0, 2, 1]);
const SOCKET: ProbeSocket = { type: "raw", localPort: 0, send() {}, [Symbol.dispose]() {} };

/** An answer bears its probe's sequence as the time to live of nothing: the session reads it back. */
const arrivals = new WeakMap<HandshakeArrival, number>();

function answerTo({ sequence }: Probe, atMs: number): HandshakeArrival {
  const arrival: HandshakeArrival = {
    kind: "handshake",
    socket: SOCKET,
    atMs,
    state: "open",
    from: RESPONDER,
    local: false,
    retransmitted: false,
  };
  arrivals.set(arrival, sequence);
  return arrival;
}

interface Play {
  readonly probes: number;
  /** Undefined: never. */
  readonly rttMs: (probe: Probe, index: number) => number | undefined;
  readonly onEvent?: (event: TraceEvent) => void;
  readonly refuse?: (index: number) => boolean;
}

/** Runs rounds of one hop every millisecond, without a network, and tells the most that was ever remembered. */
function play({ probes, rttMs, onEvent = () => {} }: Play): { readonly most: number; readonly run: Run } {
  let nowMs = 0;
  let index = 0;
  let most = 0;
  const due: { readonly atMs: number; readonly probe: Probe }[] = [];
  const session: ProbeSession = {
    mode: "test",
    send(probe) {
      const after = rttMs(probe, index);
      index += 1;
      if (after !== undefined) due.push({ atMs: nowMs + after, probe });
    },
    match(arrival) {
      const sequence = arrival.kind === "handshake" ? arrivals.get(arrival) : undefined;
      return sequence === undefined ? undefined : { sequence, from: RESPONDER, effect: "reached" };
    },
    [Symbol.dispose]() {},
  };
  const options = completeTraceOptions({ firstHop: 9, maxHop: 9 });
  const rounds = { intervalMs: 1, cycles: probes, perProbeTimeoutMs: 1000, graceMs: 1000 };
  const run = createRun(session, options, onEvent, {
    sequence: 65_000,
    clock: () => nowMs,
    schedule: createRoundsSchedule(rounds)(options),
    onRefusal: "continue",
    reachOnly: false,
  });
  let head = 0;
  while (!run.ended) {
    const wakeMs = run.poll(nowMs, nowMs);
    most = Math.max(most, run.remembered);
    nowMs = Math.max(nowMs + 0.25, Math.min(wakeMs, due[head]?.atMs ?? wakeMs));
    for (let next = due[head]; next !== undefined && next.atMs <= nowMs; next = due[head]) {
      head += 1;
      run.accept(answerTo(next.probe, next.atMs));
    }
    if (head > 10_000) {
      due.splice(0, head);
      head = 0;
    }
  }
  return { most, run };
}

/** Counting, not timing: a million probes take some seconds on a busy machine. */
const PATIENCE = { timeout: 120_000 };

describe("a run without end", () => {
  it("remembers a bounded number of probes over a million of them, and attributes each answer", PATIENCE, () => {
    const table = createRoundsTable();
    const { most } = play({
      probes: 1_000_000,
      rttMs: (_probe, at) => (at % 10 === 0 ? undefined : 5),
      onEvent: table.apply,
    });
    assert.ok(most <= 20_000, `${most} probes were remembered`);
    const [row] = table.rows();
    assert.deepEqual([row?.sent, row?.received, row?.dropped], [1_000_000, 900_000, 100_000]);
    assert.equal(row?.inFlight, 0);
    assert.equal(row?.history.length, 200);
  });

  it("still attributes an answer that comes seconds after its probe was given up", PATIENCE, () => {
    const late: number[] = [];
    play({
      probes: 40_000,
      rttMs: (_probe, at) => (at === 100 ? 9000 : at < 100 ? 1 : undefined),
      onEvent: (event) => {
        if (event.type === "late") late.push(event.probe.round);
      },
    });
    assert.deepEqual(late, [100]);
  });

  it("gives no sequence to a probe while another in flight bears it", PATIENCE, () => {
    const inFlight = new Set<number>();
    let clashes = 0;
    play({
      probes: 200_000,
      rttMs: (_probe, at) => (at % 3 === 0 ? undefined : 700),
      onEvent: (event) => {
        if (event.type === "stopped" || event.type === "late" || event.type === "duplicate") return;
        if (event.type !== "sent") inFlight.delete(event.probe.sequence);
        else if (inFlight.has(event.probe.sequence)) clashes += 1;
        else inFlight.add(event.probe.sequence);
      },
    });
    assert.equal(clashes, 0);
  });
});
