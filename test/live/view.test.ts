import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cut, lineText, paintLine, widthOf, wrapLine } from "../../cli/live/line.ts";
import { parseThresholds } from "../../cli/live/thresholds.ts";
import { PANES } from "../../cli/live/ui.ts";
import { returnLength } from "../../cli/live/view/detail.ts";
import { screenLines } from "../../cli/live/view/screen.ts";
import type { Attempt } from "../../core/mod.ts";
import { createPath } from "../../core/mod.ts";
import * as paths from "../../core/sim/topologies.ts";
import type { Hop, Topology } from "../../core/sim/topology.ts";
import { hopLine, LARGE, SMALL, stateOf, targetState, textOf } from "./scene.ts";

/** Six hops; the second and third are two routers each, by flow. */
function wide(): Topology {
  const { hops, target } = paths.plain(6);
  const pair = (hop: number): Hop => ({
    routers: [paths.router(hop), paths.router(hop, {}, 1)],
    balance: "per-flow",
  });
  return { hops: hops.with(1, pair(2)).with(2, pair(3)), target };
}

describe("the live table", () => {
  it("shows every hop with its numbers and its history", async () => {
    const text = textOf(stateOf([await targetState({ topology: paths.plain(4), rounds: 12 })]));
    const lines = text.split("\n");
    assert.equal(lines[0], `dst.test (198.51.100.10)${" ".repeat(42)}0:12  03:04:05`);
    assert.equal(lines[1], "icmp (raw), 12 rounds of 1 s");
    assert.match(lines[2] ?? "", /^\? help {2}q quit/);
    assert.match(lines[3] ?? "", /^ {2}# {2}Host +Loss% +Here% +Snt +Last +Avg +Best +Wrst +StDev/);
    assert.match(hopLine(text, 1), /^ {2}1\. 10\.0\.1\.1 +0\.0 +12 +2\.00 +2\.00 +2\.00 +2\.00 +0\.00 ▁{11}$/);
    assert.match(hopLine(text, 4), /^ {2}4\. 198\.51\.100\.10 +0\.0 +12 +8\.00/);
    assert.equal(hopLine(text, 5), "");
    assert.equal(lines.length, 8);
  });

  it("shows more of everything on a large screen", async () => {
    const text = textOf(stateOf([await targetState({ topology: paths.plain(4), rounds: 60 })]), LARGE);
    assert.match(text, /StDev {2}Jttr {2}Javg {2}Jmax History {2}▁ 2\.00 {2}█ 16\.0 ms {2}× lost/);
    assert.match(hopLine(text, 1), /▁{60}$/);
    assert.match(text, /tcp {2}u udp {2}r reset$/m);
  });

  it("tells loss of the path from answers that a router alone keeps back", async () => {
    const limited = await targetState({ topology: paths.rateLimited(), rounds: 60 });
    const rows = textOf(stateOf([limited]));
    assert.match(hopLine(rows, 3), /^ {2}3\. 10\.0\.3\.1 +0\.0 /, "nothing limits one probe a second");
    const { hops, target } = paths.plain(5);
    const mute = {
      hops: hops.with(2, { routers: [paths.router(3, { icmpRateLimit: { perSecond: 0.5, burst: 1 } })] }),
      target,
    };
    const text = textOf(stateOf([await targetState({ topology: mute, rounds: 60 })]));
    assert.match(hopLine(text, 3), /^ {2}3\. 10\.0\.3\.1 +0\.0 +5\d\.\d +60/);
    assert.match(hopLine(text, 4), /^ {2}4\. 10\.0\.4\.1 +0\.0 {7} +60/);
    const lossy = await targetState({ topology: paths.lossy(0.3), rounds: 60 });
    const lost = textOf(stateOf([lossy]));
    for (const hop of [3, 4, 5, 6]) assert.match(hopLine(lost, hop), /^ {2}\d\. \S+ +[!+][1-5]\d\.\d {7} +60/);
    assert.match(hopLine(lost, 6), /×/);
  });

  it("says nothing of loss at a hop that never answers while others behind it do", async () => {
    const { hops, target } = paths.plain(4);
    const topology = { hops: hops.with(1, { routers: [paths.router(2, { silent: true })] }), target };
    const text = textOf(stateOf([await targetState({ topology, rounds: 10 })]));
    assert.match(hopLine(text, 2), /^ {2}2\. \?\?\? +- +100\.0 +10 +- +- +- +- +- ×{8,}/);
  });

  it("shows names, names with addresses, or addresses", async () => {
    const names = { "10.0.1.1": "gw.example", "198.51.100.10": "a-very-long-name-of-a-host.in-some.provider.example" };
    const target = await targetState({ topology: paths.plain(2), names, rounds: 3 });
    assert.match(hopLine(textOf(stateOf([target])), 1), /^ {2}1\. gw\.example +0\.0/);
    assert.match(hopLine(textOf(stateOf([target], { hasBoth: true }), LARGE), 1), /gw\.example \(10\.0\.1\.1\) +0\.0/);
    assert.match(hopLine(textOf(stateOf([target], { hasNames: false })), 1), /^ {2}1\. 10\.0\.1\.1 +0\.0/);
    assert.match(hopLine(textOf(stateOf([target])), 2), /^ {2}2\. a-very-long-name-o +0\.0/);
  });

  it("lists all responders of a hop that is expanded, and their number where it is not", async () => {
    const target = await targetState({ topology: wide(), protocol: "udp", flow: "vary", rounds: 30 });
    assert.match(hopLine(textOf(stateOf([target])), 2), /^ {2}2\. 10\.0\.2\.[12] \+1 /);
    const text = textOf(stateOf([target], { expanded: new Set([2]) }));
    assert.match(text, /^ {5}10\.0\.2\.[12] +\d+% of its answers$/m);
    assert.doesNotMatch(text, /^ {5}10\.0\.3\.\d/m);
    assert.match(textOf(stateOf([target], { expanded: "all" })), /^ {5}10\.0\.3\.[12] +\d+% of its answers$/m);
  });

  it("shows labels, networks and marks", async () => {
    const origins = { "10.0.1.1": { asns: [64_500, 64_501], holder: "Example\x1b[31m AS", prefix: "10.0.0.0/16" } };
    const target = await targetState({ topology: paths.mpls(), origins, protocol: "tcp-syn", rounds: 3 });
    const text = textOf(stateOf([target], { origin: "number" }));
    assert.match(text, /^ {6}\[MPLS: Lbl 339234 TC 0 S 0 TTL 1\]$/m);
    assert.match(hopLine(text, 1), /10\.0\.1\.1 +AS64500\/AS /);
    assert.match(hopLine(text, 2), /10\.0\.2\.1 +AS\?\?\? /);
    assert.match(hopLine(text, 6), /198\.51\.10\S* open /);
    assert.doesNotMatch(textOf(stateOf([target], { hasMpls: false })), /MPLS/);
    assert.match(hopLine(textOf(stateOf([target], { origin: "holder" }), LARGE), 1), /Example\\x1b\[31m AS/);
    const prefixes = textOf(stateOf([target], { origin: "prefix" }));
    assert.match(prefixes, / Prefix +Loss%/);
    assert.match(hopLine(prefixes, 1), / 10\.0\.0\.0\/16 /);
    assert.match(hopLine(textOf(stateOf([target], { origin: "allocated" })), 1), / \?\?\? /);
    const refused = await targetState({ topology: paths.unreachable(), rounds: 3 });
    assert.match(hopLine(textOf(stateOf([refused])), 4), /^ {2}4\. 10\.0\.3\.1 !H /);
  });

  it("lets nothing foreign reach the terminal", async () => {
    const names = { "10.0.1.1": "evil\x1b]0;title\x07\u202e\n.example", "10.0.2.1": "日本語.example" };
    const target = { ...(await targetState({ topology: paths.plain(3), names, rounds: 3 })), host: "h\x1b[2J" };
    for (const pane of PANES) {
      const lines = screenLines(stateOf([target, target], { pane, hasBoth: true, chosen: 1 }), LARGE);
      for (const line of lines) assert.doesNotMatch(lineText(line), /[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
    }
    assert.match(textOf(stateOf([target]), LARGE), /evil\\x1b\]0;title\\x07\\u\{202e\}\\x0a\.example/);
  });

  it("keeps the chosen hop in sight where there are more than fit", async () => {
    const target = await targetState({ topology: paths.plain(28), rounds: 2 });
    assert.equal(hopLine(textOf(stateOf([target])), 28), "");
    const text = textOf(stateOf([target], { chosen: 28 }));
    assert.match(hopLine(text, 28), /^>28\. /);
    assert.equal(hopLine(text, 1), "");
  });

  it("can be read without colour and without block elements", async () => {
    const target = await targetState({ topology: paths.lossy(0.3), rounds: 40 });
    const plain = textOf(stateOf([target], {}, { hasUnicode: false }));
    assert.doesNotMatch(plain, /[^\x20-\x7e\n]/);
    assert.match(hopLine(plain, 6), /!\d\d\.\d .* [1-8x]{8,}$/);
    const colored = stateOf([target], {}, { hasColor: true });
    const lines = screenLines(colored, SMALL);
    const row = lines.find((line) => lineText(line).startsWith("  6. ")) ?? [];
    assert.doesNotMatch(lineText(row), /!/);
    assert.match(paintLine(row, true), /\x1b\[31m +\d\d\.\d\x1b\[39m.*\x1b\[35m×+\x1b\[39m/);
    assert.doesNotMatch(paintLine(row, false), /\x1b/);
  });

  it("colours by the thresholds given", async () => {
    const target = await targetState({ topology: paths.plain(4), rounds: 3 });
    const thresholds = parseThresholds("rtt=3:7");
    const text = textOf(stateOf([target], {}, { thresholds }));
    assert.match(hopLine(text, 1), / 2\.00 /);
    assert.match(hopLine(text, 2), / \+4\.00 /);
    assert.match(hopLine(text, 4), / !8\.00 /);
  });

  it("shows the columns asked for, those of jitter, and as many as fit", async () => {
    const target = await targetState({ topology: paths.plain(2), rounds: 3 });
    assert.match(textOf(stateOf([target], { columns: { order: "RVL" } })), /Rcv StDev Loss% /);
    assert.match(
      textOf(stateOf([target], { columns: "jitter" })),
      /Loss% Here% Drop {2}Rcv {3}Avg Gmean {2}Jttr {2}Javg/,
    );
    const narrow = textOf(stateOf([target]), { columns: 50, rows: 10 });
    assert.match(narrow, /Loss% {2}Last/);
    for (const columns of [1, 5, 12, 20, 33, 46, 64, 99, 130, 300]) {
      for (const rows of [1, 2, 3, 5, 8, 13, 40]) {
        for (const pane of PANES) textOf(stateOf([target, target], { pane, origin: "number" }), { columns, rows });
      }
    }
  });

  it("draws long histories, in blocks or digits", async () => {
    const target = await targetState({ topology: paths.lossy(0.2), rounds: 60 });
    assert.match(hopLine(textOf(stateOf([target], { display: "history" })), 6), /^ {2}6\. \S+ +\S+ +\S+ [▁-█×]{30,}$/);
    assert.match(hopLine(textOf(stateOf([target], { display: "levels" })), 6), /^ {2}6\. \S+ +\S+ +\S+ [1-8x]{30,}$/);
  });
});

describe("the header of the live screen", () => {
  const attempt = (index: number, protocol: string, more: Partial<Attempt>): Attempt => ({
    index,
    protocol,
    port: null,
    mode: "raw",
    verdict: undefined,
    stage: null,
    errno: null,
    reason: "",
    path: createPath(),
    refusedSends: 0,
    unattributed: 0,
    startedMs: 0,
    durationMs: undefined,
    ...more,
  });

  it("says by which protocol, and why not by others", async () => {
    const refused = { verdict: "denied", stage: "send", errno: "EPERM", reason: "an OUTPUT rule drops it" } as const;
    const target = {
      ...(await targetState({ topology: paths.plain(3), protocol: "tcp-syn", rounds: 3 })),
      attempts: [attempt(0, "icmp", refused), attempt(1, "udp", refused)],
      others: [{ label: "icmp", rounds: 7 }],
    };
    const [, second, third] = textOf(stateOf([target])).split("\n");
    assert.equal(second, "tcp-syn:443 (raw), 3 rounds of 1 s; icmp and udp are refused by this host");
    assert.equal(third, "(EPERM: an OUTPUT rule drops it); kept: icmp 7");
  });

  it("says what is tried while no protocol is found, and that none is left", async () => {
    const target = await targetState({ topology: paths.plain(3), rounds: 1 });
    const { run: _run, ...rest } = target;
    const searching = {
      ...rest,
      run: undefined,
      phase: { type: "searching" },
      attempts: [attempt(0, "icmp", {})],
    } as const;
    assert.match(textOf(stateOf([searching])), /^looking for a protocol that arrives: icmp \.\.\.$/m);
    const stuck = { ...rest, run: undefined, phase: { type: "stuck", why: "every protocol" } } as const;
    assert.match(textOf(stateOf([stuck])), /^refused here: every protocol$/m);
    assert.match(textOf(stateOf([stuck])), /u t P: another protocol {3}a: try all again {3}q: quit$/m);
  });

  it("says that this host refuses the protocol in use", async () => {
    const host = { output: [{ match: { protocols: ["icmp"] }, action: { do: "drop" } }] } as never;
    const target = await targetState({ topology: paths.plain(3), host, rounds: 2 });
    assert.match(
      textOf(stateOf([target])),
      /^icmp \(raw\), 2 rounds of 1 s; refused here: EPERM: an OUTPUT rule drops it$/m,
    );
  });

  it("has a tab for each target, with the loss of each", async () => {
    const first = await targetState({ topology: paths.plain(3), rounds: 5 });
    const second = { ...(await targetState({ topology: paths.lossy(0.5), rounds: 40 })), host: "other.test" };
    const text = textOf(stateOf([first, second], { tab: 1 }));
    assert.match(text, /^ 1 dst\.test 0% {3}2\*other\.test \d\d%$/m);
    assert.match(text, /^other\.test \(198/);
  });

  it("says that it stands still", async () => {
    const target = await targetState({ topology: paths.plain(3), rounds: 1 });
    assert.match(textOf(stateOf([target], { isPaused: true })), /^dst\.test .* PAUSED\n/);
  });
});

describe("the panes of the live screen", () => {
  it("tell all that is known of a hop", async () => {
    const topology = { ...paths.mpls() };
    const text = textOf(stateOf([await targetState({ topology, rounds: 10 })], { pane: "detail", chosen: 2 }));
    assert.match(text, /^── hop 2 {2}10\.0\.2\.1: details ─+$/m);
    assert.match(text, /^sent 10 {2}answered 10 {2}lost 0 {2}in flight 0$/m);
    assert.match(text, /^ms {2}last 4\.00 {2}best 4\.00 {2}avg 4\.00 {2}worst 4\.00 {2}stdev 0\.00 {2}gmean 4\.00$/m);
    assert.match(text, /^answers: time exceeded \(11\/0\) 10$/m);
    assert.match(
      text,
      /^\* 10\.0\.2\.1 {2}100 % \(10\) {2}hop limit \d+, so about \d hops back {2}quoted hop limit 1/m,
    );
  });

  it("know how long the way back is by where hosts start", () => {
    assert.deepEqual([64, 61, 128, 120, 255, 250].map(returnLength), [1, 4, 1, 9, 1, 6]);
  });

  it("draw the times of a hop, and what was lost", async () => {
    const target = await targetState({ topology: paths.lossy(0.3), rounds: 40 });
    const text = textOf(stateOf([target], { pane: "chart", chosen: 6 }));
    assert.match(text, /^ {3}20\.0 │/m);
    assert.match(text, /^ {3}0 ms │[█×]+$/m);
    assert.match(text, /^ {9}40 rounds, 40 s$/m);
  });

  it("count how many answers took how long", async () => {
    const target = await targetState({ topology: paths.plain(4), rounds: 20 });
    const text = textOf(stateOf([target], { pane: "histogram", chosen: 3 }));
    assert.match(text, /^ +5\.\d+ - 6\.\d+ ms +█+ 20 \(100%\)$/m);
  });

  it("say so where nothing was measured", async () => {
    const { hops, target } = paths.plain(4);
    const topology = { hops: hops.with(1, { routers: [paths.router(2, { silent: true })] }), target };
    const state = await targetState({ topology, rounds: 3 });
    for (const pane of ["detail", "histogram"] as const) {
      assert.match(textOf(stateOf([state], { pane, chosen: 2 })), /^no time was measured$/m);
    }
  });
});

describe("help, prompts and messages of the live screen", () => {
  it("fit into 80 columns and 24 rows", async () => {
    const target = await targetState({ topology: paths.plain(2), rounds: 1 });
    const text = textOf(stateOf([target], { isHelp: true }));
    assert.equal(text.split("\n").filter((line) => line !== "").length, 21);
    assert.match(text, /any key: back$/);
  });

  it("stand above the table", async () => {
    const target = await targetState({ topology: paths.plain(2), rounds: 1 });
    const prompt = { key: "i", question: "Interval, seconds (1): ", text: "0.5" };
    assert.match(textOf(stateOf([target], { prompt })), /\nInterval, seconds \(1\): 0\.5_$/m);
    assert.match(textOf(stateOf([target], { message: "Done" })), /^Done$/m);
    assert.match(
      textOf(stateOf([target], {}, { hasKeys: false })),
      /^standard input is no terminal: no keys; Ctrl-C ends it$/m,
    );
  });
});

describe("lines", () => {
  it("are cut and measured by columns, whatever is in them", () => {
    assert.equal(widthOf("日本"), 4);
    assert.equal(cut("日本語", 5), "日本");
    assert.equal(cut("e\u0301a", 1), "e\u0301");
    assert.equal(widthOf("▁█×│"), 4);
    const wrapped = wrapLine([{ text: "one two " }, { text: "three four", tone: "bad" }], 9, 2);
    assert.deepEqual(wrapped.map(lineText), ["one two", "three fou"]);
  });
});
