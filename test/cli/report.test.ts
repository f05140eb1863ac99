import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { type HostProfile, RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import * as paths from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { runCli, text } from "./harness.ts";

const ADDRESS = "198.51.100.10";

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
formats(ajv);
const validate = ajv.compile(
  JSON.parse(readFileSync(new URL("../../docs/schema/report-1.json", import.meta.url), "utf8")),
);

describe("nettrace report", () => {
  it("prints mtr's table by the first protocol that arrives, and why not by the others", async () => {
    const names = { "10.0.1.1": "one.test" };
    const run = { topology: paths.plain(3), host: RESTRICTED, names };
    const { code, stdout, stderr } = await runCli(`report ${ADDRESS} -c 4`, run);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.equal(
      stdout,
      text`
        nettrace to 198.51.100.10 from 192.0.2.1 (eth0), 30 hops max
        4 rounds by tcp-syn:443, 1 s each; icmp and udp are refused by this host (EPERM: an OUTPUT rule drops it)

        HOST: here                  Loss%   Snt   Last   Avg  Best  Wrst StDev
          1.|-- one.test (10.0.1.1)  0.0%     4    2.0   2.0   2.0   2.0   0.0
          2.|-- 10.0.2.1             0.0%     4    4.0   4.0   4.0   4.0   0.0
          3.|-- 198.51.100.10        0.0%     4    6.0   6.0   6.0   6.0   0.0

        198.51.100.10 is reached in 3 hops, 0.0 % lost, 6.0 ms on average
      `,
    );
  });

  it("takes no longer than its rounds and one round trip, and shows - where nothing was measured", async () => {
    const quiet: Topology = { hops: [{ routers: [paths.router(1, { silent: true })] }], target: paths.target() };
    const { stdout, writes } = await runCli(`report ${ADDRESS} -c 3 --interval 0.5 -n`, { topology: quiet });
    assert.match(stdout, /^ {2}1\.\|-- \?\?\? {11}100\.0 {5}3 {6}- {5}- {5}- {5}- {5}-$/m);
    assert.ok((writes.at(-1)?.atMs ?? 0) < 3000);
  });

  it("goes by the protocol that is asked for, without a ladder", async () => {
    const { stdout, code } = await runCli(`report ${ADDRESS} -c 1 -P udp -n`, { topology: paths.plain(2) });
    assert.equal(code, 0);
    assert.match(stdout, /^1 round by udp, 1 s each\n/m);
  });

  it("says that the asked protocol is refused, with exit 3", async () => {
    const run = { topology: paths.plain(2), host: RESTRICTED };
    const { stdout, code } = await runCli(`report ${ADDRESS} -c 1 -P icmp`, run);
    assert.equal(code, 3);
    assert.match(
      stdout,
      /^198\.51\.100\.10 is not reached: nothing left this host; icmp is refused \(EPERM: an OUTPUT rule drops it\); without -P others are tried$/m,
    );
  });

  it("says that every protocol is refused, with exit 3", async () => {
    const host: HostProfile = { output: [{ action: { do: "drop" } }] };
    const { stdout, code } = await runCli(`report ${ADDRESS} -c 1`, { topology: paths.plain(2), host });
    assert.equal(code, 3);
    assert.match(stdout, /nothing left this host/);
    assert.match(stdout, /^to do: see the rules /m);
  });

  it("shows how far it goes where nobody reaches the target, with exit 1", async () => {
    const { stdout, code } = await runCli(`report ${ADDRESS} -c 2 -n --interval 0.1`, { topology: paths.silent() });
    assert.equal(code, 1);
    assert.match(stdout, /^198\.51\.100\.10 is not reached: silent after hop 4$/m);
    const turned = await runCli(`report ${ADDRESS} -c 2 -n --interval 0.1`, { topology: paths.unreachable() });
    assert.equal(turned.code, 1);
    assert.match(turned.stdout, /is not reached: hop \d says that there is no way on$/m);
  });

  it("tells limited ICMP from loss of the path", async () => {
    const limited: Topology = {
      hops: [{ routers: [paths.router(1, { icmpRateLimit: { perSecond: 0.3, burst: 1 } })] }],
      target: paths.target(),
    };
    const { stdout } = await runCli(`report ${ADDRESS} -c 20 -n`, { topology: limited });
    assert.match(stdout, /^hop 1: more goes unanswered than behind it, so what passes arrives: /m);
    const losing = await runCli(`report ${ADDRESS} -c 40 -n --interval 0.2`, { topology: paths.lossy(0.5) });
    assert.doesNotMatch(losing.stdout, /what passes arrives/);
  });

  it("says that INPUT drops the answers of the rounds, where the packet tap alone sees them", async () => {
    const host: HostProfile = { inputDropsIcmpErrors: true };
    const { stdout, code } = await runCli(`report ${ADDRESS} -c 5 -n -P icmp`, { topology: paths.plain(3), host });
    assert.equal(code, 0);
    assert.match(stdout, /^INPUT of this host drops answers: \d+ of \d+ were seen by the packet tap only; /m);
    const open = await runCli(`report ${ADDRESS} -c 5 -n -P icmp`, { topology: paths.plain(3) });
    assert.doesNotMatch(open.stdout, /INPUT/);
  });

  it("says which handshakes only the kernel's own retransmission brought about", async () => {
    const half: Topology = { hops: [{ routers: [paths.router(1, { loss: 0.5 })] }], target: paths.target() };
    const { stdout } = await runCli(`report ${ADDRESS} -c 30 -n -P tcp-connect:443`, { topology: half });
    assert.match(stdout, /^\d+ handshakes came about only after the kernel had sent the SYN again: /m);
    assert.match(stdout, /by tcp-connect:443, 1 s each, each probe a flow of its own$/m);
  });

  it("prints what there is at an interrupt, with exit 130", async () => {
    const interrupt = { atMs: 4200, signal: "SIGINT" as const };
    const { code, stdout } = await runCli(`report ${ADDRESS} -c 100 -n`, { topology: paths.plain(3), interrupt });
    assert.equal(code, 130);
    assert.match(stdout, /^[45] of 100 rounds by icmp, 1 s each$/m);
    assert.match(stdout, /^ {2}3\.\|-- 198\.51\.100\.10 {2}0\.0% {5}[45] /m);
    assert.match(stdout, /^stopped before the end; 198\.51\.100\.10 is reached/m);
  });

  it("shows progress on a terminal only, and clears it", async () => {
    const run = { topology: paths.plain(3), terminal: { stderr: true } };
    const { stderr } = await runCli(`report ${ADDRESS} -c 3 -n`, run);
    assert.match(stderr, /\r\x1b\[Kicmp: round 2 of 3/);
    assert.ok(stderr.endsWith("\r\x1b[K"));
  });

  const cases: readonly { readonly name: string; readonly topology: Topology; readonly host?: HostProfile }[] = [
    { name: "a plain path", topology: paths.plain(3) },
    { name: "the main job", topology: paths.scenario(), host: RESTRICTED },
    { name: "the main job, unprivileged", topology: paths.scenario(), host: { ...RESTRICTED, ...UNPRIVILEGED } },
    { name: "a silent target", topology: paths.silent() },
    { name: "an unreachable target", topology: paths.unreachable() },
    { name: "MPLS labels", topology: paths.mpls() },
    { name: "loss", topology: paths.lossy(0.5) },
    { name: "late answers", topology: paths.late() },
    { name: "hostile answers", topology: paths.hostile() },
    { name: "a refused host", topology: paths.plain(3), host: { output: [{ action: { do: "drop" } }] } },
    {
      name: "a local REJECT",
      topology: paths.plain(3),
      host: { output: [{ action: { do: "reject", with: "icmp" } }] },
    },
    { name: "no route", topology: paths.plain(3), host: { refusedRoutes: [{ errno: "ENETUNREACH" }] } },
  ];
  for (const { name, ...run } of cases) {
    it(`follows its schema for ${name}`, async () => {
      for (const argv of [`${ADDRESS} -c 4`, `2001:db8:ffff::10 -c 2`, `${ADDRESS} -c 2 -P icmp`]) {
        const { stdout, code } = await runCli(`report ${argv} --interval 0.2 --format json`, run);
        const document = JSON.parse(stdout);
        assert.ok(validate(document), JSON.stringify(validate.errors));
        assert.equal(JSON.parse(stdout).exit.code, code);
      }
    });
  }

  for (const [flags, message] of [
    ["-c 0", "Cannot use -c 0: it must be a whole number from 1 to 1000000000"],
    ["--interval 0", "Cannot use --interval 0: it must be a number of seconds from 0.001 to 86400"],
    ["-P nope", "Cannot use -P nope: the protocols are icmp, udp, tcp-syn, tcp-connect, tcp-reach"],
  ] as const) {
    it(`refuses in one line: ${flags}`, async () => {
      const { code, stderr } = await runCli(`report ${ADDRESS} ${flags}`, { topology: paths.plain(2) });
      assert.equal(stderr, `nettrace: ${message}\n`);
      assert.equal(code, 2);
    });
  }
});
