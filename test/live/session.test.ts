import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exitCodeOfTargets } from "../../cli/live/report.ts";
import type { Session } from "../../cli/live/session.ts";
import { RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import { atRound, play } from "./play.ts";

const isStuck = (session: Session): boolean => session.state().targets.some(({ phase }) => phase.type === "stuck");

const counts = (session: Session): string[] => {
  const [target] = session.state().targets;
  return (target?.run?.hops ?? []).map(({ row }) => `${row.hop}: ${row.received}/${row.sent}`);
};

describe("a live session", () => {
  it("measures by the first protocol of the ladder that arrives, and knows why not by others", async () => {
    const { session } = await play({ host: RESTRICTED });
    const [target] = session.state().targets;
    assert.equal(target?.run?.label, "tcp-syn:443");
    assert.deepEqual(
      target?.attempts.map(({ protocol, verdict }) => `${protocol} ${verdict}`),
      ["icmp denied", "udp denied", "tcp-syn reached"],
    );
    assert.deepEqual(target?.phase, { type: "finished" });
    assert.deepEqual(counts(session), ["1: 10/10", "2: 10/10", "3: 10/10", "4: 10/10"]);
    assert.equal(exitCodeOfTargets(session.targets), 0);
  });

  it("measures by the protocol asked for, and keeps at it where this host refuses it", async () => {
    const { session } = await play({
      host: RESTRICTED,
      options: { protocol: "icmp" },
      on: atRound(3, "p"),
    });
    const { run, attempts } = session.targets[0]?.state({ nameOf: () => undefined, originOf: () => undefined }) ?? {};
    assert.equal(run?.refusal, "EPERM: an OUTPUT rule drops it");
    assert.equal(run?.rounds, 10);
    assert.deepEqual(attempts, []);
    assert.equal(exitCodeOfTargets(session.targets), 3);
  });

  it("switches protocols by key without losing what was measured", async () => {
    const rounds: string[] = [];
    const first = atRound(4, "t");
    const second = atRound(6, "t");
    const { session, report } = await play({
      options: { protocol: "icmp" },
      on(observation, it) {
        const { protocol } = observation.key;
        if (protocol === "icmp") first(observation, it);
        else second(observation, it);
        if (rounds.at(-1) !== protocol) rounds.push(protocol);
      },
    });
    assert.deepEqual(rounds, ["icmp", "tcp-syn", "icmp"]);
    const [target] = session.state().targets;
    assert.equal(target?.run?.label, "icmp");
    assert.equal(target?.run?.rounds, 10);
    assert.deepEqual(target?.others, [{ label: "tcp-syn:443", rounds: 7 }]);
    assert.equal(target?.run?.hops[0]?.row.dropped, 0);
    assert.match(report(), /7 rounds by tcp-syn:443, 1 s each\n[\s\S]*10 rounds by icmp, 1 s each\n/);
  });

  it("takes what this host lets a socket open for", async () => {
    const { session } = await play({ host: UNPRIVILEGED, options: { protocol: "udp" }, on: atRound(2, "t") });
    assert.equal(session.state().targets[0]?.run?.label, "tcp-connect:443");
  });

  it("says so where a protocol is not possible, and waits for another one", async () => {
    const { session } = await play({
      host: UNPRIVILEGED,
      options: { protocol: "udp" },
      on: atRound(2, "P", "i", "c", "m", "p", "enter"),
      until: isStuck,
    });
    const [target] = session.state().targets;
    assert.equal(target?.run?.label, "icmp");
    assert.equal(target?.run?.mode, null);
    assert.equal(target?.phase.type, "stuck");
    assert.match(target?.run?.refusal ?? "", /^EPERM: a raw socket needs root or CAP_NET_RAW/);
    assert.equal(target?.others[0]?.label, "udp");
  });

  it("answers a protocol that there is not with a message", async () => {
    const { session } = await play({ on: atRound(2, "P", "x", "y", "enter") });
    assert.match(session.state().ui.message ?? "", /^Cannot use P xy: the protocols are icmp, /);
  });

  it("stands still while it is paused, and goes on measuring", async () => {
    const { session } = await play({ on: atRound(3, "p") });
    assert.equal(session.state().targets[0]?.run?.rounds, 4);
    session.press({ character: " " });
    assert.equal(session.state().targets[0]?.run?.rounds, 10);
    assert.deepEqual(counts(session), ["1: 10/10", "2: 10/10", "3: 10/10", "4: 10/10"]);
  });

  it("begins all numbers anew", async () => {
    const { session } = await play({ options: { protocol: "icmp" }, on: atRound(5, "r") });
    assert.deepEqual(counts(session), ["1: 10/10", "2: 10/10", "3: 10/10", "4: 10/10"]);
    const { row } = session.state().targets[0]?.run?.hops[0] ?? {};
    assert.deepEqual([row?.inFlight, row?.dropped, row?.abandoned], [0, 0, 0]);
  });

  it("changes hops, interval and packets by key", async () => {
    const { session } = await play({
      options: { protocol: "icmp" },
      on: atRound(2, "f", "3", "enter", "i", "2", "enter", "s", "9", "0", "enter", "Q", "8", "enter"),
    });
    const { tuning } = session;
    assert.deepEqual([tuning.firstHop, tuning.intervalMs, tuning.packetSize, tuning.trafficClass], [3, 2000, 90, 8]);
    const rows = session.state().targets[0]?.run?.hops.map(({ row }) => [row.hop, row.sent]) ?? [];
    assert.deepEqual(
      rows.map(([hop, sent]) => [hop, (sent ?? 0) > 5]),
      [
        [1, false],
        [2, false],
        [3, true],
        [4, true],
      ],
    );
  });

  it("says what packets cannot be made", async () => {
    const on = atRound(1, "s", "9", "0", "0", "enter");
    const { session } = await play({ options: { protocol: "tcp-connect" }, on, until: isStuck });
    const { phase } = session.state().targets[0] ?? {};
    assert.match(phase?.type === "stuck" ? phase.why : "", /^Cannot /);
  });

  it("measures several targets beside each other", async () => {
    const { session, report } = await play({ hosts: 3, options: { protocol: "icmp" } });
    assert.equal(session.state().targets.length, 3);
    for (const target of session.targets) assert.equal(target.watched()[0]?.table.rounds, 10);
    assert.equal(report().match(/^nettrace to host-\d\.test/gm)?.length, 3);
  });

  it("tells all that happens to whoever observes it", async () => {
    const types = new Map<string, number>();
    await play({
      options: { protocol: "icmp" },
      on: ({ event }) => void types.set(event.type, (types.get(event.type) ?? 0) + 1),
    });
    assert.deepEqual(Object.fromEntries(types), { sent: 40, reply: 40, stopped: 1 });
  });

  it("names responders, and keeps their addresses", async () => {
    const { session, report } = await play({ options: { protocol: "icmp", cycles: "3" } });
    session.state();
    await session.names.allSettled();
    const main = session.state().targets[0]?.run?.hops[0]?.responders[0];
    assert.equal(main?.name, "name-of-10.0.1.1");
    assert.match(report(), /name-of-10\.0\.1\.1 \(10\.0\.1\.1\)/);
    session.press({ character: "n" });
    assert.equal(session.state().targets[0]?.run?.hops[0]?.responders[0]?.name, undefined);
  });

  it("is stopped at any time", async () => {
    let stopping: Promise<void> | undefined;
    await play({
      options: { protocol: "icmp", cycles: "1000000" },
      on({ event }, session) {
        if (event.type !== "stopped" && event.probe.round === 3) stopping ??= session.stop();
      },
    });
    assert.ok(stopping);
    await stopping;
  });
});
