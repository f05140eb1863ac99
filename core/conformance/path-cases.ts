import { SocketError } from "../errors.ts";
import { ICMP, ICMPV6, IP_PROTOCOL } from "../wire/mod.ts";
import type { PluginBenches } from "./bench.ts";
import type { ConformanceCase, Subject } from "./case.ts";
import { expectThat, fail } from "./expect.ts";
import { exchange, expectResponder, openSession, probe } from "./session.ts";

const UNREACHABLE_HOST = { 4: { type: 3, code: 1 }, 6: { type: 1, code: 3 } } as const;
const TIME_EXCEEDED = { 4: { type: 11, code: 0 }, 6: { type: 3, code: 0 } } as const;

/** How a plugin opens, and what it sees of a path. */
export const PATH_CASES: readonly ConformanceCase[] = [
  {
    name: "opens in one of the modes that it states, with no more privilege than that needs",
    situation: "plain",
    run(bench, { plugin, allows, expects }) {
      const fitting = plugin.modes?.filter(({ needs }) => allows.includes(needs));
      let mode: string;
      try {
        using session = openSession(plugin, bench);
        ({ mode } = session);
      } catch (error) {
        if (!(error instanceof SocketError)) throw error;
        const [able] = fitting ?? [];
        if (able !== undefined)
          fail(`open threw (${error.message}), though its mode "${able.name}" needs no more here`);
        if (allows.includes("raw")) fail(`open threw where the host allows everything: ${error.message}`);
        return;
      }
      if (expects.mode !== undefined) expectThat(mode === expects.mode, `its mode is "${mode}", not "${expects.mode}"`);
      if (fitting === undefined) return;
      const stated = fitting.map(({ name }) => `"${name}"`).join(", ") || "none";
      const isStated = fitting.some(({ name }) => mode.startsWith(name));
      expectThat(isStated, `its mode is "${mode}"; those it states for what this host allows: ${stated}`);
    },
  },
  {
    name: "sends nothing until asked to",
    situation: "plain",
    async run(bench, { plugin }) {
      using _session = openSession(plugin, bench);
      const arrival = await bench.network.receive(bench.network.nowMs() + 20);
      expectThat(arrival === undefined, "something came back before anything was to be sent");
      expectThat((bench.sent?.().length ?? 0) === 0, "open sent a packet");
    },
  },
  {
    name: "sees each hop and then the target",
    situation: "plain",
    async run(bench, { plugin, expects: { marks } }) {
      using session = openSession(plugin, bench);
      const last = bench.responders.length;
      for (let hopLimit = 1; hopLimit <= last; hopLimit++) {
        const { from, effect, icmp, mark, quotedHopLimit } = await exchange(
          bench,
          session,
          probe({ sequence: hopLimit, hopLimit }),
        );
        expectResponder(bench, { hopLimit }, from);
        const right = hopLimit === last ? "reached" : "transit";
        expectThat(
          effect === right,
          `the effect of the answer to hop limit ${hopLimit} is "${effect}", not "${right}"`,
        );
        if (hopLimit === last) {
          if (marks !== undefined) expectThat(mark === marks.plain, `the target's mark is ${mark}, not ${marks.plain}`);
          continue;
        }
        const exceeded = TIME_EXCEEDED[bench.target.address.family];
        expectThat(
          icmp?.type === exceeded.type && icmp.code === exceeded.code,
          "the reply of a router does not tell its ICMP type and code",
        );
        expectThat(quotedHopLimit === undefined || quotedHopLimit === 1, `quotedHopLimit is ${quotedHopLimit}, not 1`);
      }
    },
  },
  {
    name: "takes the target's own answer for reached",
    situation: "plain",
    obstacle: targetIsUnknown,
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const { from, effect, icmp } = await exchange(bench, session, probe({ sequence: 7, hopLimit: 30 }));
      expectResponder(bench, { hopLimit: 30 }, from);
      expectThat(effect === "reached", `the effect of the target's answer is "${effect}", not "reached"`);
      const { echoReply } = bench.target.address.family === 4 ? ICMP : ICMPV6;
      const isOwn = icmp === undefined || icmp.type === echoReply;
      expectThat(isOwn, `the target said by ICMP (type ${icmp?.type}, code ${icmp?.code}) that nobody there answers`);
    },
  },
  {
    name: "counts a target with closed ports as reached",
    situation: "closed",
    async run(bench, { plugin, expects: { marks } }) {
      using session = openSession(plugin, bench);
      const { from, effect, mark } = await exchange(bench, session, probe({ sequence: 7, hopLimit: 30 }));
      expectResponder(bench, { hopLimit: 30 }, from);
      expectThat(effect === "reached", `the effect of the target's refusal is "${effect}", not "reached"`);
      if (marks !== undefined) expectThat(mark === marks.closed, `the target's mark is ${mark}, not ${marks.closed}`);
    },
  },
  {
    name: "tells that a router knows no way on",
    situation: "unreachable",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const { from, effect, icmp } = await exchange(bench, session, probe({ sequence: 7, hopLimit: 30 }));
      expectResponder(bench, { hopLimit: bench.unreachableAt ?? 0 }, from);
      expectThat(effect === "unreachable", `the effect of "host unreachable" is "${effect}", not "unreachable"`);
      const { type, code } = UNREACHABLE_HOST[bench.target.address.family];
      const told = `the reply tells ICMP type ${icmp?.type}, code ${icmp?.code}, not ${type}, ${code}`;
      expectThat(icmp?.type === type && icmp.code === code, told);
    },
  },
  {
    name: "reports the labels that routers quote, and none where there are none",
    situation: "mpls",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      for (let hopLimit = 1; hopLimit < bench.responders.length; hopLimit++) {
        const { mpls = [] } = await exchange(bench, session, probe({ sequence: hopLimit, hopLimit }));
        const wanted = bench.mpls?.[hopLimit] ?? [];
        const isSame =
          mpls.length === wanted.length &&
          mpls.every(({ label, trafficClass, bottomOfStack, ttl }, at) => {
            const other = wanted[at];
            const isRest = bottomOfStack === other?.bottomOfStack && ttl === other.ttl;
            return label === other?.label && trafficClass === other.trafficClass && isRest;
          });
        const shown = (labels: readonly { readonly label: number }[]): string =>
          labels.map(({ label }) => label).join(", ") || "none";
        expectThat(isSame, `hop ${hopLimit} has the MPLS labels ${shown(wanted)}, and the reply says ${shown(mpls)}`);
      }
    },
  },
];

/** ICMP echo and TCP are answered by every host; what else a program there says, only its author knows. */
function targetIsUnknown({ protocol, speaks }: Subject, { serves }: PluginBenches): string | undefined {
  const answersByItself: readonly (number | undefined)[] = [
    undefined,
    IP_PROTOCOL.icmp,
    IP_PROTOCOL.icmpv6,
    IP_PROTOCOL.tcp,
  ];
  if (speaks ? serves.streams : serves.datagrams || answersByItself.includes(protocol)) return undefined;
  return 'the target only refuses: no "service" that answers it is exported or given';
}
