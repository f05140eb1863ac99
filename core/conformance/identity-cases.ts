import type { Reply } from "../probe.ts";
import type { ConformanceCase } from "./case.ts";
import { expectThat, fail } from "./expect.ts";
import { collect, exchange, expectResponder, flowsFor, openSession, probe } from "./session.ts";

const MANY_PROBES = 1000;

/** Which probe an answer belongs to, and whose. */
export const IDENTITY_CASES: readonly ConformanceCase[] = [
  {
    name: "names the right probe while the sequence wraps at 65,535",
    situation: "plain",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      for (const sequence of [65_533, 65_534, 65_535, 0, 1, 2]) {
        const hopLimit = 1 + (sequence % 3);
        const { from } = await exchange(bench, session, probe({ sequence, hopLimit }));
        expectResponder(bench, { hopLimit }, from);
      }
    },
  },
  {
    name: "tells apart as many probes in flight as it claims to bear, up to 1,000",
    situation: "plain",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const flows = flowsFor(session, MANY_PROBES);
      const hopLimits = new Map<number, number>();
      flows.forEach((flow, index) => {
        const hopLimit = 1 + (index % bench.responders.length);
        const sent = probe({ sequence: (65_000 + index) & 0xffff, hopLimit, flow, round: index % 5 });
        hopLimits.set(sent.sequence, hopLimit);
        session.send(sent);
      });
      const replies = await collect(bench, session, flows.length);
      for (const { sequence, from } of replies) {
        expectResponder(bench, { hopLimit: hopLimits.get(sequence) ?? 0 }, from);
      }
      const told = `of ${flows.length} probes under way, match knew the answers to ${replies.length}`;
      expectThat(replies.length === flows.length, told);
    },
  },
  {
    name: "keeps apart two traces to the same target that use the same sequences",
    situation: "plain",
    async run(bench, { plugin }) {
      using one = openSession(plugin, bench);
      using other = openSession(plugin, bench);
      const matched: Record<"one" | "other", Map<number, Reply>> = { one: new Map(), other: new Map() };
      const last = bench.responders.length;
      for (let hopLimit = 1; hopLimit <= last; hopLimit++) {
        one.send(probe({ sequence: hopLimit, hopLimit }));
        other.send(probe({ sequence: hopLimit, hopLimit: last + 1 - hopLimit }));
        const untilMs = bench.network.nowMs() + 500;
        while (!matched.one.has(hopLimit) || !matched.other.has(hopLimit)) {
          const arrival = await bench.network.receive(untilMs);
          if (arrival === undefined) break;
          const replies = { one: one.match(arrival), other: other.match(arrival) };
          if (replies.one !== undefined) matched.one.set(replies.one.sequence, replies.one);
          if (replies.other !== undefined) matched.other.set(replies.other.sequence, replies.other);
        }
      }
      for (const { sequence, from } of matched.one.values()) expectResponder(bench, { hopLimit: sequence }, from);
      for (const { sequence, from } of matched.other.values()) {
        expectResponder(bench, { hopLimit: last + 1 - sequence }, from);
      }
      const isAll = matched.one.size === last && matched.other.size === last;
      expectThat(
        isAll,
        `of ${last} probes each, they know the answers to ${matched.one.size} and ${matched.other.size}`,
      );
    },
  },
  {
    name: "claims nothing of another trace to the same target when it has sent nothing",
    situation: "plain",
    async run(bench, { plugin }) {
      using active = openSession(plugin, bench);
      using idle = openSession(plugin, bench);
      for (let hopLimit = 1; hopLimit <= bench.responders.length; hopLimit++) {
        active.send(probe({ sequence: hopLimit, hopLimit }));
        const untilMs = bench.network.nowMs() + 50;
        for (
          let arrival = await bench.network.receive(untilMs);
          arrival;
          arrival = await bench.network.receive(untilMs)
        ) {
          const reply = idle.matchForged(arrival);
          if (reply !== undefined) fail(`match took the answer to another trace's probe for that to ${reply.sequence}`);
        }
      }
    },
  },
  {
    name: "closes its sockets when disposed, and sends nothing more",
    situation: "plain",
    run(bench, { plugin }) {
      const before = bench.openSockets?.();
      const session = openSession(plugin, bench);
      session.send(probe({ sequence: 1 }));
      session[Symbol.dispose]();
      session[Symbol.dispose]();
      const left = (bench.openSockets?.() ?? 0) - (before ?? 0);
      expectThat(left === 0, `${left} of its sockets are open after it was disposed`);
      if (!throws(() => session.send(probe({ sequence: 2 })))) fail("send throws nothing after it was disposed");
    },
  },
];

function throws(run: () => void): boolean {
  try {
    run();
    return false;
  } catch {
    // What it throws is the plugin's own affair: nobody sends on a session that was closed.
    return true;
  }
}
