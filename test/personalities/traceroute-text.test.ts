import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTurnText, type HopStyle } from "../../cli/personalities/traceroute/hop-text.ts";
import { parseAddress, type Reply, type SweepTurn } from "../../core/mod.ts";

const PLAIN: HopStyle = { numeric: true, asPath: false, extensions: false, back: false, tcpInfo: false };

interface Answer extends Partial<Omit<Reply, "from">> {
  readonly from?: string;
  readonly rttMs?: number | undefined;
  readonly shrunkTo?: number;
  readonly tooBigHere?: number;
}

/** The line of one hop, whose probes were answered so; undefined: not at all. */
function line(answers: readonly (Answer | undefined)[], given: Partial<HopStyle> = {}, name?: string): string {
  const text = createTurnText({ ...PLAIN, ...given });
  const turns = answers.map((answer, query): SweepTurn => {
    const { from: address = "10.0.0.1", rttMs, shrunkTo, tooBigHere, ...more } = answer ?? {};
    const from = parseAddress(address);
    assert.ok(from);
    const isAnswered = answer !== undefined && tooBigHere === undefined && !("lost" in answer);
    const reply = isAnswered ? { sequence: 0, from, effect: "transit" as const, ...more } : undefined;
    const time = answer !== undefined && "rttMs" in answer ? rttMs : 1;
    return { hop: 4, query, reply, rttMs: reply && time, shrunkTo, tooBigHere, sentAtMs: 0 };
  });
  return turns.map((turn) => text(turn, { name, asNumbers: [64502, 64503] })).join("");
}

/** What stands behind the time. */
const markOf = (answer: Answer): string => line([answer]).replace(/^.* ms ?/s, "");

const unreachable = (code: number, more: Answer = {}): Answer => ({
  effect: "unreachable",
  icmp: { type: 3, code },
  ...more,
});

describe("the text of a hop, as traceroute writes it", () => {
  it("has the address once and a time for each answer", () => {
    assert.equal(line([{}, {}, {}]), "\n 4  10.0.0.1  1.000 ms  1.000 ms  1.000 ms");
  });

  it("has stars for lost probes, and no second address behind them", () => {
    assert.equal(line([undefined, {}, undefined]), "\n 4  * 10.0.0.1  1.000 ms *");
    assert.equal(line([{}, undefined, {}]), "\n 4  10.0.0.1  1.000 ms *  1.000 ms");
    assert.equal(line([undefined, undefined, undefined]), "\n 4  * * *");
  });

  it("has each responder where it first differs from the one before", () => {
    const other = { from: "10.0.0.2" };
    assert.equal(line([{}, other, other]), "\n 4  10.0.0.1  1.000 ms 10.0.0.2  1.000 ms  1.000 ms");
    assert.equal(line([{}, other, {}]), "\n 4  10.0.0.1  1.000 ms 10.0.0.2  1.000 ms 10.0.0.1  1.000 ms");
  });

  it("has names before the addresses, and addresses twice where there is no name", () => {
    assert.equal(line([{}], { numeric: false }, "r4.test"), "\n 4  r4.test (10.0.0.1)  1.000 ms");
    assert.equal(line([{}], { numeric: false }), "\n 4  10.0.0.1 (10.0.0.1)  1.000 ms");
  });

  it("has no name that could do harm", () => {
    assert.equal(line([{}], { numeric: false }, "\u001b[31mred"), "\n 4  \\x1b[31mred (10.0.0.1)  1.000 ms");
  });

  it("has a mark for each way in which there is no way on", () => {
    const marks = Array.from({ length: 17 }, (_, code) => markOf(unreachable(code, { mtu: 1400 })));
    assert.deepEqual(marks, "!N,!H,!P,,!F-1400,!S,!N,!H,!N,!X,!X,!N,!H,!X,!V,!C,!<16>".split(","));
    const six = (code: number): string =>
      markOf({ from: "2001:db8::1", effect: "unreachable", icmp: { type: 1, code } });
    assert.deepEqual([0, 1, 2, 3, 4, 5].map(six), ["!N", "!X", "!H", "!H", "", "!<5>"]);
    const tooBig = { from: "2001:db8::1", effect: "unreachable", icmp: { type: 2, code: 0 }, mtu: 1280 } as const;
    assert.equal(markOf(tooBig), "!F-1280");
    const problem = { effect: "unreachable", icmp: { type: 12, code: 1 } } as const;
    assert.equal(markOf(problem), "!<12-1>");
  });

  it("has the mark behind each time", () => {
    assert.equal(line([unreachable(1), unreachable(1)]), "\n 4  10.0.0.1  1.000 ms !H  1.000 ms !H");
  });

  it("has the size that packets had to shrink to, answered or not", () => {
    assert.equal(line([{ shrunkTo: 1400 }, {}]), "\n 4  10.0.0.1  1.000 ms F=1400  1.000 ms");
    const text = createTurnText(PLAIN);
    const lost = { hop: 1, query: 0, reply: undefined, rttMs: undefined, tooBigHere: undefined, sentAtMs: 0 };
    assert.equal(text({ ...lost, shrunkTo: 1500 }, { name: undefined, asNumbers: undefined }), "\n 1  * F=1500");
  });

  it("has no time where this host itself sends no such packet", () => {
    assert.equal(line([{ tooBigHere: 1500 }, { tooBigHere: 1500 }]), "\n 4  * !F-1500 * !F-1500");
  });

  it("has the label stack, again where it differs", () => {
    const top = { label: 339_234, trafficClass: 0, bottomOfStack: false, ttl: 1 };
    const bottom = { label: 16, trafficClass: 5, bottomOfStack: true, ttl: 254 };
    const labelled = { mpls: [top, bottom] };
    assert.equal(
      line([labelled, labelled, { mpls: [bottom] }], { extensions: true }),
      "\n 4  10.0.0.1 <MPLS:L=339234,E=0,S=0,T=1/L=16,E=5,S=1,T=254>  1.000 ms  1.000 ms 10.0.0.1 <MPLS:L=16,E=5,S=1,T=254>  1.000 ms",
    );
    assert.equal(line([labelled]), "\n 4  10.0.0.1  1.000 ms");
  });

  it("has the hops back where they are others than those out", () => {
    const back = { back: true };
    assert.equal(line([{ replyHopLimit: 252 }], back), "\n 4  10.0.0.1  1.000 ms");
    assert.equal(line([{ replyHopLimit: 58 }, { replyHopLimit: 58 }], back), "\n 4  10.0.0.1 '-7'  1.000 ms  1.000 ms");
    assert.equal(
      line([{ replyHopLimit: 61 }, { replyHopLimit: 58 }], back),
      "\n 4  10.0.0.1  1.000 ms 10.0.0.1 '-7'  1.000 ms",
    );
    assert.equal(line([{}], back), "\n 4  10.0.0.1  1.000 ms");
  });

  it("has what the target's port answered where that is asked for", () => {
    const open = { effect: "reached", mark: "open" } as const;
    assert.equal(line([open, open], { tcpInfo: true }), "\n 4  10.0.0.1 <syn,ack>  1.000 ms  1.000 ms");
    const closed = { effect: "reached", mark: "closed" } as const;
    assert.equal(line([closed], { tcpInfo: true }), "\n 4  10.0.0.1 <rst,ack>  1.000 ms");
    assert.equal(line([open]), "\n 4  10.0.0.1  1.000 ms");
  });

  it("has the networks of a responder", () => {
    assert.equal(line([{}], { asPath: true }), "\n 4  10.0.0.1 [AS64502/AS64503]  1.000 ms");
  });

  it("has no time that was not measured", () => {
    assert.equal(line([{ rttMs: undefined }]), "\n 4  10.0.0.1  ~");
  });
});
