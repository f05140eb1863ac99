import assert from "node:assert/strict";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import type { TruthCase } from "../truth/case.ts";
import { printedBy } from "../truth/document.ts";
import { type Finding, judge } from "../truth/judge.ts";
import { truthOf } from "../truth/oracle.ts";
import { TRUTH_CASES } from "../truth/topologies.ts";
import { describeInLab } from "./suite.ts";
import { createTunLab, type TunLab } from "./tun/lab.ts";

const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));

/** Those in which the kernel's own sockets have most to say. */
const NAMES = [
  "the target next door",
  "per-flow balancing at two hops, hop 1 silent",
  "a diamond of two legs, three hops long",
  "a loop of two routers",
  "a NAT that puts quotes back",
  "MPLS label stacks",
  "a router that forwards the last hop limit",
  "quotes of eight octets behind the IP header (IPv4)",
  "no router answers, the target does",
  "hop 4 drops ICMP and UDP",
  "host unreachable at hop 3",
  "a router that answers from the target's address",
  "the target answers from another address",
  "hop 2 spoils its checksums, hop 3 quotes packets of others",
] as const;

interface Way {
  readonly user: "root" | "nobody";
  readonly words: readonly string[];
  /** Of all packets that it sends. */
  readonly constantFlow: boolean;
}

const WAYS: readonly Way[] = [
  { user: "root", words: ["auto"], constantFlow: false },
  { user: "root", words: ["trace", "-P", "icmp"], constantFlow: true },
  { user: "root", words: ["trace", "-P", "udp"], constantFlow: true },
  { user: "root", words: ["trace", "-P", "tcp-syn:443"], constantFlow: true },
  { user: "nobody", words: ["auto"], constantFlow: false },
  // Its scouts run ahead on flows of their own.
  { user: "nobody", words: ["trace", "-P", "tcp-connect:443"], constantFlow: false },
];

/** What a machine that stands still for a moment may do to any tool; a second try tells it from a defect. */
const MAY_BE_STALLED: ReadonlySet<Finding["fault"]> = new Set(["missed hop", "invented loss", "false end"]);
const TRIES = 3;

function caseOf(name: string): TruthCase {
  const found = TRUTH_CASES.find((each) => each.name === name);
  assert.ok(found, `no path is called ${name}`);
  return found;
}

async function look(lab: TunLab, subject: TruthCase, family: 4 | 6, { user, words }: Way): Promise<readonly Finding[]> {
  const target = family === 4 ? lab.target.v4 : lab.target.v6;
  const argv = [lab.stage(EXECUTABLE), ...words, target, "-n", "-q", "4", "--format", "json"];
  const { stdout, stderr } = await lab.run(argv, { user });
  assert.notEqual(stdout, "", stderr);
  const printed = printedBy(stdout);
  assert.ok(printed, `${argv.join(" ")} shows no path`);
  const { claim, admitsGaps, ...kind } = printed;
  return judge(claim, truthOf(subject.topology, { ...kind, family }), { chancy: subject.chancy === true, admitsGaps });
}

/** How many flows the probes since the last look were of. */
async function flowsIn(lab: TunLab): Promise<number> {
  const sent = (await lab.sent()).filter(({ to }) => to === lab.target.v4 || to === lab.target.v6);
  return new Set(sent.map(({ flow }) => flow)).size;
}

describeInLab("what the executable says of known paths, over the kernel's sockets", import.meta.filename, () => {
  NAMES.forEach((name, index) => {
    const subject = caseOf(name);
    const family = (subject.families ?? [4, 6])[index % (subject.families?.length ?? 2)] ?? 4;
    it(`is what they are: ${name}, IPv${family}`, { timeout: 120_000 }, async () => {
      using lab = await createTunLab(subject.topology);
      for (const way of WAYS) {
        await lab.sent();
        let findings = await look(lab, subject, family, way);
        for (let tries = 1; tries < TRIES && findings.length > 0; tries += 1) {
          if (!findings.every(({ fault }) => MAY_BE_STALLED.has(fault))) break;
          await lab.sent();
          findings = await look(lab, subject, family, way);
        }
        assert.deepEqual(findings, [], `${way.user}: ${way.words.join(" ")}`);
        if (way.constantFlow) assert.equal(await flowsIn(lab), 1, way.words.join(" "));
      }
    });
  });

  it("keeps ten processes apart that trace one target at once", { timeout: 120_000 }, async () => {
    const subject = caseOf("per-flow balancing at two hops, hop 1 silent");
    using lab = await createTunLab(subject.topology);
    const ways = Array.from({ length: 10 }, (_, index) => WAYS[index % WAYS.length] ?? WAYS[0]);
    const all = await Promise.all(ways.map((way) => (way === undefined ? [] : look(lab, subject, 4, way))));
    const wrong = all.flat().filter(({ fault }) => !MAY_BE_STALLED.has(fault));
    assert.deepEqual(wrong, []);
  });
});
