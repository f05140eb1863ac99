import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findPersonality } from "../../cli/personalities/mod.ts";
import { wire } from "../../core/mod.ts";
import { RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import * as paths from "../../core/sim/topologies.ts";
import { type CliResult, type CliRun, runCli, text } from "../cli/harness.ts";

const NAMES = { "10.0.1.1": "r1.test", "198.51.100.10": "dst.test" };

const run = (line: string, given: Partial<CliRun> = {}): Promise<CliResult> =>
  runCli(line, { topology: paths.plain(3), names: NAMES, ...given });

describe("traceroute on the simulated network", () => {
  it("prints what the real one prints", async () => {
    const { stdout, stderr, code } = await run("traceroute dst.test");
    assert.equal(
      stdout,
      text`
        traceroute to dst.test (198.51.100.10), 30 hops max, 60 byte packets
         1  r1.test (10.0.1.1)  2.000 ms  2.000 ms  2.000 ms
         2  10.0.2.1 (10.0.2.1)  4.000 ms  4.000 ms  4.000 ms
         3  dst.test (198.51.100.10)  6.000 ms  6.000 ms  6.000 ms
      `,
    );
    assert.deepEqual([stderr, code], ["", 0]);
  });

  it("prints each probe when its turn comes, and not at the end", async () => {
    const { writes } = await run("traceroute -n -q 1 dst.test", { topology: paths.late() });
    const at = (address: string): number => writes.find(({ text: part }) => part.includes(address))?.atMs ?? -1;
    assert.equal(writes[0]?.atMs, 0);
    assert.ok(at("10.0.1.1") >= 2 && at("10.0.1.1") < 100, String(at("10.0.1.1")));
  });

  it("goes by the method asked for", async () => {
    for (const method of ["-I", "-T", "-U", "-M tcpconn", "-M icmp", "--icmp", "-T -p 443 -O info", "-p 5000"]) {
      const { stdout, code } = await run(`traceroute -n ${method} dst.test`);
      assert.match(stdout, /\n 3 {2}198\.51\.100\.10( <syn,ack>)? {2}6\.000 ms {2}6\.000 ms {2}6\.000 ms\n$/, method);
      assert.equal(code, 0);
    }
  });

  it("takes the family from the options or from its own name", async () => {
    for (const line of ["traceroute -6 -n dst.test", "traceroute6 -n dst.test"]) {
      const { stdout } = await run(line);
      assert.match(stdout, /^traceroute to dst\.test \(2001:db8:ffff::10\), 30 hops max, 80 byte packets\n 1 {2}2001:/);
    }
    assert.match((await run("traceroute6 -4 -n dst.test")).stdout, /^traceroute to dst\.test \(198/);
  });

  it("shows the label stacks, the networks, the hops back and the size of packets", async () => {
    const labelled = await run("traceroute -n -e -q 1 dst.test", { topology: paths.mpls() });
    assert.match(labelled.stdout, /\n 2 {2}10\.0\.2\.1 <MPLS:L=339234,E=0,S=0,T=1\/L=16,E=5,S=1,T=254> {2}4\.000 ms\n/);
    const networks = { "10.0.1.1": [64502, 64503], "198.51.100.10": [64496] };
    const known = await run("traceroute -A -n -q 1 dst.test", { networks });
    assert.match(known.stdout, / 1 {2}10\.0\.1\.1 \[AS64502\/AS64503\] {2}2\.000 ms\n 2 {2}10\.0\.2\.1 \[\*\] {2}4/);
    const { hops, target } = paths.plain(3);
    const far = { hops: hops.with(1, { routers: [paths.router(2, { replyHopLimit: 60 })] }), target };
    assert.match(
      (await run("traceroute -n --back -q 1 dst.test", { topology: far })).stdout,
      / 2 {2}10\.0\.2\.1 '-6' {2}/,
    );
    const narrow = { hops: hops.with(0, { routers: [paths.router(1, { mtu: 1400 })] }), target };
    const { stdout } = await run("traceroute -n --mtu -q 2 dst.test", { topology: narrow });
    assert.equal(
      stdout,
      text`
        traceroute to dst.test (198.51.100.10), 30 hops max, 65000 byte packets
         1  10.0.1.1  2.000 ms F=1500  2.000 ms
         2  10.0.2.1  4.000 ms F=1400  4.000 ms
         3  198.51.100.10  6.000 ms  6.000 ms
      `,
    );
  });

  it("ends where a router says that there is no way on", async () => {
    const { stdout, code } = await run("traceroute -n dst.test", { topology: paths.unreachable() });
    assert.match(stdout, /\n 4 {2}10\.0\.3\.1 {2}6\.000 ms !H {2}6\.000 ms !H {2}6\.000 ms !H\n$/);
    assert.equal(code, 0);
  });

  it("ends well without having reached anything", async () => {
    const { stdout, code } = await run("traceroute -n -w 1 -m 6 dst.test", { topology: paths.silent() });
    assert.match(stdout, /\n 4 {2}10\.0\.4\.1 .*\n 5 {2}\* \* \*\n 6 {2}\* \* \*\n$/);
    assert.equal(code, 0);
  });

  it("says what the real one says where the host refuses, and one line more", async () => {
    const udp = await run("traceroute dst.test", { host: RESTRICTED });
    assert.equal(udp.stdout, "traceroute to dst.test (198.51.100.10), 30 hops max, 60 byte packets");
    assert.equal(
      udp.stderr,
      "\nsend: Operation not permitted\nnettrace: an OUTPUT rule refuses UDP; try: nettrace auto dst.test\n",
    );
    assert.equal(udp.code, 1);
    const icmp = await run("traceroute -I dst.test", { host: UNPRIVILEGED });
    assert.equal(icmp.stdout, "");
    assert.match(
      icmp.stderr,
      /^You do not have enough privileges to use this traceroute method\.\nsocket: Operation not permitted\nnettrace: /,
    );
    assert.equal(icmp.code, 1);
    const route = await run("traceroute dst.test", { host: { refusedRoutes: [{ errno: "EACCES" }] } });
    assert.match(route.stderr, /^\nconnect: Permission denied\nnettrace: /);
  });

  it("traces TCP without privilege, by the kernel's own handshake", async () => {
    const { stdout, stderr, code } = await run("traceroute -n -T -p 443 -O info dst.test", { host: UNPRIVILEGED });
    assert.match(stdout, / 3 {2}198\.51\.100\.10 <syn,ack> {2}6\.000 ms {2}6\.000 ms {2}6\.000 ms\n$/);
    assert.deepEqual([stderr, code], ["", 0]);
  });

  it("uses another method only where it is told to, and says so", async () => {
    for (const [line, env] of [
      ["traceroute -n -w 1 --fallback dst.test", {}],
      ["traceroute -n -w 1 dst.test", { NETTRACE_FALLBACK: "1" }],
    ] as const) {
      const { stdout, stderr, code } = await run(line, { host: RESTRICTED, env });
      assert.equal(stderr, "nettrace: UDP is refused here, this goes by tcp-syn:443\n");
      assert.match(stdout, /^traceroute to dst\.test .*\n 1 {2}10\.0\.1\.1 .*\n 2 .*\n 3 {2}198\.51\.100\.10 .*\n$/);
      assert.equal(code, 0);
    }
  });

  it("refuses by name what cannot be had", async () => {
    const { stdout, stderr, code } = await run("traceroute -g 10.0.1.1 dst.test");
    assert.match(stderr, /^traceroute: Cannot use -g: [^\n]+\n$/);
    assert.deepEqual([stdout, code], ["", 2]);
  });

  it("echoes nothing that could do harm", async () => {
    const { stderr } = await runCli(["traceroute", "-m", "\u001b[31m", "dst.test"], { topology: paths.plain(2) });
    assert.equal(stderr, "Cannot handle `-m' option with arg `\\x1b[31m' (argc 2)\n");
  });

  it("counts ports and sequence numbers as the real one does", async () => {
    const numbers = async (line: string): Promise<unknown> => {
      const { sent } = await run(`${line} -q 1 -N 1 -n -m 3 dst.test`);
      return sent.map(({ packet }) => {
        const ip = wire.parseIp(packet);
        const view = new DataView(ip?.payload.buffer ?? new ArrayBuffer(8), ip?.payload.byteOffset ?? 0);
        // UDP and TCP: the destination port; ICMP: the sequence number.
        return view.getUint16(ip?.protocol === 1 ? 6 : 2);
      });
    };
    assert.deepEqual(await numbers("traceroute"), [33434, 33435, 33436]);
    assert.deepEqual(await numbers("traceroute -p 65535"), [65535, 1, 2]);
    assert.deepEqual(await numbers("traceroute -p 1"), [1, 2, 3]);
    assert.deepEqual(await numbers("traceroute -U"), [53, 53, 53]);
    assert.deepEqual(await numbers("traceroute -T"), [80, 80, 80]);
    assert.deepEqual(await numbers("traceroute -I"), [1, 2, 3]);
    assert.deepEqual(await numbers("traceroute -I -p 500"), [500, 501, 502]);
  });

  it("sends packets as long as it says, from a port of its own each unless one is asked for", async () => {
    const packets = async (line: string): Promise<{ sizes: number[]; ports: number }> => {
      const { sent } = await run(`${line} -n -m 2 dst.test`);
      const ports = new Set(sent.map(({ packet }) => ((packet[20] ?? 0) << 8) | (packet[21] ?? 0)));
      return { sizes: [...new Set(sent.map(({ packet }) => packet.length))], ports: ports.size };
    };
    assert.deepEqual(await packets("traceroute -T"), { sizes: [60], ports: 6 });
    assert.deepEqual(await packets("traceroute -T --sport=4000"), { sizes: [60], ports: 1 });
    assert.deepEqual(await packets("traceroute -U"), { sizes: [60], ports: 6 });
    assert.deepEqual((await packets("traceroute -I")).sizes, [60]);
  });

  it("shows its help and version on stderr, with exit code 0", async () => {
    const help = await run("traceroute --help");
    assert.match(help.stderr, /^Usage: traceroute /);
    assert.ok(help.stderr.split("\n").length <= 25);
    assert.deepEqual([help.stdout, help.code], ["", 0]);
    assert.deepEqual((await run("traceroute -V")).code, 0);
  });
});

describe("tcptraceroute on the simulated network", () => {
  it("prints what the real one prints", async () => {
    const { stdout, stderr, code } = await run("tcptraceroute dst.test 443");
    assert.equal(
      stdout,
      text`
         1  10.0.1.1  2.000 ms  2.000 ms  2.000 ms
         2  10.0.2.1  4.000 ms  4.000 ms  4.000 ms
         3  dst.test (198.51.100.10) [open]  6.000 ms  6.000 ms  6.000 ms
      `,
    );
    assert.match(
      stderr,
      /^Selected device eth0, address 192\.0\.2\.1, port \d+ for outgoing packets\nTracing the path to dst\.test \(198\.51\.100\.10\) on TCP port 443 \(https\), 30 hops max\n$/,
    );
    assert.equal(code, 0);
  });

  it("names private addresses only when told to, and none with -n", async () => {
    assert.match((await run("tcptraceroute -N dst.test 443")).stdout, /^ 1 {2}r1\.test \(10\.0\.1\.1\) {2}/);
    assert.match((await run("tcptraceroute -n dst.test 443")).stdout, /\n 3 {2}198\.51\.100\.10 \[open\] {2}/);
  });

  it("ends with 1 where the target is not reached", async () => {
    const { stderr, code } = await run("tcptraceroute -m 2 dst.test");
    assert.match(stderr, /\nDestination not reached\n$/);
    assert.equal(code, 1);
  });

  it("shows a closed port, other responders on lines of their own, and stars", async () => {
    const closed = await run("tcptraceroute -w 1 dst.test 22", { topology: paths.scenario() });
    assert.match(closed.stdout, /^ 1 {2}\* \* \*\n/);
    assert.match(closed.stdout, /\n12 {2}dst\.test \(198\.51\.100\.10\) \[closed\] {2}/);
    const twins = [paths.router(1), paths.router(1, {}, 1)] as const;
    const balanced = { hops: [{ routers: twins, balance: "per-packet" }], target: paths.target() } as const;
    const { stdout } = await run("tcptraceroute -q 9 dst.test", { topology: balanced });
    assert.match(stdout, /^ 1 {2}10\.0\.1\.\d {2}2\.000 ms/);
    assert.match(stdout, /\n {4}10\.0\.1\.1 {2}2\.000 ms/);
    assert.match(stdout, /\n {4}10\.0\.1\.2 {2}2\.000 ms/);
  });

  it("says what the real one says where the host refuses", async () => {
    const { stderr, code } = await run("tcptraceroute dst.test 22", { host: RESTRICTED });
    assert.match(
      stderr,
      /\nlibnet_write failed\? {2}Attempted to write 60 bytes, only wrote -1\nnettrace: an OUTPUT rule/,
    );
    assert.equal(code, 1);
  });

  it("refuses by name what cannot be had, and what is wrong", async () => {
    assert.match((await run("tcptraceroute -A dst.test")).stderr, /^tcptraceroute: Cannot use -A: /);
    assert.equal((await run("tcptraceroute -q x dst.test")).stderr, "Numeric argument required for -q\n");
    assert.equal((await run("tcptraceroute -q 9999999 dst.test")).code, 1);
    const usage = await run("tcptraceroute");
    assert.match(usage.stderr, /^Usage: tcptraceroute /);
    assert.equal(usage.code, 1);
  });
});

describe("tracert on the simulated network", () => {
  it("prints what Windows prints", async () => {
    const { stdout, stderr, code } = await run("tracert -4 dst.test");
    assert.equal(
      stdout,
      `
Tracing route to dst.test [198.51.100.10]
over a maximum of 30 hops:

  1     2 ms     2 ms     2 ms  r1.test [10.0.1.1]
  2     4 ms     4 ms     4 ms  10.0.2.1
  3     6 ms     6 ms     6 ms  dst.test [198.51.100.10]

Trace complete.
`,
    );
    assert.deepEqual([stderr, code], ["", 0]);
  });

  it("says when nobody answered and when there is no way on", async () => {
    const silent = await run("tracert -d -w 100 -h 2 198.51.100.10", { topology: paths.scenario() });
    assert.equal(
      silent.stdout,
      `
Tracing route to 198.51.100.10 over a maximum of 2 hops

  1     *        *        *     Request timed out.
  2     4 ms     4 ms     4 ms  10.0.2.1

Trace complete.
`,
    );
    const { stdout } = await run("tracert /d -4 dst.test", { topology: paths.unreachable() });
    assert.match(stdout, /\n {2}4 {2}10\.0\.3\.1 {2}reports: Destination host unreachable\.\n\nTrace complete\.\n$/);
  });

  it("ends with 1 where the host refuses, or knows no such name", async () => {
    const refused = await run("tracert -4 dst.test", { host: RESTRICTED });
    assert.match(refused.stdout, /\n {2}1 {2}General failure\.\n\nTrace complete\.\n$/);
    assert.match(refused.stderr, /^nettrace: an OUTPUT rule refuses ICMP; try: /);
    assert.equal(refused.code, 1);
    const unknown = await run("tracert no.test", { addresses: { "no.test": [] } });
    assert.equal(unknown.stdout, "Unable to resolve target system name no.test.\n");
    assert.equal(unknown.code, 1);
  });

  it("refuses by name what cannot be had, and what is wrong", async () => {
    assert.match((await run("tracert -j 10.0.0.1 dst.test")).stdout, /^tracert: Cannot use -j: /);
    assert.match((await run("tracert /R dst.test")).stdout, /^tracert: Cannot use \/R: /);
    assert.match((await run("tracert -x dst.test")).stdout, /^-x is not a valid command option\.\n/);
    assert.match((await run("tracert -h 0 dst.test")).stdout, /^Bad value for option -h\.\n/);
    assert.match((await run("tracert -w")).stdout, /^A value must be supplied for option -w\.\n/);
    assert.match((await run("tracert -d")).stdout, /^A target name or address must be specified\.\n/);
  });
});

describe("a personality by its name", () => {
  it("is found by a command or by the path of a link", () => {
    for (const name of ["traceroute", "traceroute6", "/usr/bin/tcptraceroute", "tracert", "tracert4"]) {
      assert.ok(findPersonality(name), name);
    }
    assert.equal(findPersonality("auto"), undefined);
    assert.equal(findPersonality("nettrace"), undefined);
  });
});
