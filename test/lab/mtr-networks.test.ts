import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAddress } from "../../core/address.ts";
import { originName } from "../../core/asn/cymru.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { killGroup, type RunResult, runtime } from "./command.ts";
import { NETWORK_MTR_LINES } from "./differences/mtr.ts";
import type { DnsRecord } from "./spec.ts";
import { describeInLab } from "./suite.ts";
import { createTunLab, type TunLab } from "./tun/lab.ts";

const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));
const QUICK = ["-c", "1", "-G", "1"];

/** Networks are asked for public addresses alone. These stay behind the device: nothing else is there. */
const PATH: Topology = {
  hops: [
    { routers: [{ v4: "9.1.0.1", v6: "2600:1::1" }] },
    { routers: [{ v4: "9.2.0.1", v6: "2600:2::1" }] },
    { routers: [{ v4: "9.3.0.1", v6: "2600:3::1" }] },
  ],
  target: { v4: "9.9.9.9", v6: "2620:fe::fe" },
};

/** The second one's date is empty, the third one is not announced. */
const NETWORKS: Readonly<Record<string, string>> = {
  "9.1.0.1": "64501 | 9.1.0.0/16 | US | arin | 1998-09-25",
  "9.2.0.1": "64502 | 9.2.0.0/20 | DE | ripencc | ",
  "9.9.9.9": "4200000001 | 9.9.9.0/24 | CH | apnic | 2017-09-13",
  "2600:1::1": "64501 | 2600:1::/32 | US | arin | 2007-02-26",
  "2620:fe::fe": "4200000001 | 2620:fe::/48 | US | arin | 2016-05-03",
};

/** What is known of the first router, one field of it. */
const KNOWN = /^ {2}1\. (AS64501|9\.1\.0\.0\/16|2600:1::\/32|US|arin|1998-09-25) /m;

function recordsOf(address: string, value: string): DnsRecord[] {
  const parsed = parseAddress(address);
  assert.ok(parsed);
  const name = originName(parsed);
  // The real one asks for the first eight octets of an IPv6 address.
  const short = name.split(".").slice(16).join(".");
  return [name, ...(parsed.family === 6 ? [short] : [])].map((each) => ({ name: each, type: "TXT", value }));
}

/** Times are no two runs' same. */
function masked({ stdout, stderr, code }: RunResult): object {
  const text = stdout
    .replace(/^Start: .*$/gm, "Start: #")
    .replace(/(?<="(?!Loss)\w+": )\d+\.\d+/g, "#")
    .replace(/(?<=<(?!Loss)\w+>)[ \d.]+(?=<)/g, (time) => (time.includes(".") ? "#" : time))
    .replace(/(?<=\S) +\d+\.\d(?![%\d.])/g, (time) => "#".padStart(time.length));
  return { stdout: text, stderr, code };
}

describeInLab("mtr's networks beside the real one", fileURLToPath(import.meta.url), () => {
  const directory = mkdtempSync(join(tmpdir(), "nettrace-networks-"));
  let lab: TunLab;
  let server: ChildProcess;

  before(async () => {
    lab = await createTunLab(PATH);
    const zone = join(directory, "zone.json");
    const records = Object.entries(NETWORKS).flatMap(([address, value]) => recordsOf(address, value));
    writeFileSync(zone, JSON.stringify({ silent: false, silentNames: [], records }));
    writeFileSync(join(directory, "resolv.conf"), "nameserver 127.0.0.1\n");
    const [file = "", ...rest] = lab.inside([...runtime(new URL("./dns-server.ts", import.meta.url)), zone]);
    server = spawn(file, rest, { stdio: ["pipe", "pipe", "inherit"], detached: true });
    assert.ok(server.stdout);
    await once(server.stdout, "data");
  });
  after(() => {
    if (server !== undefined) killGroup(server);
    lab?.[Symbol.dispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const run = (argv: readonly string[]): Promise<RunResult> => {
    const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    return lab.run(["unshare", "-m", "sh", "-c", script, join(directory, "resolv.conf"), ...argv]);
  };

  for (const { args, family, difference } of NETWORK_MTR_LINES) {
    const differs = difference === undefined ? "" : `, differs: ${difference.why}`;
    it(`mtr ${args}, IPv${family ?? 4}${differs}`, async () => {
      const words = [...args.split(" "), ...QUICK, family === 6 ? lab.target.v6 : lab.target.v4];
      const real = await run(["mtr", ...words]);
      const ours = await run([EXECUTABLE, "mtr", ...words]);
      assert.equal(real.code, 0, real.stderr);
      if (args.startsWith("-r")) assert.match(real.stdout, KNOWN);
      if (difference === undefined) {
        assert.deepEqual(masked(ours), masked(real));
        return;
      }
      assert.notDeepEqual(masked(ours), masked(real), "no difference any more");
      assert.match(ours.stdout, difference.stdout ?? /^/);
      assert.equal(ours.code, difference.code, ours.stderr);
    });
  }
});
