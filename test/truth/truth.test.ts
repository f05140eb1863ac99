import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PROBINGS } from "./case.ts";
import { truthOf } from "./oracle.ts";
import { PROFILES, portOf, subjectsOf } from "./profiles.ts";
import { TRUTH_CASES } from "./topologies.ts";
import { traceVirtually } from "./virtual.ts";

/** About so many probes to hops that answer, each time. */
const PROBES = 48;
const BOTH = [4, 6] as const;

describe("the suite of known paths", () => {
  it("has at least forty, and no two of one name", () => {
    assert.ok(TRUTH_CASES.length >= 40);
    assert.equal(new Set(TRUTH_CASES.map(({ name }) => name)).size, TRUTH_CASES.length);
  });

  for (const { name, topology, ends, families = BOTH } of TRUTH_CASES) {
    it(`is known by two ways to end where it does: ${name}`, () => {
      for (const family of families) {
        for (const probing of PROBINGS) {
          const { end } = truthOf(topology, { probing, family, port: portOf(probing) });
          assert.equal(end, typeof ends === "string" ? ends : ends[probing], `${probing}, IPv${family}`);
        }
      }
    });
  }
});

describe("what is said of a path is what it is", () => {
  for (const subject of TRUTH_CASES) {
    it(subject.name, { timeout: 60_000 }, async () => {
      const queries = Math.min(12, Math.max(2, Math.floor(PROBES / (subject.topology.hops.length + 1))));
      const { families = BOTH } = subject;
      let seed = 0;
      for (const family of families) {
        for (const profile of PROFILES) {
          for (const { name, ladder } of subjectsOf(profile)) {
            seed += 1;
            // Each user's ladder once: its rungs are all there by themselves.
            if (ladder.length > 1 && families.length > 1 && (family === 4) !== (profile.name === "root")) continue;
            const trace = { queries, packetsPerSecond: 1000 };
            const result = await traceVirtually({ subject, family, ladder, host: profile.host, seed, trace });
            const about = `${profile.name}, ${name}, IPv${family}, seed ${seed}`;
            assert.deepEqual(result.findings, [], about);
            assert.ok(result.probes > 0, `nothing was sent: ${about}`);
          }
        }
      }
    });
  }
});
