import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { rawSocketAddon } from "../raw-socket-addon.ts";
import { readCounts } from "../runtimes.ts";
import { must } from "./command.ts";
import { assertTruePath, FAMILIES, type JsonRun, TIME, targetOf, type User, verdicts } from "./executable.ts";
import { SITUATION } from "./kernel/situation.ts";
import { captureSent, createSuiteLab, OPEN, obstacleToCapture, situationOf } from "./kernel/stage.ts";
import { createLab, type Lab, type RunResult } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NOTE = /^nettrace: raw-socket is used: no tcp-connect, nothing without root, [^\n]*\n$/;

const addon = rawSocketAddon();
if ("why" in addon && process.env["CI"] === "true") it("raw-socket is there", () => assert.fail(addon.why));
else if ("why" in addon) it.skip(`raw-socket, on Node: ${addon.why}`, () => undefined);
else {
  describeInLab("raw-socket, on Node", fileURLToPath(import.meta.url), () => {
    let directory = "";
    before(async () => {
      directory = await transpileBeside(addon.modules);
    });
    after(() => rmSync(directory, { recursive: true, force: true }));

    it("passes the suites of networks and of the plugins that need raw sockets only", {
      timeout: 120_000,
    }, async () => {
      using lab = await createSuiteLab();
      await lab.setFirewall(OPEN);
      const capture = obstacleToCapture() === undefined ? await captureSent(lab) : undefined;
      const report = join(lab.directory, "junit.xml");
      const node = ["node", "--test-reporter=junit", `--test-reporter-destination=${report}`];
      const program = join(directory, "test", "lab", "kernel", "suites.js");
      const env = { [SITUATION]: JSON.stringify(situationOf(lab, "raw-socket", capture)) };
      const argv = ["sh", "-c", 'ulimit -n 512; exec "$@"', "sh", ...node, program];
      const { code, stdout, stderr } = await lab.run("host", argv, { user: "root", env, timeoutMs: 110_000 });
      const xml = readFileSync(report, "utf8");
      assert.equal(code, 0, `${stdout}${stderr}${xml}`);
      for (const suite of [
        "the raw-socket network, a network",
        "icmp, a plugin",
        "udp, a plugin",
        "tcp-syn, a plugin",
      ]) {
        for (const family of FAMILIES) assert.ok(xml.includes(`<testsuite name="${suite}, over IPv${family}"`), suite);
      }
      const counts = readCounts(report);
      assert.ok(counts !== undefined && counts.failed.length === 0 && counts.passed > 100, JSON.stringify(counts));
    });

    const cli = (lab: Lab, user: User, ...args: readonly string[]): Promise<RunResult> => {
      const argv = ["node", join(directory, "cli", "main.js"), ...args, "--backend", "raw-socket"];
      return lab.run("host", argv, { user, timeoutMs: 30_000 });
    };

    it("reaches the target of the main job by tcp-syn over true hops", TIME, async () => {
      using lab = await createLab(SCENARIOS.restricted());
      for (const family of FAMILIES) {
        // However slow the machine is, no protocol overtakes one that is being refused.
        const order = ["--stagger", "5000", "-n", "--format", "json"];
        const result = await cli(lab, "root", "auto", targetOf(lab, family), ...order);
        assert.match(result.stderr, NOTE);
        const run: JsonRun = { ...result, report: JSON.parse(result.stdout) };
        assert.deepEqual(verdicts(run), ["icmp denied", "udp denied", "tcp-syn:443 reached"]);
        assert.equal(run.code, 0);
        assertTruePath(run, lab, family);
      }
    });

    it("reaches the target by icmp and by udp where nothing forbids it", TIME, async () => {
      using lab = await createLab(SCENARIOS.plain());
      for (const family of FAMILIES) {
        for (const protocol of ["icmp", "udp"]) {
          const order = ["--order", protocol];
          const result = await cli(lab, "root", "auto", targetOf(lab, family), "-n", ...order, "--format", "json");
          const run: JsonRun = { ...result, report: JSON.parse(result.stdout) };
          assert.deepEqual(verdicts(run), [`${protocol} reached`]);
          assertTruePath(run, lab, family);
        }
      }
    });

    it("says why it can do nothing without privilege, and what it cannot do at all", TIME, async () => {
      using lab = await createLab(SCENARIOS.plain());
      const { code, stdout, stderr } = await cli(lab, "nobody", "auto", targetOf(lab, 4), "-n");
      assert.match(stderr, NOTE);
      assert.match(stdout, /^udp +- +unprivileged .* EPERM: a raw socket needs root or CAP_NET_RAW$/m);
      assert.match(stdout, /^tcp-connect:443 +connect +unsupported .* the raw-socket backend has no error queue/m);
      assert.equal(code, 3);
      const bound = await cli(lab, "root", "auto", targetOf(lab, 4), "-i", "eth1");
      assert.deepEqual(
        [bound.code, bound.stdout, bound.stderr],
        [2, "", "nettrace: Cannot choose a source address or interface: raw-socket cannot bind\n"],
      );
    });

    it("tells a missing, a prohibiting and a blackhole route apart", TIME, async () => {
      for (const [scenario, why] of [
        [SCENARIOS.missingRoute(), /unroutable .* ENETUNREACH: no route to the target$/m],
        [SCENARIOS.prohibitRoute(), /denied .* EACCES: a prohibit route/m],
        [SCENARIOS.blackholeRoute(), /denied .* EINVAL: a blackhole route/m],
      ] as const) {
        using lab = await createLab(scenario);
        for (const family of FAMILIES) {
          const { code, stdout } = await cli(lab, "root", "trace", targetOf(lab, family), "-n", "-P", "icmp");
          assert.match(stdout, why);
          assert.equal(code, 3);
        }
      }
    });
  });
}

/** All of our files as JavaScript, with the packages that they need, this one among them. */
async function transpileBeside(modules: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "nettrace-raw-socket-"));
  const bun = join(ROOT, "node_modules", ".bin", "bun");
  const { status, stderr } = spawnSync(bun, [join(ROOT, "test", "transpile.ts"), directory], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const own = join(directory, "node_modules");
  rmSync(own);
  mkdirSync(own);
  for (const from of [join(ROOT, "node_modules"), modules]) {
    for (const name of readdirSync(from)) {
      if (name.startsWith(".") || (from !== modules && name === "raw-socket")) continue;
      symlinkSync(join(from, name), join(own, name));
    }
  }
  // Some tests run it as nobody.
  await must(["chmod", "-R", "a+rX", directory]);
  return directory;
}
