import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type HostProfile, RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import * as paths from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { type CliRun, runCli, text } from "../cli/harness.ts";

const T4 = "198.51.100.10";
const T6 = "2001:db8:ffff::10";
const NAMES = { [T4]: "dst.test", [T6]: "dst.test", "10.0.1.1": "r1.test", "2001:db8:1::1": "r1.test" };

const run = (line: string, more: Partial<CliRun> = {}): ReturnType<typeof runCli> =>
  runCli(`ping ${line}`, { topology: paths.plain(4), names: NAMES, ...more });

const withTarget = (more: Partial<Topology["target"]>, hops = 4): Topology => {
  const topology = paths.plain(hops);
  return { ...topology, target: { ...topology.target, ...more } };
};

describe("ping", () => {
  it("prints what iputils prints, for an IPv4 address", async () => {
    const { stdout, stderr, code } = await run(`-c 3 ${T4}`);
    assert.equal(
      stdout,
      text`
        PING 198.51.100.10 (198.51.100.10) 56(84) bytes of data.
        64 bytes from 198.51.100.10: icmp_seq=1 ttl=61 time=8.00 ms
        64 bytes from 198.51.100.10: icmp_seq=2 ttl=61 time=8.00 ms
        64 bytes from 198.51.100.10: icmp_seq=3 ttl=61 time=8.00 ms

        --- 198.51.100.10 ping statistics ---
        3 packets transmitted, 3 received, 0% packet loss, time 2000ms
        rtt min/avg/max/mdev = 8.000/8.000/8.000/0.000 ms
      `,
    );
    assert.deepEqual([stderr, code], ["", 0]);
  });

  it("prints names where the host was named, in both families' forms", async () => {
    const six = await run("-c 1 dst.test");
    assert.equal(
      six.stdout.split("\n").slice(0, 2).join("\n"),
      "PING dst.test(dst.test (2001:db8:ffff::10)) 56 data bytes\n" +
        "64 bytes from dst.test (2001:db8:ffff::10): icmp_seq=1 ttl=61 time=8.00 ms",
    );
    const four = await run("-4 -c 1 dst.test");
    assert.match(
      four.stdout,
      /^PING dst\.test \(198\.51\.100\.10\) 56\(84\) bytes of data\.\n64 bytes from dst\.test \(198/,
    );
    const numeric = await run("-n -c 1 dst.test");
    assert.match(
      numeric.stdout,
      /^PING dst\.test\(2001:db8:ffff::10\) 56 data bytes\n64 bytes from 2001:db8:ffff::10: /,
    );
  });

  it("sends the sequence numbers that it prints", async () => {
    const { stdout } = await run(`-c 2 -s 0 ${T4}`);
    assert.match(
      stdout,
      /0\(28\) bytes of data\.\n8 bytes from 198\.51\.100\.10: icmp_seq=1 ttl=61\n8 bytes from .* icmp_seq=2 ttl=61\n/,
    );
    assert.doesNotMatch(stdout, /rtt/);
  });

  it("is silent between header and summary with -q, and stamps lines with -D", async () => {
    assert.equal((await run(`-q -c 2 ${T4}`)).stdout.split("\n").length, 6);
    const { stdout } = await run(`-D -c 1 ${T4}`);
    // The simulation starts at 2026-01-02T03:04:05.678Z, and the answer comes after 8 ms.
    assert.match(stdout, /^\[1767323045\.686000\] 64 bytes from/m);
  });

  it("counts errors, and ends with 1 where nothing was received", async () => {
    const { stdout, code } = await run("-4 -c 2 -t 1 dst.test");
    assert.equal(
      stdout,
      text`
        PING dst.test (198.51.100.10) 56(84) bytes of data.
        From r1.test (10.0.1.1) icmp_seq=1 Time to live exceeded
        From r1.test (10.0.1.1) icmp_seq=2 Time to live exceeded

        --- dst.test ping statistics ---
        2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1000ms

      `,
    );
    assert.equal(code, 1);
    const { stdout: six } = await run(`-c 1 -t 1 ${T6}`);
    assert.match(six, /^From 2001:db8:1::1 icmp_seq=1 Time exceeded: Hop limit$/m);
    const unreachable = await run(`-c 1 ${T4}`, { topology: paths.unreachable() });
    assert.match(unreachable.stdout, /^From 10\.0\.3\.1 icmp_seq=1 Destination Host Unreachable$/m);
  });

  it("tells what has not been answered yet with -O, and waits -W at the end of silence", async () => {
    const { stdout, writes, code } = await run(`-O -c 3 -i 0.2 -W 0.5 ${T4}`, { topology: paths.silent() });
    assert.match(stdout, /data\.\nno answer yet for icmp_seq=1\nno answer yet for icmp_seq=2\n\n---/);
    assert.match(stdout, /3 packets transmitted, 0 received, 100% packet loss, time 400ms\n\n$/);
    assert.equal(writes.at(-1)?.atMs, 900);
    assert.equal(code, 1);
  });

  it("waits after the last probe for twice the slowest answer or an interval, where there were answers", async () => {
    // The third answer of each four is lost: 8 ms are the slowest, one second the interval.
    const topology = withTarget({ extraDelay: { ms: 5000, chance: 0.4 } });
    const { stdout, writes } = await run(`-c 4 ${T4}`, { topology });
    assert.match(stdout, /4 packets transmitted, [123] received/);
    assert.equal(writes.at(-1)?.atMs, 4000);
  });

  it("marks duplicates and counts them apart", async () => {
    const { stdout } = await run(`-c 2 ${T4}`, { topology: withTarget({ duplicates: 1 }) });
    assert.match(stdout, /icmp_seq=1 ttl=61 time=8\.00 ms \(DUP!\)\n/);
    assert.match(stdout, /2 packets transmitted, 2 received, \+[12] duplicates, 0% packet loss/);
  });

  it("ends at the deadline, or as soon as enough was received, or at the first error", async () => {
    const silent = await run(`-w 3 ${T4}`, { topology: paths.silent() });
    assert.match(silent.stdout, /3 packets transmitted, 0 received, 100% packet loss, time 2000ms/);
    assert.deepEqual([silent.writes.at(-1)?.atMs, silent.code], [3000, 1]);
    const enough = await run(`-w 9 -c 2 ${T4}`);
    assert.match(enough.stdout, /2 packets transmitted, 2 received/);
    assert.equal(enough.code, 0);
    const error = await run(`-w 9 ${T4}`, { topology: paths.unreachable() });
    assert.match(error.stdout, /1 packets transmitted, 0 received, \+1 errors/);
    const few = await run(`-w 3 -c 9 ${T4}`);
    assert.match(few.stdout, /3 packets transmitted, 3 received/);
    assert.equal(few.code, 1);
  });

  it("paces itself by the round trip with -A, and tells the pace", async () => {
    const { stdout } = await run(`-A -c 4 ${T4}`);
    assert.match(stdout, /4 received, 0% packet loss, time 24ms\nrtt .*, ipg\/ewma 8\.000\/8\.000 ms\n$/);
  });

  it("sends several at once with -l", async () => {
    const { stdout } = await run(`-l 3 -c 3 ${T4}`);
    assert.match(stdout, /time 0ms\nrtt min\/avg\/max\/mdev = 8\.000\/8\.000\/8\.000\/0\.000 ms, pipe 3\n$/);
  });

  it("tells of a narrow link and then refuses to send what does not fit", async () => {
    const plain = paths.plain(4);
    const hops = plain.hops.map((hop, at) => (at === 1 ? { routers: [paths.router(2, { mtu: 1400 })] as const } : hop));
    const { stdout, stderr, code } = await run(`-M do -s 1472 -c 3 ${T4}`, { topology: { ...plain, hops } });
    assert.match(stdout, /^From 10\.0\.2\.1 icmp_seq=1 Frag needed and DF set \(mtu = 1400\)$/m);
    assert.match(stdout, /3 packets transmitted, 0 received, \+3 errors, 100% packet loss/);
    assert.equal(stderr, "ping: local error: message too long, mtu=1400\n".repeat(2));
    assert.equal(code, 1);
  });

  it("prints its summary when it is interrupted", async () => {
    const { stdout, code } = await run(T4, { interrupt: { atMs: 2500, signal: "SIGINT" } });
    assert.match(stdout, /3 packets transmitted, 3 received, 0% packet loss, time 2000ms\nrtt /);
    assert.equal(code, 0);
  });

  it("tells its status when it is asked", async () => {
    const { stderr } = await run(`-c 3 ${T4}`, { statusAtMs: 1500 });
    assert.equal(stderr, "\r2/2 packets, 0% loss, min/avg/ewma/max = 8.000/8.000/8.000/8.000 ms\n");
  });

  it("says who is unknown, or has no address of the family", async () => {
    const lookup = async (): Promise<never> => {
      throw Object.assign(new Error("no"), { code: "ENOTFOUND" });
    };
    const unknown = await run("-c 1 nosuch.test", { lookup });
    assert.deepEqual([unknown.stderr, unknown.code], ["ping: nosuch.test: Name or service not known\n", 2]);
    const family = await run(`-4 -c 1 ${T6}`);
    assert.deepEqual([family.stderr, family.code], [`ping: ${T6}: Address family for hostname not supported\n`, 2]);
    const group = await run("-c 1 224.0.0.1");
    assert.deepEqual([group.stderr, group.code], ["ping: 224.0.0.1: groups are not pinged here\n", 2]);
  });

  it("prints hostile names harmlessly", async () => {
    const { stdout } = await run("-4 -c 1 dst.test", { names: { [T4]: "\x1b[31mred" } });
    assert.match(stdout, /from \\x1b\[31mred \(198\.51\.100\.10\)/);
  });
});

describe("ping on a host that refuses", () => {
  it("prints the line that people know for each probe, and then what to do", async () => {
    const { stdout, stderr, code } = await run(`-c 2 ${T4}`, { host: RESTRICTED });
    assert.equal(
      stderr,
      `${"ping: sendmsg: Operation not permitted\n".repeat(2)}nettrace: an OUTPUT rule refuses ICMP; try: nettrace auto ${T4}\n`,
    );
    assert.match(stdout, /2 packets transmitted, 0 received, 100% packet loss/);
    assert.equal(code, 1);
  });

  it("says what iputils says where it gets no socket", async () => {
    const { stdout, stderr, code } = await run(`-c 1 ${T4}`, { host: UNPRIVILEGED });
    const [first, second, third, hint] = stderr.split("\n");
    assert.deepEqual([first, second], ["ping: socktype: SOCK_RAW", "ping: socket: Operation not permitted"]);
    assert.equal(third, "ping: => missing cap_net_raw+p capability or setuid?");
    assert.match(hint ?? "", /^nettrace: ICMP needs root or CAP_NET_RAW .*; try: nettrace auto 198\.51\.100\.10$/);
    assert.deepEqual([stdout, code], ["", 2]);
  });

  it("works by a ping socket where that is allowed", async () => {
    const host: HostProfile = { refusedSockets: [{ types: ["raw"], errno: "EPERM" }] };
    const { stdout, code } = await run(`-c 1 ${T4}`, { host });
    assert.match(stdout, /64 bytes from 198\.51\.100\.10: icmp_seq=1 ttl=61 time=8\.00 ms/);
    assert.equal(code, 0);
  });

  it("goes by what works, and says so, where a fallback is wanted", async () => {
    for (const more of [{ env: { NETTRACE_FALLBACK: "1" } }, {}]) {
      const flag = "env" in more ? "" : "--fallback ";
      const { stdout, stderr, code } = await run(`${flag}-c 2 -s 100 ${T4}`, { host: RESTRICTED, ...more });
      assert.equal(stderr, "nettrace: ICMP is refused here, this goes by tcp-syn:443\n");
      assert.match(stdout, /^from 198\.51\.100\.10: tcp_seq=1 port=443 open ttl=61 time=8\.00 ms$/m);
      assert.match(stdout, /2 packets transmitted, 2 received, 0% packet loss/);
      assert.equal(code, 0);
    }
  });

  it("falls back from refused sockets too, down to connect", async () => {
    const { stdout, stderr, code } = await run(`--fallback -c 1 ${T4}`, { host: { ...UNPRIVILEGED, ...RESTRICTED } });
    assert.equal(stderr, "nettrace: ICMP is refused here, this goes by tcp-connect:443\n");
    assert.match(stdout, /^from 198\.51\.100\.10: tcp_seq=1 port=443 open time=8\.00 ms$/m);
    assert.equal(code, 0);
  });

  it("says why there is no way, and how to see it", async () => {
    const host: HostProfile = { refusedRoutes: [{ errno: "ENETUNREACH" }] };
    const { stderr, code } = await run(`-c 1 ${T4}`, { host });
    assert.equal(
      stderr,
      `ping: connect: Network is unreachable\nnettrace: this host has no route to the target; try: ip route get ${T4}\n`,
    );
    assert.equal(code, 2);
  });
});

describe("ping to a port", () => {
  it("tells open from closed over TCP, with privilege and without", async () => {
    for (const host of [{}, UNPRIVILEGED]) {
      const ttl = host === UNPRIVILEGED ? "" : " ttl=61";
      const open = await run(`--tcp 443 -c 1 ${T4}`, { host });
      assert.match(
        open.stdout,
        new RegExp(`^PING ${T4} \\(${T4}\\) tcp port 443\nfrom ${T4}: tcp_seq=1 port=443 open${ttl} time=8\\.00 ms\n`),
      );
      const closed = await run(`--tcp 81 -c 1 ${T4}`, { host });
      assert.match(closed.stdout, new RegExp(`^from ${T4}: tcp_seq=1 port=81 closed${ttl} time=8\\.00 ms$`, "m"));
      assert.deepEqual([open.code, closed.code], [0, 0]);
    }
  });

  it("takes a closed UDP port for an answer, and a UDP answer too", async () => {
    const closed = await run(`--udp 33434 -c 1 ${T6}`);
    assert.match(closed.stdout, /^from 2001:db8:ffff::10: udp_seq=1 port=33434 closed ttl=61 time=8\.00 ms$/m);
    const open = await run(`--udp 53 -c 1 ${T4}`, { topology: withTarget({ udp: "answer" }) });
    assert.match(open.stdout, /^from 198\.51\.100\.10: udp_seq=1 port=53 open ttl=61 time=8\.00 ms$/m);
  });

  it("tells errors of routers as for echo requests", async () => {
    const { stdout, code } = await run(`--tcp 443 -t 2 -c 1 -n ${T4}`);
    assert.match(stdout, /^From 10\.0\.2\.1 tcp_seq=1 Time to live exceeded$/m);
    assert.equal(code, 1);
  });
});

describe("the name that ping is called by", () => {
  it("chooses the family", async () => {
    const six = await runCli(`ping6 -c 1 dst.test`, { topology: paths.plain(3), names: NAMES });
    assert.match(six.stdout, /^PING dst\.test\(dst\.test \(2001:db8:ffff::10\)\) 56 data bytes/);
    const wrong = await runCli(`ping4 -c 1 ${T6}`, { topology: paths.plain(3) });
    assert.equal(wrong.stderr, `ping4: ${T6}: Address family for hostname not supported\n`);
  });

  it("has a help that fits a screen, and a version", async () => {
    const { stdout, code } = await run("--help");
    assert.ok(stdout.trimEnd().split("\n").length < 24);
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
    assert.equal(code, 0);
    assert.match((await run("-V")).stdout, /^ping from nettrace \d+\.\d+\.\d+, after iputils 20221126\n$/);
    const usage = await run("-h");
    assert.deepEqual([usage.stdout, usage.code], ["", 2]);
  });
});
