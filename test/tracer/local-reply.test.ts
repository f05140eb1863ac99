import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TraceEvent } from "../../core/probe.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { parsed } from "../../core/sim/packets.ts";
import { icmpErrorPacket } from "../../core/sim/replies.ts";
import { endpointOf, silent } from "../../core/sim/topologies.ts";
import { createPingSchedule } from "../../core/tracer/ping-schedule.ts";
import { trace } from "../../core/tracer/trace.ts";
import { icmp } from "../../plugins/icmp.ts";

describe("an ICMP error by this host itself", () => {
  for (const family of [4, 6] as const) {
    it(`is no hop of the path: the probe failed, and what was said is told, IPv${family}`, async () => {
      const topology = silent();
      using network = createSimNetwork(topology);
      const events: TraceEvent[] = [];
      const request = {
        plugin: icmp,
        target: endpointOf(topology, family, 0),
        trace: { firstHop: 64, maxHop: 64 },
        schedule: createPingSchedule({ intervalMs: 1000, count: 1, lingerMs: 5000 }),
        onRefusal: "continue",
        firstSequence: 1,
      } as const;
      for await (const event of trace(network, request)) {
        events.push(event);
        if (event.type !== "sent") continue;
        const packet = network.sent[0]?.packet ?? assert.fail();
        const ip = parsed(packet);
        // As the kernel does once the neighbour has not answered for three seconds.
        const refusal = { why: "unreachable", reason: "host" } as const;
        network.inject(icmpErrorPacket(packet, ip, refusal, { source: ip.source, hopLimit: 64 }), 3000);
      }
      assert.deepEqual(
        events.map(({ type }) => type),
        ["sent", "failed", "stopped"],
      );
      const failed = events[1];
      assert.ok(failed?.type === "failed");
      assert.deepEqual([failed.error.stage, failed.error.errno, failed.atMs], ["route", "EHOSTUNREACH", 3000]);
      assert.deepEqual(failed.reply?.icmp, family === 4 ? { type: 3, code: 1 } : { type: 1, code: 3 });
      assert.equal(failed.reply?.from.text, network.route(request.target.address).source.text);
    });
  }
});
