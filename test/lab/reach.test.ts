import assert from "node:assert/strict";
import { it } from "node:test";
import {
  EXECUTABLE,
  FAMILIES,
  type Family,
  type JsonRun,
  TIME,
  targetOf,
  USERS,
  type User,
  withLab,
} from "./executable.ts";
import type { Lab, RunResult } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

/** As under MemoryDenyWriteExecute, the runtime is left without its JIT, and so without a way to call the C library. */
const NO_FFI = 'ulimit -v 2000000; exec "$@"';

function nettrace(lab: Lab, user: User, ...args: readonly string[]): Promise<RunResult> {
  return lab.run("host", ["sh", "-c", NO_FFI, "sh", lab.stage(EXECUTABLE), ...args], { user, timeoutMs: 30_000 });
}

type Report = JsonRun["report"] & {
  readonly attempts: readonly { readonly connect: { readonly rtt: { readonly best_ms: number | null } } | null }[];
};

interface Reached extends RunResult {
  readonly report: Report;
}

async function reach(lab: Lab, user: User, family: Family, port: number): Promise<Reached> {
  const args = ["trace", targetOf(lab, family), "-P", `tcp-reach:${port}`, "-n", "--format", "json"];
  const result = await nettrace(lab, user, ...args);
  assert.match(result.stderr, /^nettrace: no hops, only whether a TCP port answers, for [^\n]+ JIT [^\n]+\n$/);
  return { ...result, report: JSON.parse(result.stdout) as Report };
}

const verdictOf = ({ code, report }: Reached): readonly unknown[] => {
  const [attempt] = report.attempts;
  return [code, attempt?.verdict, attempt?.stage, attempt?.errno];
};

describeInLab("tcp-reach where the C library cannot be called, by the built executable", import.meta.filename, () => {
  for (const user of USERS) {
    for (const family of FAMILIES) {
      it(`auto as ${user} reaches the target of the restricted host, IPv${family}, and tells each TCP port`, TIME, () =>
        withLab(SCENARIOS.restricted(), async (lab) => {
          const address = targetOf(lab, family);
          const { code, stdout } = await nettrace(lab, user, "auto", address, "-n");
          assert.equal(code, 0, stdout);
          const escaped = address.replaceAll(".", "\\.");
          const line = `^reached ${escaped} by tcp-reach:443 in [\\d.]+ ms; the path is not visible \\(tcp-reach shows no hops\\); `;
          assert.match(stdout, new RegExp(line, "m"));
          assert.match(
            stdout,
            /; icmp, udp, tcp-syn and tcp-connect are not possible here \(the C library cannot be called: [^)]+\)$/m,
          );
          assert.match(stdout, /^tcp-reach:443 +handshake +reached +- +[\d.]+ {2}port open, in [\d.]+ ms$/m);
          assert.match(stdout, /^tcp-reach:80 +handshake +reached +- +[\d.]+ {2}port closed, in [\d.]+ ms$/m);
        }),
      );
    }
  }

  it("measures connect times, and shows no hop, in JSON", TIME, () =>
    withLab(SCENARIOS.plain(), async (lab) => {
      const { report, code } = await reach(lab, "nobody", 4, 443);
      assert.equal(code, 0);
      assert.deepEqual(report.trace?.hops, []);
      assert.ok((report.attempts[0]?.connect?.rtt.best_ms ?? 0) > 0);
    }),
  );

  for (const family of FAMILIES) {
    const cases = [
      ["closedTarget", [0, "reached", null, null]],
      ["silentTarget", [1, "filtered", null, null]],
      ["prohibitedTarget", [1, "unreachable", null, null]],
      ["outputDrop", [3, "denied", "connect", null]],
      ["rejectReset", [3, "denied", "local-reject", "ECONNREFUSED"]],
      ["prohibitRoute", [3, "denied", "connect", "EACCES"]],
      ["blackholeRoute", [3, "denied", "connect", "EINVAL"]],
      ["missingRoute", [3, "unroutable", "route", null]],
      ["unreachableRoute", [3, "unroutable", "route", null]],
    ] as const;
    for (const [name, expected] of cases) {
      it(`judges ${name} as it is, IPv${family}`, TIME, () =>
        withLab(SCENARIOS[name](), async (lab) => {
          const run = await reach(lab, "nobody", family, 443);
          assert.deepEqual(verdictOf(run), expected, run.stdout);
        }),
      );
    }
  }

  for (const family of FAMILIES) {
    it(`knows a REJECT rule by its answer or, where the kernel keeps that, by its counter, IPv${family}`, TIME, () =>
      withLab(SCENARIOS.rejectAll(), async (lab) => {
        const run = await reach(lab, "nobody", family, 443);
        const [code, verdict, stage] = verdictOf(run);
        assert.deepEqual([code, verdict], [3, "denied"], run.stdout);
        assert.match(String(stage), /^(local-reject|connect)$/);
      }),
    );
  }

  it("is what the doctor says is left", TIME, () =>
    withLab(SCENARIOS.plain(), async (lab) => {
      const { stdout, code } = await nettrace(lab, "nobody", "doctor");
      assert.equal(code, 0);
      assert.match(stdout, /^ {2}limited +tcp-reach +handshake: reached or not, and in what time; no hops$/m);
      assert.match(stdout, /^ {2}MISSING +tcp-connect +connect needs FFI$/m);
      assert.match(stdout, /^ {2}MISSING +FFI +the C library cannot be called: bun:ffi requires the JIT$/m);
    }),
  );

  it("works with the C library as well, and then knows the way out", TIME, () =>
    withLab(SCENARIOS.plain(), async (lab) => {
      const args = [lab.stage(EXECUTABLE), "trace", lab.target.v4, "-P", "tcp-reach:443", "-n"];
      const { stdout, stderr, code } = await lab.run("host", args, { user: "nobody" });
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, / from \S+ \(eth1\)/);
      assert.match(stdout, /^reached \S+ by tcp-reach:443 in [\d.]+ ms; the path is not visible/m);
    }),
  );
});
