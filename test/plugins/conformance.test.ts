import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ConformanceRun, conformance, createSimNetwork, topologies } from "nettrace/testing";
import * as testing from "../../core/testing.ts";
import { builtInPlugins } from "../../plugins/mod.ts";
import { FAULTS } from "./faults.ts";

const service = (payload: Uint8Array): Uint8Array => payload;

async function reasonsOf(runs: readonly ConformanceRun[]): Promise<readonly string[]> {
  const reasons: string[] = [];
  for (const { run, skip } of runs) {
    if (skip !== false) continue;
    await run().catch((error: unknown) => reasons.push(error instanceof Error ? error.message : String(error)));
  }
  return reasons;
}

describe("the name nettrace/testing", () => {
  it("is the room itself, to sources of this repository too", () => {
    assert.equal(conformance, testing.conformance);
    assert.equal(createSimNetwork, testing.createSimNetwork);
    assert.equal(topologies, testing.topologies);
  });
});

describe("conformance", () => {
  for (const [what, { plugin, found, reason }] of Object.entries(FAULTS)) {
    it(`finds out a plugin that ${what}`, async () => {
      const runs = conformance(plugin, { service }).filter(({ name }) => name.startsWith(found));
      const reasons = (await reasonsOf(runs)).map((each) => testing.reasonOf(new Error(each)));
      assert.ok(reasons.length > 0, `none of ${runs.length} runs fails`);
      assert.ok(
        reasons.some((each) => reason.test(each)),
        reasons.join("\n"),
      );
      for (const each of reasons) assert.ok(each.length < 200 && !each.includes("\n"), each);
    });
  }

  it("has a faulty plugin here for every case", () => {
    const names = new Set(builtInPlugins.flatMap((plugin) => conformance(plugin).map(({ name }) => name)));
    const starts = Object.values(FAULTS).map(({ found }) => found);
    assert.deepEqual(
      [...names].filter((name) => !starts.some((start) => name.startsWith(start))),
      [],
    );
  });

  for (const plugin of builtInPlugins) {
    it(`passes ${plugin.name} on the hosts where it behaves differently, over both families`, async () => {
      const runs = conformance(plugin, { service });
      assert.deepEqual(await reasonsOf(runs), []);
      assert.equal(new Set(runs.map(({ title }) => title)).size, runs.length);
      const hosts = [...new Set(runs.map(({ host }) => host))];
      const inputRules = "behind INPUT rules that drop ICMP errors";
      const expected: Readonly<Record<string, readonly string[]>> = {
        icmp: ["as root", inputRules, "with ping sockets", "without privilege"],
        udp: ["as root", inputRules, "without privilege"],
        "tcp-syn": ["as root", inputRules, "without privilege"],
        "tcp-connect": ["as root", "without privilege"],
      };
      assert.deepEqual(hosts, expected[plugin.name]);
      assert.deepEqual([...new Set(runs.map(({ family }) => family))], [4, 6]);
    });
  }

  it("asks nothing but how it opens of a plugin where the host allows none of its modes", () => {
    const [, , tcpSyn] = builtInPlugins;
    assert.equal(tcpSyn?.name, "tcp-syn");
    const names = conformance(tcpSyn).filter(({ host }) => host === "without privilege");
    assert.deepEqual(
      names.map(({ name, skip }) => [name.slice(0, 8), skip]),
      [
        ["opens in", false],
        ["opens in", false],
      ],
    );
  });

  it("says why a case cannot be asked", () => {
    const [, udp] = builtInPlugins;
    assert.ok(udp);
    const reasons = (options: object) => [...new Set(conformance(udp, options).map(({ skip }) => skip))];
    assert.deepEqual(reasons({}), [
      false,
      'the target only refuses: no "service" that answers it is exported or given',
    ]);
    assert.deepEqual(reasons({ service }), [false]);
  });

  it("runs nothing of the plugin before a case runs, where it is told so", () => {
    const open = (): never => {
      throw new Error("opened");
    };
    let count = 0;
    const counting = {
      name: "x",
      open: () => {
        count += 1;
        return open();
      },
    };
    assert.ok(conformance(counting, { survey: false }).length > 0);
    assert.equal(count, 0);
  });

  it("tells a service's fault from the plugin's", async () => {
    const [, udp] = builtInPlugins;
    assert.ok(udp);
    const broken = (): never => {
      throw new Error("no luck");
    };
    const [first] = await reasonsOf(
      conformance(udp, { service: broken }).filter(({ name }) => /^sees each/.test(name)),
    );
    assert.match(first ?? "", /the service threw: no luck$/);
  });
});
