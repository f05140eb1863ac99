/**
 * The Windows executable under Wine (`npm run wine`): not a part of `npm test`, since Wine takes 150 MB, and Bun for Windows
 * 115 MB more. It shows that the calls are made as Windows' headers have them, and Wine answers them; Windows itself has
 * never been seen by it.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { RunResult } from "../lab/command.ts";
import { createLab, type Lab } from "../lab/lab.ts";
import { describeInLab } from "../lab/suite.ts";
import { forwardingLibrary } from "./forwarder.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const TIME = { timeout: 120_000 };
const WINE = ["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"].find((path) => existsSync(path));
const MISSING = "Cannot run it: install wine64 (apt-get install --no-install-recommends wine64)";

/** Of the same version as the Bun that builds. */
async function buildForWindows(directory: string): Promise<string> {
  const name = `@oven/bun-windows-x64@${Bun.version}`;
  writeFileSync(join(directory, "package.json"), '{"private":true}\n');
  const options = ["install", "--no-save", "--force", "--no-audit", "--no-fund"];
  const { status, stderr } = spawnSync("npm", [...options, name], { cwd: directory, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const outfile = join(directory, "nettrace.exe");
  await Bun.build({
    entrypoints: [join(ROOT, "cli", "main.ts")],
    target: "bun",
    external: ["koffi"],
    compile: {
      target: "bun-windows-x64",
      executablePath: join(directory, "node_modules", "@oven", "bun-windows-x64", "bin", "bun.exe"),
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  });
  const library = forwardingLibrary("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036");
  writeFileSync(join(directory, "bcryptprimitives.dll"), library);
  return outfile;
}

if (WINE === undefined) describe("the Windows executable", () => it("runs under Wine", () => assert.fail(MISSING)));
else {
  describeInLab("the Windows executable under Wine", fileURLToPath(import.meta.url), () => {
    let directory = "";
    let executable = "";
    let lab: Lab;

    const nettrace = (...argv: readonly string[]): Promise<RunResult> => {
      const env = { WINEPREFIX: join(directory, "prefix"), HOME: directory, WINEDEBUG: "-all" };
      return lab.run("host", [WINE, executable, ...argv], { env, cwd: directory, timeoutMs: TIME.timeout });
    };

    before(async () => {
      directory = mkdtempSync(join(tmpdir(), "nettrace-wine-"));
      executable = await buildForWindows(directory);
      lab = await createLab({ hops: [{}, {}, {}], target: { tcpPorts: [443] } });
      // The first start makes Wine's own folders.
      await nettrace("--version");
    }, TIME);
    after(() => {
      lab?.[Symbol.dispose]();
      // Wine's server ends by itself some seconds after its last program.
      rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
    });

    it("tells its version and its usage", TIME, async () => {
      const version = await nettrace("--version");
      assert.deepEqual([version.code, /^nettrace \d/.test(version.stdout)], [0, true], version.stderr);
      const help = await nettrace("--help");
      assert.deepEqual([help.code, help.stdout.startsWith("Usage: nettrace ")], [0, true], help.stderr);
    });

    it("reaches this host by icmp", TIME, async () => {
      const { code, stdout, stderr } = await nettrace("auto", "127.0.0.1", "-n");
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^icmp +ping-socket +reached +1 .* echo reply$/m);
    });

    it("sees the routers by IcmpSendEcho2Ex", TIME, async () => {
      const { v4 } = lab.target;
      const { code, stdout, stderr } = await nettrace("auto", v4, "-n");
      assert.equal(code, 0, stderr);
      for (const [at, [router]] of lab.hops.entries()) {
        assert.ok(router !== undefined && stdout.includes(`\n ${at + 1}  ${router.v4}  `), stdout);
      }
      assert.ok(stdout.includes(`reached ${v4} by icmp in 4 hops`), stdout);
    });

    for (const [port, state] of [
      [443, "open"],
      [81, "closed"],
    ] as const) {
      it(
        `reaches the target by a handshake, and no router, which Wine does not tell: port ${state}`,
        TIME,
        async () => {
          const { v4 } = lab.target;
          const { code, stdout, stderr } = await nettrace("trace", v4, "-P", `tcp-connect:${port}`, "-n");
          assert.equal(code, 0, stderr);
          assert.match(stdout, /^ 3 {2}\* \* \*$/m);
          assert.match(stdout, new RegExp(`^ 4 {2}${v4.replaceAll(".", "\\.")} .* ${state}$`, "m"));
        },
      );
    }

    it("says what Windows cannot do", TIME, async () => {
      const { code, stdout } = await nettrace("trace", lab.target.v4, "-P", "udp", "-n");
      assert.equal(code, 3);
      assert.match(stdout, /Windows does not tell a UDP socket which router discarded its packets/);
    });
  });
}
