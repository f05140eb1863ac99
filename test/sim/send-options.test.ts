import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SocketError } from "../../core/errors.ts";
import type { Network, SendOptions } from "../../core/network.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain, router } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { parseIp } from "../../core/wire/mod.ts";
import { icmp } from "../../plugins/icmp.ts";

/** The link behind the second router is narrow. */
const narrow: Topology = {
  ...plain(4),
  hops: [1, 2, 3].map((hop) => ({ routers: [router(hop, hop === 2 ? { mtu: 1400 } : {})] })),
};

async function answerOf(network: Network, family: 4 | 6, packetSize: number) {
  using session = icmp.open(network, endpointOf(narrow, family, 0), { packetSize });
  session.send({ sequence: 1, hopLimit: 64, flow: 0, round: 0 });
  const untilMs = network.nowMs() + 1000;
  for (let arrival = await network.receive(untilMs); arrival; arrival = await network.receive(untilMs)) {
    const reply = session.match(arrival);
    if (reply !== undefined) return { from: reply.from.text, effect: reply.effect, icmp: reply.icmp, mtu: reply.mtu };
  }
  return undefined;
}

const open = (send: SendOptions): ReturnType<typeof createSimNetwork> => createSimNetwork(narrow, { send });

const tooLong = (mtu: number) => (error: unknown) =>
  error instanceof SocketError && error.errno === "EMSGSIZE" && error.stage === "send" && error.mtu === mtu;

describe("the simulated path's MTU", () => {
  for (const family of [4, 6] as const) {
    it(`is told by the router before the narrow link, and then known to the host, over IPv${family}`, async () => {
      using network = open({ dontFragment: "do" });
      const icmpCode = family === 4 ? { type: 3, code: 4 } : { type: 2, code: 0 };
      const router2 = family === 4 ? "10.0.2.1" : "2001:db8:2::1";
      const told = { from: router2, effect: "unreachable", icmp: icmpCode, mtu: 1400 };
      assert.deepEqual(await answerOf(network, family, 1500), told);
      await assert.rejects(answerOf(network, family, 1500), tooLong(1400));
      assert.equal((await answerOf(network, family, 1400))?.effect, "reached");
    });
  }

  it("is no limit to packets that may be fragmented", async () => {
    using network = open({ dontFragment: "dont" });
    assert.equal((await answerOf(network, 4, 1500))?.effect, "reached");
  });

  it("limits no probe of the path beforehand, only the interface does", async () => {
    using network = open({ dontFragment: "probe" });
    for (let round = 0; round < 2; round += 1) assert.equal((await answerOf(network, 4, 1500))?.mtu, 1400);
    await assert.rejects(answerOf(network, 4, 1501), tooLong(1500));
  });
});

describe("the simulated host", () => {
  it("sends with the traffic class and flow label asked for", async () => {
    using network = open({ trafficClass: 0x2e, flowLabel: 0xbeef });
    for (const family of [4, 6] as const) await answerOf(network, family, 100);
    const seen = network.sent.map(({ packet }) => parseIp(packet));
    assert.deepEqual(
      seen.map((ip) => [ip?.trafficClass, ip?.flowLabel]),
      [
        [0x2e, 0],
        [0x2e, 0xbeef],
      ],
    );
  });
});
