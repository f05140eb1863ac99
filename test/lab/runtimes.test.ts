import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assertTruePath, FAMILIES, type JsonRun, TIME, targetOf, verdicts } from "./executable.ts";
import { createLab, type Lab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";
import { describeInLab } from "./suite.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name: string): string => join(ROOT, "node_modules", ".bin", name);

/** The sources, with the permissions that deno.json gives its task. */
function onDeno(): readonly string[] {
  const { tasks } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { tasks: { nettrace: string } };
  const [deno, ...rest] = tasks.nettrace.split(" ");
  assert.equal(deno, "deno");
  return [bin("deno"), ...rest.map((word) => (word === "cli/main.ts" ? join(ROOT, word) : word))];
}

describeInLab("the main job, from the sources, on the other runtimes", fileURLToPath(import.meta.url), () => {
  let lab: Lab;
  let transpiled = "";
  before(async () => {
    transpiled = mkdtempSync(join(tmpdir(), "nettrace-node-"));
    const { status, stderr } = spawnSync(bin("bun"), [join(ROOT, "test", "transpile.ts"), transpiled], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    lab = await createLab(SCENARIOS.restricted());
  }, TIME);
  after(() => {
    lab[Symbol.dispose]();
    rmSync(transpiled, { recursive: true, force: true });
  });

  const commands: Readonly<Record<string, () => readonly string[]>> = {
    Bun: () => [bin("bun"), join(ROOT, "cli", "main.ts")],
    "Deno, with the permissions of deno.json": onDeno,
    "Node, transpiled": () => ["node", join(transpiled, "cli", "main.js")],
  };
  for (const [name, command] of Object.entries(commands)) {
    describe(name, () => {
      for (const family of FAMILIES) {
        it(`reaches the target by tcp-syn:443 over true hops and says nothing else, IPv${family}`, TIME, async () => {
          // These start slowly: on a busy machine a quarter of a second would pass for silence.
          const options = ["-n", "--format", "json", "--stagger", "5000"];
          const argv = [...command(), "auto", targetOf(lab, family), ...options];
          const result = await lab.run("host", argv, { user: "root", timeoutMs: 30_000 });
          assert.equal(result.stderr, "");
          const run: JsonRun = { ...result, report: JSON.parse(result.stdout) };
          assert.deepEqual(verdicts(run), ["icmp denied", "udp denied", "tcp-syn:443 reached"]);
          assert.equal(run.code, 0);
          assertTruePath(run, lab, family);
        });
      }

      it("finds the names of the target and of the routers", TIME, async () => {
        const result = await lab.run("host", [...command(), "auto", lab.target.name, "-4"], { user: "root" });
        assert.equal(result.stderr, "");
        assert.match(result.stdout, /^ 2 {2}r2\.lab\.example \(198\.18\.2\.1\)/m);
        assert.match(result.stdout, /^12 {2}target\.lab\.example \(203\.0\.113\.10\).* open$/m);
      });
    });
  }
});
