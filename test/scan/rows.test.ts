import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { jsonRow, type RowHead } from "../../cli/scan/rows.ts";
import { addressFromBytes, type ScanHop, type ScanRow } from "../../core/mod.ts";

const HEAD: RowHead = {
  protocol: "icmp",
  port: null,
  timeOf: (atMs) => new Date(atMs),
  isoTimeOf: (atMs) => new Date(atMs).toISOString(),
};
const ROUTER = addressFromBytes([192, 0, 2, 1]);
const TARGET = addressFromBytes([198, 51, 100, 7]);

function row(hops: readonly ScanHop[], durationMs = 1): ScanRow {
  return { position: 0, target: TARGET, outcome: "reached", startedAtMs: 0, endedAtMs: durationMs, hops };
}

function told(hop: Omit<ScanHop, "hop">): Record<string, unknown> {
  return JSON.parse(jsonRow(row([{ hop: 1, ...hop }]), HEAD)).hops[0];
}

describe("a row of JSON", () => {
  it("has times to the microsecond, as JSON itself writes them", () => {
    const times = [0, -0, 0.0004, 0.0005, 0.001, 0.01, 0.1, 0.999, 0.9996, 1, 1.05, 12.34, 999.9999, 1000, 123_456.789];
    for (let us = 0; us < 3000; us += 1) times.push(us / 1000, 7 + us / 1000 + 0.000_3);
    // Longer than anything lasts, and a clock that went back: nothing is made up of them.
    for (const ms of [...times, 3e6, 1e12 + 0.125, -0.25]) {
      const text = jsonRow(row([{ hop: 1, sent: 1, from: TARGET, effect: "reached", rttMs: ms }], ms), HEAD);
      const expected = JSON.stringify(Math.round(ms * 1000) / 1000);
      assert.equal(/"duration_ms":([^,]*)/.exec(text)?.[1], expected);
      for (const [, found] of text.matchAll(/"rtt_ms":([^,]*)/g)) assert.equal(found, expected);
    }
  });

  it("tells each answer's own: nothing of one before it that was much alike", () => {
    const base = { sent: 1, from: ROUTER, effect: "transit", rttMs: 1, icmp: { type: 11, code: 0 } } as const;
    const hops: readonly Omit<ScanHop, "hop">[] = [
      { ...base, replyHopLimit: 64, quotedHopLimit: 1 },
      { ...base, replyHopLimit: 64 },
      { ...base, quotedHopLimit: 64 },
      { ...base, quotedHopLimit: 0 },
      { ...base, replyHopLimit: 0 },
      { ...base, replyHopLimit: 255, quotedHopLimit: 255, icmp: { type: 255, code: 255 } },
      { ...base, replyHopLimit: 64, quotedHopLimit: 1, late: true },
      { ...base, replyHopLimit: 64, quotedHopLimit: 1, mtu: 1400 },
      { ...base, replyHopLimit: 64, quotedHopLimit: 1, mark: "odd" },
      { ...base, replyHopLimit: 64, quotedHopLimit: 1, sent: 2 },
      { ...base, replyHopLimit: 64, quotedHopLimit: 1, from: TARGET },
    ];
    for (const hop of [...hops, ...hops.toReversed()]) {
      assert.deepEqual(told(hop), {
        hop: 1,
        sent: hop.sent,
        address: hop.from?.text,
        rtt_ms: 1,
        late: hop.late === true,
        icmp: hop.icmp,
        mark: hop.mark ?? null,
        mtu: hop.mtu ?? null,
        reply_hop_limit: hop.replyHopLimit ?? null,
        quoted_hop_limit: hop.quotedHopLimit ?? null,
        mpls: [],
      });
    }
  });

  it("holds nothing that a terminal takes for more than text", () => {
    const mark = 'a\u001b[31m\u009bb\u202e\u00e9\n"\\';
    const text = jsonRow(row([{ hop: 1, sent: 1, from: TARGET, effect: "reached", mark }]), HEAD);
    assert.match(text, /^[ -~\u00e9]+\n$/);
    assert.equal(JSON.parse(text).hops[0].mark, mark);
  });
});
