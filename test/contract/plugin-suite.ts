import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Family } from "../../core/address.ts";
import { SocketError } from "../../core/errors.ts";
import type { ProbeSession, ProtocolPlugin } from "../../core/plugin.ts";
import type { Reply } from "../../core/probe.ts";
import { flowKey } from "../../core/sim/balance.ts";
import { parseIp } from "../../core/wire/mod.ts";
import { assertResponder, type Bench, collect, exchange, openOwned, type PluginBenches, probe } from "./bench.ts";
import { hostileContract } from "./hostile-suite.ts";

/** What differs from plugin to plugin. */
export interface PluginExpectations {
  /** `Reply.mark` of the target in the arrangements `plain` and `closed`. Default: none. */
  readonly marks?: { readonly plain: string; readonly closed: string };
  /** `path`: only flow 0 is held constant, since each other flow is used for one probe. Default `all`. */
  readonly constantFlows?: "all" | "path";
  /** The mode in which its sessions must run on these benches. */
  readonly mode?: string;
  /**
   * Families whose sockets report success where OUTPUT drops a packet (Linux: IPv6 ping sockets). The refusal must be
   * told all the same, by other evidence in place of the errno.
   */
  readonly silentDrops?: readonly Family[];
}

type Situation = Exclude<keyof PluginBenches, "families" | "recordsSent">;

const MANY_PROBES = 1000;
/** Flows that a plugin of few probes per flow has to bear beside each other. */
const MANY_FLOWS = 32;

/** Registers the tests that every plugin passes, on each of the arrangements given. */
export function pluginContract(
  name: string,
  given: ProtocolPlugin,
  benches: PluginBenches,
  expects: PluginExpectations = {},
): void {
  const plugin = withDefaults(given);
  for (const family of benches.families) {
    describe(`${name}, a plugin, over IPv${family}`, () => {
      const test = tester(benches, family);
      pathTests(test, plugin, expects);
      identityTests(test, plugin);
      flowTests(test, plugin, expects.constantFlows === "path" ? [0] : [0, 3]);
      refusalTests(test, plugin, expects.silentDrops?.includes(family) === true);
      hostileContract(test, plugin);
    });
  }
}

/** The plugin as the engine opens it: its own options have their defaults. */
function withDefaults(plugin: ProtocolPlugin): ProtocolPlugin {
  const presets = (plugin.options ?? []).flatMap(({ name, default: preset }) =>
    preset === undefined ? [] : [[name, preset] as const],
  );
  const values = Object.fromEntries(presets);
  return {
    ...plugin,
    open: (network, target, options) => plugin.open(network, target, { plugin: values, ...options }),
  };
}

/** Registers one test on a fresh bench, or reports it skipped where that arrangement cannot be made. */
export type Tester = (
  situation: Situation,
  name: string,
  body: (bench: Bench) => Promise<void> | void,
  needs?: "sent",
) => void;

function tester(benches: PluginBenches, family: Family): Tester {
  return (situation, name, body, needs) => {
    const make = benches[situation];
    if (make === undefined) {
      it(name, { skip: `no arrangement "${situation}" on this network` }, () => undefined);
      return;
    }
    if (needs === "sent" && !benches.recordsSent) {
      it(name, { skip: "this network does not tell what left" }, () => undefined);
      return;
    }
    it(name, async () => {
      const bench = await make(family);
      using _network = bench.network;
      await body(bench);
    });
  };
}

function pathTests(test: Tester, plugin: ProtocolPlugin, { marks, mode }: PluginExpectations): void {
  test("plain", "opens in the mode expected and sends nothing until asked to", async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    if (mode !== undefined) assert.equal(session.mode, mode);
    assert.equal(await bench.network.receive(bench.network.nowMs() + 20), undefined);
    if (bench.sent !== undefined) assert.equal(bench.sent().length, 0);
  });

  test("plain", "sees each hop and then the target", async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    for (let hopLimit = 1; hopLimit <= bench.responders.length; hopLimit++) {
      const reply = await exchange(bench, session, probe({ sequence: hopLimit, hopLimit }));
      assertResponder(bench, hopLimit, reply.from);
      const isTarget = hopLimit === bench.responders.length;
      assert.equal(reply.effect, isTarget ? "reached" : "transit");
      if (isTarget) assert.equal(reply.mark, marks?.plain);
      if (!isTarget) assert.deepEqual(reply.icmp, { type: bench.target.address.family === 4 ? 11 : 3, code: 0 });
      if (!isTarget && reply.quotedHopLimit !== undefined) assert.equal(reply.quotedHopLimit, 1);
    }
  });

  test("closed", "counts a target with closed ports as reached", async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    const reply = await exchange(bench, session, probe({ sequence: 7, hopLimit: 30 }));
    assert.equal(reply.effect, "reached");
    assert.equal(reply.mark, marks?.closed);
    assertResponder(bench, bench.responders.length, reply.from);
  });

  test("unreachable", "tells that a router knows no way on", async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    const reply = await exchange(bench, session, probe({ sequence: 7, hopLimit: 30 }));
    assert.equal(reply.effect, "unreachable");
    assert.deepEqual(reply.icmp, bench.target.address.family === 4 ? { type: 3, code: 1 } : { type: 1, code: 3 });
    assertResponder(bench, bench.unreachableAt ?? 0, reply.from);
  });

  test("mpls", "reports the labels that routers quote, and none where there are none", async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    for (let hopLimit = 1; hopLimit < bench.responders.length; hopLimit++) {
      const reply = await exchange(bench, session, probe({ sequence: hopLimit, hopLimit }));
      assert.deepEqual(reply.mpls ?? [], bench.mpls?.[hopLimit] ?? []);
    }
  });
}

function identityTests(test: Tester, plugin: ProtocolPlugin): void {
  test("plain", "names the right probe while the sequence wraps", async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    for (const sequence of [65_533, 65_534, 65_535, 0, 1, 2]) {
      const reply = await exchange(bench, session, probe({ sequence, hopLimit: 1 + (sequence % 3) }));
      assertResponder(bench, 1 + (sequence % 3), reply.from);
    }
  });

  test("plain", "tells apart as many probes in flight as it claims to bear", async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    const perFlow = session.probesPerFlow ?? MANY_PROBES;
    const count = Math.min(MANY_PROBES, perFlow * MANY_FLOWS);
    const hopLimits = new Map<number, number>();
    for (let index = 0; index < count; index++) {
      const sent = probe({
        sequence: (65_000 + index) & 0xffff,
        hopLimit: 1 + (index % bench.responders.length),
        flow: Math.floor(index / perFlow),
        round: index % 5,
      });
      hopLimits.set(sent.sequence, sent.hopLimit);
      session.send(sent);
    }
    const replies = await collect(bench, session, count);
    assert.equal(new Set(replies.map(({ sequence }) => sequence)).size, count);
    for (const { sequence, from } of replies) assertResponder(bench, hopLimits.get(sequence) ?? 0, from);
  });

  test("plain", "keeps apart two traces to the same target that use the same sequences", async (bench) => {
    using one = openOwned(plugin, bench);
    using other = openOwned(plugin, bench);
    const matched: Record<"one" | "other", Map<number, Reply>> = { one: new Map(), other: new Map() };
    const last = bench.responders.length;
    for (let hopLimit = 1; hopLimit <= last; hopLimit++) {
      one.session.send(probe({ sequence: hopLimit, hopLimit }));
      other.session.send(probe({ sequence: hopLimit, hopLimit: last + 1 - hopLimit }));
      const untilMs = bench.network.nowMs() + 500;
      while (!matched.one.has(hopLimit) || !matched.other.has(hopLimit)) {
        const arrival = await bench.network.receive(untilMs);
        if (arrival === undefined) break;
        const replies = { one: one.match(arrival), other: other.match(arrival) };
        if (replies.one !== undefined) matched.one.set(replies.one.sequence, replies.one);
        if (replies.other !== undefined) matched.other.set(replies.other.sequence, replies.other);
      }
    }
    assert.deepEqual([matched.one.size, matched.other.size], [last, last]);
    for (const { sequence, from } of matched.one.values()) assertResponder(bench, sequence, from);
    for (const { sequence, from } of matched.other.values()) assertResponder(bench, last + 1 - sequence, from);
  });

  test("plain", "claims nothing of another trace to the same target when it has sent nothing", async (bench) => {
    using active = openOwned(plugin, bench);
    using idle = openOwned(plugin, bench);
    for (let hopLimit = 1; hopLimit <= bench.responders.length; hopLimit++) {
      active.session.send(probe({ sequence: hopLimit, hopLimit }));
      const untilMs = bench.network.nowMs() + 50;
      for (
        let arrival = await bench.network.receive(untilMs);
        arrival;
        arrival = await bench.network.receive(untilMs)
      ) {
        assert.equal(idle.match(arrival), undefined);
      }
    }
  });

  test("plain", "closes its sockets when disposed, and sends nothing more", (bench) => {
    const before = bench.openSockets?.();
    const session = plugin.open(bench.network, bench.target, {});
    session.send(probe({ sequence: 1 }));
    session[Symbol.dispose]();
    session[Symbol.dispose]();
    if (bench.openSockets !== undefined) assert.equal(bench.openSockets(), before);
    assert.throws(() => session.send(probe({ sequence: 2 })), Error);
  });
}

/** What left, on a bench that promised to tell. */
function sentOn(bench: Bench): readonly { readonly packet: Uint8Array }[] {
  assert.ok(bench.sent !== undefined, "the bench tells what left");
  return bench.sent();
}

/** All that a balancer might hash, of every packet sent so far. */
function flowsSent(bench: Bench): readonly string[] {
  return sentOn(bench).map(({ packet }) => {
    const ip = parseIp(packet);
    assert.ok(ip, "what left is an IP packet");
    return `${flowKey(ip, { icmp: true })} class ${ip.trafficClass} label ${ip.flowLabel}`;
  });
}

function flowTests(test: Tester, plugin: ProtocolPlugin, flows: readonly number[]): void {
  test(
    "plain",
    "looks the same to a balancer in one flow, whatever sequence, hop limit and round",
    (bench) => {
      for (const flow of flows) {
        using session = plugin.open(bench.network, bench.target, {});
        const before = sentOn(bench).length;
        const sequences = [0, 1, 2, 255, 256, 257, 32_767, 32_768, 65_279, 65_534, 65_535];
        for (let index = 0; index < 64; index++) sequences.push((index * 1021 + 5) & 0xffff);
        sequences.forEach((sequence, index) => {
          session.send(probe({ sequence, hopLimit: 1 + (index % 3), flow, round: index % 4 }));
        });
        const seen = flowsSent(bench).slice(before);
        assert.equal(seen.length, sequences.length);
        assert.deepEqual([...new Set(seen)], [seen[0]]);
      }
    },
    "sent",
  );

  test(
    "plain",
    "looks different to a balancer in different flows",
    (bench) => {
      using session = plugin.open(bench.network, bench.target, {});
      const count = 16;
      for (let flow = 0; flow < count; flow++) session.send(probe({ sequence: flow, flow }));
      assert.equal(new Set(flowsSent(bench)).size, count);
    },
    "sent",
  );

  test(
    "plain",
    "sends packets with the hop limit asked for and right checksums",
    async (bench) => {
      using session = plugin.open(bench.network, bench.target, {});
      for (const hopLimit of [1, 2, 64, 255]) {
        session.send(probe({ sequence: hopLimit, hopLimit, flow: hopLimit }));
        const ip = parseIp(sentOn(bench).at(-1)?.packet ?? new Uint8Array(0));
        assert.equal(ip?.hopLimit, hopLimit);
      }
      // A wrong checksum is what no target answers.
      const replies = await collect(bench, session, 4);
      assert.equal(replies.length, 4);
    },
    "sent",
  );
}

function refusalTests(test: Tester, plugin: ProtocolPlugin, isDropSilent: boolean): void {
  test("prohibited", "throws the errno of a route that prohibits sending", (bench) => {
    assert.throws(
      () => {
        using session = plugin.open(bench.network, bench.target, {});
        session.send(probe({ sequence: 1 }));
      },
      (error) => {
        assert.ok(error instanceof SocketError);
        assert.equal(error.errno, "EACCES");
        assert.ok(["route", "send", "connect"].includes(error.stage));
        return true;
      },
    );
    if (bench.openSockets !== undefined) assert.equal(bench.openSockets(), 0);
  });

  test("noSockets", "throws, and leaves nothing open, where the kernel opens no socket", (bench) => {
    assert.throws(
      () => {
        using session = plugin.open(bench.network, bench.target, {});
        session.send(probe({ sequence: 1 }));
      },
      (error) => error instanceof SocketError && error.stage === "socket" && error.errno !== null,
    );
    if (bench.openSockets !== undefined) assert.equal(bench.openSockets(), 0);
  });

  test("dropped", "tells that this host drops its probes, at once or when asked", async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    if (session.hiddenRefusal === undefined) {
      assert.throws(
        () => session.send(probe({ sequence: 1 })),
        (error) => {
          assert.ok(error instanceof SocketError, String(error));
          assert.equal(error.stage, "send");
          if (isDropSilent && error.errno === null) assert.ok(error.evidence, "evidence in place of the errno");
          else assert.equal(error.errno, "EPERM");
          return true;
        },
      );
      return;
    }
    session.send(probe({ sequence: 1 }));
    const refusals = await askForRefusals(bench, session);
    assert.ok(refusals.some((each) => each instanceof SocketError));
  });

  test("silent", "takes no silence of the network for a refusal of this host", async (bench) => {
    using session = plugin.open(bench.network, bench.target, {});
    session.send(probe({ sequence: 1, hopLimit: 64 }));
    const refusals = await askForRefusals(bench, session);
    assert.ok(refusals.every((each) => each === undefined));
  });
}

/** What the session says each time that it asks to be asked. */
async function askForRefusals(bench: Bench, session: ProbeSession): Promise<readonly (SocketError | undefined)[]> {
  const startMs = bench.network.nowMs();
  const answers: (SocketError | undefined)[] = [];
  for (const atMs of session.hiddenRefusalAtMs ?? []) {
    while ((await bench.network.receive(startMs + atMs)) !== undefined);
    answers.push(session.hiddenRefusal?.());
  }
  return answers;
}
