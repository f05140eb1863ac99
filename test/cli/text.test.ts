import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import * as paths from "../../core/sim/topologies.ts";
import { runCli, text, withoutDurations } from "./harness.ts";

/** Hop 2 answers 300 ms late; the target is silent, so that the trace lasts long enough to see it. */
const lateAndSilent = {
  hops: paths.plain(5).hops.with(1, { routers: [paths.router(2, { extraDelay: { ms: 300 } })] }),
  target: paths.silent().target,
};

describe("text output", () => {
  it("shows header, ladder, hops and one sentence", async () => {
    const { stdout, stderr, code } = await runCli("auto dst.test -4", { topology: paths.plain(3) });
    assert.equal(
      withoutDurations(stdout),
      text`
        nettrace to dst.test (198.51.100.10) from 192.0.2.1 (eth0), 30 hops max

        protocol         mode          verdict       hops     ms  why
        icmp             raw           reached          3      #  echo reply

        hops seen by icmp
         1  10.0.1.1  2.000 ms  2.000 ms  2.000 ms
         2  10.0.2.1  4.000 ms  4.000 ms  4.000 ms
         3  198.51.100.10  6.000 ms  6.000 ms  6.000 ms

        reached 198.51.100.10 by icmp in 3 hops
      `,
    );
    assert.equal(stderr, "");
    assert.equal(code, 0);
  });

  it("says on a restricted host what is refused, and shows the hops of the protocol that gets out", async () => {
    const names = { "10.0.2.1": "r2.lab.example" };
    const run = { topology: paths.scenario(), host: RESTRICTED, names };
    const { stdout, code } = await runCli("auto dst.test -4", run);
    assert.equal(
      withoutDurations(stdout),
      text`
        nettrace to dst.test (198.51.100.10) from 192.0.2.1 (eth0), 30 hops max

        protocol         mode          verdict       hops     ms  why
        icmp             raw           denied           -      #  EPERM: an OUTPUT rule drops it
        udp              udp+raw-icmp  denied           -      #  EPERM: an OUTPUT rule drops it
        tcp-syn:443      raw           reached         12      #  port open

        hops seen by tcp-syn:443
         1  * * *
         2  r2.lab.example (10.0.2.1)  4.000 ms  4.000 ms  4.000 ms
         3  10.0.3.1  6.000 ms  6.000 ms  6.000 ms
         4  10.0.4.1  8.000 ms  8.000 ms  8.000 ms
         5  10.0.5.1  10.000 ms  10.000 ms  10.000 ms
         6  10.0.6.1  12.000 ms  12.000 ms  12.000 ms
         7  10.0.7.1  14.000 ms  14.000 ms  14.000 ms
         8  10.0.8.1  16.000 ms  16.000 ms  16.000 ms
         9  10.0.9.1  18.000 ms  18.000 ms  18.000 ms
        10  10.0.10.1  20.000 ms  20.000 ms  20.000 ms
        11  10.0.11.1  22.000 ms  22.000 ms  22.000 ms
        12  198.51.100.10  24.000 ms  24.000 ms  24.000 ms open

        reached 198.51.100.10 by tcp-syn:443 in 12 hops; icmp and udp are refused by this host (EPERM: an OUTPUT rule drops it)
      `,
    );
    assert.equal(code, 0);
  });

  it("shows the same hops without privilege, by tcp-connect", async () => {
    const host = { ...RESTRICTED, ...UNPRIVILEGED };
    const root = await runCli("auto dst.test -4", { topology: paths.scenario(), host: RESTRICTED });
    const nobody = await runCli("auto dst.test -4", { topology: paths.scenario(), host });
    const responders = (stdout: string): readonly string[] => stdout.match(/^ ?\d+ {2}\S+/gm) ?? [];
    assert.match(nobody.stdout, /reached 198\.51\.100\.10 by tcp-connect:443 in 12 hops/);
    assert.equal(responders(nobody.stdout).length, 12);
    assert.deepEqual(
      responders(nobody.stdout).toSpliced(4, 1).toSpliced(6, 1),
      responders(root.stdout).toSpliced(4, 1).toSpliced(6, 1),
    );
    assert.equal(nobody.code, 0);
  });

  it("names the hop after which a protocol goes silent", async () => {
    const { stdout, code } = await runCli("auto dst.test -4 -n", { topology: paths.filtered() });
    assert.equal(
      lastLine(stdout),
      "reached 198.51.100.10 by tcp-syn:443 in 8 hops; icmp and udp go silent after hop 4 (10.0.4.1)",
    );
    assert.match(stdout, /^icmp {13}raw {11}filtered {9}4 {4}\d+ {2}silent after hop 4 \(10\.0\.4\.1\)$/m);
    assert.equal(code, 0);
  });

  it("tells a closed port from an open one", async () => {
    const { stdout, code } = await runCli("trace dst.test -4 -P tcp-syn:99", { topology: paths.closed() });
    assert.match(stdout, /^tcp-syn:99 {2}raw {11}reached .* port closed$/m);
    assert.match(stdout, /^ 5 {2}198\.51\.100\.10 {2}10\.000 ms {2}10\.000 ms {2}10\.000 ms closed$/m);
    assert.equal(lastLine(stdout), "reached 198.51.100.10 by tcp-syn:99 in 5 hops (the port is closed)");
    assert.equal(code, 0);
  });

  it("collapses the silent hops at the end of a path", async () => {
    const { stdout, code } = await runCli("trace dst.test -4 -P udp", { topology: paths.silent() });
    assert.equal(
      withoutDurations(stdout),
      text`
        nettrace to dst.test (198.51.100.10) from 192.0.2.1 (eth0), 30 hops max

        protocol  mode          verdict       hops     ms  why
        udp       udp+raw-icmp  filtered         4      #  silent after hop 4 (10.0.4.1)

        hops seen by udp
         1  10.0.1.1  2.000 ms  2.000 ms  2.000 ms
         2  10.0.2.1  4.000 ms  4.000 ms  4.000 ms
         3  10.0.3.1  6.000 ms  6.000 ms  6.000 ms
         4  10.0.4.1  8.000 ms  8.000 ms  8.000 ms
        5-16  * * *  (no answer)

        198.51.100.10 is not reached; udp goes silent after hop 4 (10.0.4.1)
      `,
    );
    assert.equal(code, 1);
  });

  it("marks what routers say of an unreachable host, IPv4 and IPv6", async () => {
    const four = await runCli("trace dst.test -4 -P icmp", { topology: paths.unreachable() });
    assert.match(four.stdout, /^ 4 {2}10\.0\.3\.1 {2}6\.000 ms !H {2}6\.000 ms !H {2}6\.000 ms !H$/m);
    assert.equal(
      lastLine(four.stdout),
      "198.51.100.10 is not reached; icmp is turned back: hop 4 (10.0.3.1) says host unreachable (!H)",
    );
    assert.equal(four.code, 1);
    const six = await runCli("trace dst.test -6 -P icmp", { topology: paths.unreachable() });
    assert.match(six.stdout, /^ 4 {2}2001:db8:3::1 {2}6\.000 ms !H /m);
  });

  it("says that a path loops", async () => {
    const { stdout, code } = await runCli("trace dst.test -4 -P icmp -m 9", { topology: paths.loop() });
    assert.equal(
      lastLine(stdout),
      "198.51.100.10 is not reached; icmp does not arrive: a routing loop from hop 3: 10.0.3.1 and 10.0.4.1 take turns",
    );
    assert.equal(code, 1);
  });

  it("shows MPLS labels as traceroute does", async () => {
    const { stdout } = await runCli("trace dst.test -4 -P icmp", { topology: paths.mpls() });
    const labels = "<MPLS:L=339234,E=0,S=0,T=1/L=16,E=5,S=1,T=254>";
    assert.ok(stdout.includes(` 2  10.0.2.1 ${labels}  4.000 ms  4.000 ms  4.000 ms\n`));
    assert.ok(stdout.includes(" 3  10.0.3.1 <MPLS:L=24001,E=2,S=1,T=1>  6.000 ms  6.000 ms  6.000 ms\n"));
  });

  it("shows several responders of a hop as their answers come", async () => {
    const { stdout } = await runCli("trace dst.test -4 -P tcp-syn --flow vary", { topology: paths.scenario() });
    assert.match(stdout, /^ 5 {2}10\.0\.5\.\d {2}10\.000 ms {2}.*10\.0\.5\.\d {2}10\.000 ms$/m);
  });

  it("marks late answers as late", async () => {
    const { stdout } = await runCli("trace dst.test -4 -P icmp", { topology: lateAndSilent });
    assert.match(stdout, /^ 2 {2}10\.0\.2\.1 {2}304\.000 ms late {2}304\.000 ms late {2}304\.000 ms late$/m);
  });

  it("marks an answer that came on another flow than the path's own", async () => {
    const { stdout } = await runCli("trace dst.test -4 -P tcp-connect", { topology: lateAndSilent });
    assert.match(stdout, /^ 2 {2}\* \* \* {2}10\.0\.2\.1 {2}304\.000 ms late \+$/m);
    assert.match(stdout, /^ {4}\+ seen on another flow only$/m);
  });

  it("explains each refusal, and what to do, where nothing gets out", async () => {
    const host = { output: [{ action: { do: "drop" } }] } as const;
    const { stdout, code } = await runCli("auto dst.test -4", { topology: paths.plain(3), host });
    assert.equal(stdout.match(/ denied /g)?.length, 6);
    assert.doesNotMatch(stdout, /hops seen by/);
    assert.match(stdout, /is not reached: nothing left this host; icmp, udp and tcp-syn are refused/);
    assert.match(stdout, /TCPRetransFail/);
    assert.match(lastLine(stdout), /^to do: see the rules with "iptables -S OUTPUT" or "nft list ruleset"/);
    assert.equal(code, 3);
  });

  it("explains for want of privilege what needs none", async () => {
    const { stdout, code } = await runCli("auto dst.test -4 --order icmp,tcp-syn", {
      topology: paths.plain(3),
      host: UNPRIVILEGED,
    });
    assert.match(stdout, /is not reached: nothing left this host; icmp and tcp-syn:443 need privilege$/m);
    assert.equal(lastLine(stdout), "to do: run as root, or try udp and tcp-connect, which need no privilege");
    assert.equal(code, 3);
  });

  it("does not call a host's occasional refusal a denial", async () => {
    const host = { output: [{ action: { do: "drop", everyNth: 3 } }] } as const;
    const { stdout, code } = await runCli("trace dst.test -4 -P icmp", { topology: paths.plain(5), host });
    assert.match(stdout, /^icmp {6}raw {11}reached /m);
    assert.match(lastLine(stdout), /^this host refused \d+ sends of icmp now and then/);
    assert.equal(code, 0);
  });

  it("says that INPUT drops the answers where only the packet tap saw them", async () => {
    const host = { inputDropsIcmpErrors: true };
    const { stdout } = await runCli("trace dst.test -4 -P tcp-syn", { topology: paths.plain(5), host });
    assert.match(lastLine(stdout), /^INPUT of this host drops answers: 12 of \d+ .* ESTABLISHED but not RELATED/);
  });

  it("prints names of strangers without their control characters", async () => {
    const names = {
      "10.0.1.1": "\x1b[31mred\x07\x9b2J",
      "10.0.2.1": "a\u202eb\u200bc\x7f\r\n",
      "10.0.3.1": "bücher.example",
    };
    const { stdout } = await runCli("trace dst.test -4 -P icmp", { topology: paths.plain(4), names });
    assert.ok(stdout.includes(" 1  \\x1b[31mred\\x07\\x9b2J (10.0.1.1)  2.000 ms"));
    assert.ok(stdout.includes(" 2  a\\u{202e}b\\u{200b}c\\x7f\\x0d\\x0a (10.0.2.1)  4.000 ms"));
    assert.ok(stdout.includes(" 3  bücher.example (10.0.3.1)"));
  });

  it("takes no name that reads as an address", async () => {
    const names = { "10.0.1.1": "192.0.2.66", "10.0.2.1": "2001:db8::66" };
    const { stdout } = await runCli("trace dst.test -4 -P icmp", { topology: paths.plain(3), names });
    assert.doesNotMatch(stdout, /66/);
  });

  it("shows addresses only with -n, name and address with -b as without", async () => {
    const run = { topology: paths.plain(3), names: { "10.0.1.1": "r1.example." } };
    const numeric = await runCli("trace dst.test -4 -P icmp -n", run);
    const both = await runCli("trace dst.test -4 -P icmp -b", run);
    const plain = await runCli("trace dst.test -4 -P icmp", run);
    assert.match(numeric.stdout, /^ 1 {2}10\.0\.1\.1 {2}2\.000 ms/m);
    assert.match(both.stdout, /^ 1 {2}r1\.example \(10\.0\.1\.1\) {2}2\.000 ms/m);
    assert.equal(plain.stdout, both.stdout);
  });

  it("prints an address that was typed once in the header", async () => {
    const { stdout } = await runCli("trace 198.51.100.10 -P icmp -m 9", { topology: paths.plain(3) });
    assert.match(stdout, /^nettrace to 198\.51\.100\.10 from 192\.0\.2\.1 \(eth0\), 9 hops max\n/);
  });

  it("obeys -q, -f and -m", async () => {
    const { stdout } = await runCli("trace dst.test -4 -P icmp -q 1 -f 2 -m 3", { topology: paths.plain(5) });
    assert.match(stdout, /hops seen by icmp\n 2 {2}10\.0\.2\.1 {2}4\.000 ms\n 3 {2}10\.0\.3\.1 {2}6\.000 ms\n\n/);
  });

  it("replaces the TCP ports of the order by -p", async () => {
    const topology = paths.silent();
    const { stdout } = await runCli("auto dst.test -4 -p 22,25 --stagger 0", { topology });
    const labels = stdout.match(/^(?:icmp|udp|tcp-\w+:\d+)(?= )/gm);
    assert.deepEqual(labels, ["icmp", "udp", "tcp-syn:22", "tcp-syn:25", "tcp-connect:22", "tcp-connect:25"]);
  });
});

function lastLine(stdout: string): string {
  return stdout.trimEnd().split("\n").at(-1) ?? "";
}
