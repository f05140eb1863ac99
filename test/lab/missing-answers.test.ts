import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import {
  assertTruePath,
  FAMILIES,
  type Family,
  nettrace,
  nettraceJson,
  TIME,
  targetOf,
  USERS,
  type User,
  withLab,
} from "./executable.ts";
import type { Lab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const schema = (name: string): object =>
  JSON.parse(readFileSync(new URL(`../../docs/schema/${name}`, import.meta.url), "utf8"));

async function must(lab: Lab, namespace: string, script: string): Promise<void> {
  const { code, stderr } = await lab.run(namespace, ["sh", "-ec", script]);
  assert.equal(code, 0, stderr);
}

/** The target answers by its other link: what the host sent by eth1 is answered through eth0. */
async function answerThroughEth0(lab: Lab): Promise<void> {
  await must(lab, "target", "ip route add 198.18.1.0/24 via 10.78.0.1 dev side");
  await must(lab, "dns", "ip route add 198.18.1.0/24 via 10.77.0.2 dev eth0");
}

const reversePathFilter = (value: 0 | 1 | 2): string =>
  `echo ${value} > /proc/sys/net/ipv4/conf/eth0/rp_filter; echo ${value} > /proc/sys/net/ipv4/conf/all/rp_filter`;

interface Dropped {
  readonly by: string;
  readonly packets: number;
  readonly missing: number;
}

async function droppedHere(lab: Lab, user: User, family: Family): Promise<Dropped | undefined> {
  const { report } = await nettraceJson(lab, user, "auto", targetOf(lab, family), "-n");
  return (report as typeof report & { readonly dropped_here?: Dropped }).dropped_here;
}

/** Three routers, and eth0 as a second way. */
const TWO_WAYS = { hops: [{}, {}, {}], host: { privateUplink: true } } as const;

/** The least time between two ICMP errors to one host, in each router's own words. */
const LIMIT =
  "echo 1000 > /proc/sys/net/ipv4/icmp_ratelimit; echo 6168 > /proc/sys/net/ipv4/icmp_ratemask; echo 1000 > /proc/sys/net/ipv6/icmp/ratelimit";

describeInLab("why answers are missing, by the built executable", import.meta.filename, () => {
  describe("where answers come back by another interface", () => {
    for (const user of USERS) {
      it(`names a strict rp_filter, by the kernel's count of what it dropped, as ${user}`, TIME, () =>
        withLab(TWO_WAYS, async (lab) => {
          await answerThroughEth0(lab);
          await must(lab, "host", reversePathFilter(1));
          const dropped = await droppedHere(lab, user, 4);
          assert.equal(dropped?.by, "rp_filter");
          assert.ok(dropped.packets >= 3 && dropped.missing >= 3, JSON.stringify(dropped));
          const doctor = await nettrace(lab, user, "doctor");
          assert.match(doctor.stdout, /rp_filter +strict on eth0, eth1: answers that come by another interface/);
          const { stdout } = await nettrace(lab, user, "auto", lab.target.v4, "-n");
          assert.match(
            stdout,
            /^rp_filter of this host dropped \d+ packets \(IPReversePathFilter\), while \d+ answers/m,
          );
          assert.doesNotMatch(stdout, /INPUT/);
        }),
      );

      it(`names it of a report's rounds, as ${user}`, TIME, () =>
        withLab(TWO_WAYS, async (lab) => {
          await answerThroughEth0(lab);
          await must(lab, "host", reversePathFilter(1));
          const args = ["report", lab.target.v4, "-P", "tcp-connect:443", "-c", "3", "--interval", "0.2", "-n"];
          const { stdout } = await nettrace(lab, user, ...args);
          assert.match(stdout, /^rp_filter of this host dropped \d+ packets \(IPReversePathFilter\)/m);
        }),
      );

      it(`says nothing of it where rp_filter is loose or off, and the target answers, as ${user}`, TIME, () =>
        withLab(TWO_WAYS, async (lab) => {
          await answerThroughEth0(lab);
          for (const value of [2, 0] as const) {
            await must(lab, "host", reversePathFilter(value));
            const run = await nettraceJson(lab, user, "auto", lab.target.v4, "-n");
            assertTruePath(run, lab, 4);
            assert.equal(await droppedHere(lab, user, 4), undefined);
          }
        }),
      );

      it(`says nothing of it where a strict rp_filter drops nothing and routers are silent, as ${user}`, TIME, () =>
        withLab({ ...TWO_WAYS, hops: [{}, { silent: true }, {}], target: { silent: true } }, async (lab) => {
          await must(lab, "host", reversePathFilter(1));
          for (const family of FAMILIES) assert.equal(await droppedHere(lab, user, family), undefined);
        }),
      );
    }
  });

  it("tells nobody that INPUT may drop the routers' answers, by what was not delivered", TIME, () =>
    withLab(SCENARIOS.noRelated(), async (lab) => {
      for (const family of FAMILIES) {
        assert.equal((await droppedHere(lab, "nobody", family))?.by, "input", `IPv${family}`);
        const { stdout } = await nettrace(lab, "nobody", "auto", targetOf(lab, family), "-n");
        assert.match(stdout, /^this host dropped \d+ packets that came in .*ESTABLISHED but not RELATED; as root/m);
        // The packet tap knows it for certain.
        assert.equal(await droppedHere(lab, "root", family), undefined);
      }
    }),
  );

  it("says nothing of INPUT where the network is silent", TIME, () =>
    withLab({ hops: [{ silent: true }, { silent: true }], target: { silent: true } }, async (lab) => {
      for (const family of FAMILIES) assert.equal(await droppedHere(lab, "nobody", family), undefined);
    }),
  );

  describe("where a router limits the ICMP that it sends", () => {
    for (const family of FAMILIES) {
      for (const user of USERS) {
        const protocol = user === "root" ? "icmp" : "udp";
        it(`is told from loss in a report, IPv${family}, by ${protocol} as ${user}`, TIME, () =>
          withLab(SCENARIOS.plain(), async (lab) => {
            await must(lab, "r2", LIMIT);
            const args = ["report", targetOf(lab, family), "-P", protocol, "-c", "40", "--interval", "0.02", "-n"];
            const { stdout, code } = await nettrace(lab, user, ...args, "--format", "json");
            assert.equal(code, 0, stdout);
            const { hops } = (JSON.parse(stdout) as { report: { hops: readonly Row[] } }).report;
            assert.deepEqual(
              hops.map((row) => [row.hop, row.loses_in_transit]),
              [
                [1, false],
                [2, true],
                [3, false],
                [4, false],
              ],
            );
            assert.equal(hops[3]?.loss_percent, 0);
            const text = await nettrace(lab, user, ...args);
            assert.match(text.stdout, /^hop 2: more goes unanswered than behind it, so what passes arrives: routers/m);
          }),
        );

        it(`is told from loss in a trace of many probes, IPv${family}, by ${protocol} as ${user}`, TIME, () =>
          withLab(SCENARIOS.plain(), async (lab) => {
            await must(lab, "r2", LIMIT);
            const args = ["trace", targetOf(lab, family), "-P", protocol, "-q", "40", "-n"];
            const { stdout } = await nettrace(lab, user, ...args);
            assert.match(stdout, /^hop 2: more goes unanswered than behind it/m);
          }),
        );
      }
    }

    it("is not claimed where the path itself loses packets from there on", TIME, () => {
      const loses = ["-A FORWARD -i near -m statistic --mode nth --every 2 --packet 0 -j DROP"];
      return withLab({ hops: [{}, { rules: { v4: loses, v6: loses } }, {}] }, async (lab) => {
        for (const family of FAMILIES) {
          const { stdout } = await nettrace(
            lab,
            "root",
            "trace",
            targetOf(lab, family),
            "-P",
            "icmp",
            "-q",
            "40",
            "-n",
          );
          assert.doesNotMatch(stdout, /more goes unanswered/);
        }
      });
    });
  });
});

describeInLab("what was found out of missing answers", import.meta.filename, () => {
  for (const [what, script, namespace, args] of [
    ["a strict rp_filter", reversePathFilter(1), "host", ["auto"]],
    ["a strict rp_filter", reversePathFilter(1), "host", ["report", "-P", "udp", "-c", "3", "--interval", "0.2"]],
    ["an asymmetric MTU", "ip link set near mtu 1400", "r3", ["trace", "-P", "udp", "--size", "1500"]],
  ] as const) {
    it(`of ${what} stands in the document of ${args[0]} as promised, and in a recording`, TIME, () =>
      withLab(TWO_WAYS, async (lab) => {
        if (namespace === "host") await answerThroughEth0(lab);
        await must(lab, namespace, script);
        const file = join(lab.directory, "run.jsonl");
        const [command, ...rest] = args;
        const run = await nettrace(lab, "root", command, lab.target.v4, "-n", ...rest, "--record", file);
        const note = /^(rp_filter of this host|packets of 1500 octets) .*$/m.exec(run.stdout)?.[0];
        assert.ok(note, run.stdout);
        const replayed = await nettrace(lab, "root", "replay", file);
        assert.ok(replayed.stdout.includes(note), replayed.stdout);
        const { stdout } = await nettrace(lab, "root", "replay", file, "--format", "json");
        const document = JSON.parse(stdout) as { dropped_here?: unknown; small_probes?: unknown };
        assert.ok(document.dropped_here ?? document.small_probes, stdout);
        const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { "date-time": true } });
        if (command !== "auto") ajv.addSchema(schema("auto-1.json"));
        const validate = ajv.compile(schema(`${command}-1.json`));
        assert.ok(validate(document), JSON.stringify(validate.errors));
      }),
    );
  }
});

describeInLab("a link whose ends differ in their MTU, by the built executable", import.meta.filename, () => {
  for (const family of FAMILIES) {
    for (const user of USERS) {
      it(`is told from a filter by small probes, IPv${family}, as ${user}`, TIME, () =>
        withLab(SCENARIOS.plain(), async (lab) => {
          // What r2 sends with 1,500 octets, r3 does not take, and nobody says a word.
          await must(lab, "r3", "ip link set near mtu 1400");
          const args = ["trace", targetOf(lab, family), "-P", "udp", "-n", "--size", "1500"];
          const { report, code } = await nettraceJson(lab, user, ...args);
          assert.equal(code, 1);
          assert.deepEqual([report.attempts[0]?.verdict, report.attempts[0]?.farthest_hop], ["filtered", 2]);
          const small = (report as typeof report & { readonly small_probes?: unknown }).small_probes;
          assert.deepEqual(small, { instead_of_octets: 1500, farthest_hop: 4, reached: true });
          const { stdout } = await nettrace(lab, user, ...args);
          assert.match(
            stdout,
            /^packets of 1500 octets vanish behind hop 2, and small ones by udp reach the target in 4/m,
          );
        }),
      );
    }
  }

  it("is not claimed where small probes come no farther, or a router tells its MTU", TIME, () =>
    withLab({ hops: [{}, { filters: ["udp"] }, {}, { mtu: 1400 }] }, async (lab) => {
      for (const family of FAMILIES) {
        for (const protocol of ["udp", "icmp"]) {
          const args = ["trace", targetOf(lab, family), "-P", protocol, "-n", "--size", "1500"];
          const { stdout } = await nettrace(lab, "root", ...args);
          assert.doesNotMatch(stdout, /vanish/);
          assert.match(stdout, protocol === "udp" ? /goes silent after hop 2/ : /!F-1400/);
        }
      }
    }),
  );
});

interface Row {
  readonly hop: number;
  readonly loss_percent: number | null;
  readonly loses_in_transit: boolean;
}
