import type { Reply } from "../probe.ts";
import { flowKey } from "../sim/balance.ts";
import { trace } from "../tracer/trace.ts";
import { IP_PROTOCOL, parseIp } from "../wire/mod.ts";
import type { Bench } from "./bench.ts";
import type { ConformanceCase, Subject } from "./case.ts";
import { expectThat, fail, reasonOf } from "./expect.ts";
import { collect, exchange, expectResponder, openSession, probe } from "./session.ts";

/** The balanced arrangement's hop with several routers. */
const BALANCED_HOP = 2;
/** So many flows miss a second router of three once in 3^31 times. */
const FLOWS = 32;

/** How load balancers see its probes. */
export const FLOW_CASES: readonly ConformanceCase[] = [
  {
    name: "looks the same to a balancer in one flow, whatever sequence, hop limit and round",
    situation: "plain",
    needs: "sent",
    run(bench, { plugin }) {
      for (const flow of [0, 3]) {
        using session = openSession(plugin, bench);
        // Each flow but the path's own is used once where a flow bears one probe.
        if (flow !== 0 && session.probesPerFlow === 1) continue;
        const before = sentOn(bench).length;
        const sequences = [0, 1, 2, 255, 256, 257, 32_767, 32_768, 65_279, 65_534, 65_535];
        for (let index = 0; index < 64; index++) sequences.push((index * 1021 + 5) & 0xffff);
        sequences.forEach((sequence, index) => {
          session.send(probe({ sequence, hopLimit: 1 + (index % 3), flow, round: index % 4 }));
        });
        const seen = flowsSent(bench).slice(before);
        expectThat(seen.length === sequences.length, `${sequences.length} probes made ${seen.length} packets`);
        const odd = seen.find((each) => each !== seen[0]);
        const shown = (key = ""): string => `protocol ${key.split(" ").slice(ADDRESSES).join(" ")}`;
        if (odd !== undefined) {
          fail(`probes of flow ${flow} differ in what balancers hash: "${shown(seen[0])}" and "${shown(odd)}"`);
        }
      }
    },
  },
  {
    name: "looks different to a balancer in different flows",
    situation: "plain",
    needs: "sent",
    obstacle: hasNoFlows,
    run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const count = 16;
      for (let flow = 0; flow < count; flow++) session.send(probe({ sequence: flow, flow }));
      const different = new Set(flowsSent(bench)).size;
      expectThat(different === count, `${count} flows look like ${different} to balancers`);
    },
  },
  {
    name: "sends packets with the hop limit asked for and right checksums",
    situation: "plain",
    needs: "sent",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      for (const hopLimit of [1, 2, 64, 255]) {
        session.send(probe({ sequence: hopLimit, hopLimit, flow: hopLimit }));
        const ip = parseIp(sentOn(bench).at(-1)?.packet ?? new Uint8Array(0));
        expectThat(ip !== undefined, "send handed no packet to any socket");
        expectThat(ip.hopLimit === hopLimit, `a probe of hop limit ${hopLimit} left with ${ip.hopLimit}`);
      }
      const replies = await collect(bench, session, 4);
      // A wrong checksum is what no target answers.
      expectThat(replies.length === 4, `match knew the answers to ${replies.length} of 4 probes`);
    },
  },
  {
    name: "keeps to one path among several (ECMP) in one flow",
    situation: "balanced",
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const seen = new Map<number, string>();
      for (let index = 0; index < 16 * bench.responders.length; index++) {
        const hopLimit = 1 + (index % bench.responders.length);
        const { from } = await exchange(bench, session, probe({ sequence: (65_500 + index) & 0xffff, hopLimit }));
        expectResponder(bench, { hopLimit }, from);
        const first = seen.get(hopLimit) ?? from.text;
        expectThat(first === from.text, `${first} and ${from.text} answered probes of one flow at hop ${hopLimit}`);
        seen.set(hopLimit, first);
      }
    },
  },
  {
    name: "takes other paths (ECMP) in other flows",
    situation: "balanced",
    obstacle: hasNoFlows,
    async run(bench, { plugin }) {
      using session = openSession(plugin, bench);
      const seen = new Set<string>();
      for (let flow = 0; flow < FLOWS; flow++) {
        const sent = probe({ sequence: 1000 + flow, hopLimit: BALANCED_HOP, flow });
        const { from } = await exchange(bench, session, sent);
        expectResponder(bench, sent, from);
        seen.add(from.text);
      }
      const among = bench.responders[BALANCED_HOP - 1]?.length;
      expectThat(seen.size > 1, `${FLOWS} flows all took one way at a hop of ${among} routers`);
    },
  },
  {
    name: "is traced to the target as nettrace trace does it",
    situation: "balanced",
    async run(bench, { plugin }) {
      const replies = new Map<number, Reply>();
      const { network, target, responders } = bench;
      for await (const event of trace(network, { plugin, target })) {
        if (event.type === "reply") {
          expectResponder(bench, event.probe, event.reply.from);
          replies.set(event.probe.hopLimit, event.reply);
        }
        if (event.type !== "stopped") continue;
        const why = event.error === undefined ? "" : `: ${reasonOf(event.error)}`;
        expectThat(event.outcome === "reached", `the trace ended as "${event.outcome}"${why}`);
      }
      const missing = responders.findIndex((_, index) => !replies.has(index + 1));
      expectThat(missing === -1, `the trace met no answer at hop ${missing + 1}`);
    },
  },
];

/** At the start of a flow's key: the same for all packets to a target. */
const ADDRESSES = 2;

/** What left, on a bench that promised to tell. */
function sentOn(bench: Bench): readonly { readonly packet: Uint8Array }[] {
  if (bench.sent === undefined) throw new TypeError("Cannot run a case: the bench does not tell what left");
  return bench.sent();
}

/** All that a balancer might hash, of every packet sent so far. */
function flowsSent(bench: Bench): readonly string[] {
  return sentOn(bench).map(({ packet }) => {
    const ip = parseIp(packet);
    expectThat(ip !== undefined, "what left is no IP packet");
    return `${flowKey(ip, { icmp: true })} class ${ip.trafficClass} label ${ip.flowLabel}`;
  });
}

/** No socket lets a program choose IPv6's flow label for each packet; what else balancers hash is in few protocols. */
function hasNoFlows({ protocol }: Subject): string | undefined {
  const known: readonly (number | undefined)[] = [undefined, ...Object.values(IP_PROTOCOL)];
  return known.includes(protocol) ? undefined : `balancers see no flows in IP protocol ${protocol}`;
}
