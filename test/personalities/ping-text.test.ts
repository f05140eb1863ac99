import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { icmpText } from "../../cli/personalities/ping/icmp-text.ts";
import { createPingStatistics, timeText } from "../../cli/personalities/ping/statistics.ts";
import { parseAddress, type Reply } from "../../core/mod.ts";

const from = parseAddress("192.0.2.1");
assert.ok(from);

describe("ping's statistics", () => {
  const counted = (rtts: readonly (number | undefined)[], duplicates: readonly number[] = []) => {
    const statistics = createPingStatistics();
    rtts.forEach((rttMs, index) => {
      statistics.transmitted(1000 + index * 200);
      if (rttMs === undefined) return;
      statistics.acknowledged(index + 1);
      statistics.received(rttMs);
    });
    for (const rttMs of duplicates) statistics.duplicate(rttMs);
    return statistics;
  };
  const TIMED = { isTimed: true, tellsPace: false };

  it("are those that iputils printed for the same times: mdev is the population's deviation, cut to whole microseconds", () => {
    const block = counted([0.073, 0.018, 0.022]).summary("h", TIMED);
    assert.equal(
      block,
      "\n--- h ping statistics ---\n3 packets transmitted, 3 received, 0% packet loss, time 400ms\n" +
        "rtt min/avg/max/mdev = 0.018/0.037/0.073/0.025 ms\n",
    );
    assert.match(counted([0.148, 0.084]).summary("h", TIMED), /= 0\.084\/0\.116\/0\.148\/0\.032 ms\n$/);
  });

  it("count a duplicate's time in, but not as received", () => {
    const block = counted([1, 3], [5]).summary("h", TIMED);
    assert.match(block, /2 packets transmitted, 2 received, \+1 duplicates, 0% packet loss/);
    assert.match(block, /= 1\.000\/3\.000\/5\.000\/1\.632 ms/);
  });

  it("show loss with six digits at most", () => {
    assert.match(counted([1, undefined, undefined]).summary("h", TIMED), /, 66\.6667% packet loss/);
    assert.match(counted([1, 1, undefined]).summary("h", TIMED), /, 33\.3333% packet loss/);
    assert.match(counted([undefined, undefined]).summary("h", TIMED), /, 100% packet loss, time 200ms\n\n$/);
  });

  it("tell no time where none was measured, and no loss where nothing was sent", () => {
    assert.match(counted([1]).summary("h", { isTimed: false, tellsPace: false }), /time 0ms\n\n$/);
    assert.equal(counted([]).summary("h", TIMED), "\n--- h ping statistics ---\n0 packets transmitted, 0 received\n\n");
  });

  it("tell how many probes were under way, and the pace", () => {
    const statistics = createPingStatistics();
    for (let index = 0; index < 3; index += 1) statistics.transmitted(index);
    statistics.acknowledged(1);
    statistics.received(2);
    assert.match(
      statistics.summary("h", { isTimed: true, tellsPace: true }),
      /, pipe 3, ipg\/ewma 1\.000\/2\.000 ms\n$/,
    );
  });

  it("have a short form", () => {
    assert.equal(counted([]).status(), "\r0/0 packets, 0% loss\n");
    assert.equal(
      counted([1, undefined, 2]).status(),
      "\r2/3 packets, 33% loss, min/avg/ewma/max = 1.000/1.500/1.125/2.000 ms\n",
    );
  });
});

describe("ping's times", () => {
  it("have fewer digits the longer they are", () => {
    const cases: readonly (readonly [ms: number, text: string])[] = [
      [0, "0.000"],
      [0.0604, "0.060"],
      [0.9994, "0.999"],
      [1, "1.00"],
      [9.994, "9.99"],
      [9.995, "10.0"],
      [12.34, "12.3"],
      [99.94, "99.9"],
      [99.95, "100"],
      [1234.5, "1235"],
    ];
    for (const [ms, text] of cases) assert.equal(timeText(ms), text, String(ms));
  });
});

describe("ping's words for ICMP errors", () => {
  const reply = (type: number, code: number, mtu?: number): Reply => ({
    sequence: 1,
    from,
    effect: "unreachable",
    icmp: { type, code },
    ...(mtu !== undefined && { mtu }),
  });

  it("are iputils' for IPv4", () => {
    assert.equal(icmpText(reply(3, 0), 4), "Destination Net Unreachable");
    assert.equal(icmpText(reply(3, 13), 4), "Packet filtered");
    assert.equal(icmpText(reply(3, 4, 1400), 4), "Frag needed and DF set (mtu = 1400)");
    assert.equal(icmpText(reply(3, 77), 4), "Dest Unreachable, Bad Code: 77");
    assert.equal(icmpText(reply(11, 0), 4), "Time to live exceeded");
    assert.equal(icmpText(reply(11, 1), 4), "Frag reassembly time exceeded");
  });

  it("are iputils' for IPv6", () => {
    assert.equal(icmpText(reply(1, 0), 6), "Destination unreachable: No route");
    assert.equal(icmpText(reply(1, 99), 6), "Destination unreachable: Unknown code 99");
    assert.equal(icmpText(reply(2, 0, 1280), 6), "Packet too big: mtu=1280");
    assert.equal(icmpText(reply(3, 0), 6), "Time exceeded: Hop limit");
  });
});
