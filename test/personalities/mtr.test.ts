import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findPersonality, type NamedPersonality, type PersonalityCall } from "../../cli/personalities/mod.ts";
import { RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import { lossy, mpls, plain, router, silent, target, unreachable } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { runCli, text } from "../cli/harness.ts";

const ADDRESS = "198.51.100.10";
const NAMES = { "10.0.1.1": "one.test", "10.0.2.1": "a-very-long-name-of-a-router-indeed.test", [ADDRESS]: "dst.test" };

/** Times vary with the engine's choices: they have `0.0` each. */
const masked = (stdout: string): string =>
  stdout
    .replace(/^Start: .*$/m, "Start: #")
    .replace(/(\d+\.\d)(?=(?: +\d+\.\d)*$)/gm, (time) => "#".padStart(time.length));

describe("mtr", () => {
  it("is found under its own name, and with a family behind it", () => {
    const call = (named: NamedPersonality | undefined): PersonalityCall | undefined => named?.call;
    assert.deepEqual(call(findPersonality("mtr")), { calledAs: "mtr", family: undefined });
    assert.deepEqual(call(findPersonality("/usr/bin/mtr6")), { calledAs: "mtr6", family: 6 });
  });

  it("prints the report in mtr's columns, names cut at 25", async () => {
    const { code, stdout, stderr } = await runCli(`mtr -r -c 2 ${ADDRESS}`, { topology: plain(3), names: NAMES });
    assert.equal(code, 0, stderr);
    assert.equal(
      stdout.replace(/^Start: .*$/m, "Start: #"),
      text`
        Start: #
        HOST: here                        Loss%   Snt   Last   Avg  Best  Wrst StDev
          1.|-- one.test                   0.0%     2    2.0   2.0   2.0   2.0   0.0
          2.|-- a-very-long-name-of-a-rou  0.0%     2    4.0   4.0   4.0   4.0   0.0
          3.|-- dst.test                   0.0%     2    6.0   6.0   6.0   6.0   0.0
      `,
    );
    assert.equal(stderr, "");
  });

  it("makes the wide report as wide as the longest name, its titles two columns to the left", async () => {
    const { stdout } = await runCli(`mtr -rwb -c 1 ${ADDRESS}`, { topology: plain(3), names: NAMES });
    assert.equal(
      stdout.replace(/^Start: .*$/m, "Start: #"),
      text`
        Start: #
        HOST: here                                                Loss%   Snt   Last   Avg  Best  Wrst StDev
          1.|-- one.test (10.0.1.1)                                  0.0%     1    2.0   2.0   2.0   2.0   0.0
          2.|-- a-very-long-name-of-a-router-indeed.test (10.0.2.1)  0.0%     1    4.0   4.0   4.0   4.0   0.0
          3.|-- dst.test (198.51.100.10)                             0.0%     1    6.0   6.0   6.0   6.0   0.0
      `,
    );
  });

  it("overwrites a field that is too long by the next, as mtr does, and shows all fields", async () => {
    const { stdout } = await runCli(`mtr -rn -c 1 -o LSDR_NBAWVGJMXI ${ADDRESS}`, { topology: silent() });
    const lines = stdout.split("\n");
    assert.equal(
      lines[1],
      "HOST: here                        Loss%   Snt Drop   Rcv  Last  Best   Avg  Wrst StDev Gmean Jttr Javg Jmax Jint",
    );
    assert.equal(
      lines.at(-2),
      "  5.|-- ???                       100.0     1    1     0   0.0   0.0   0.0   0.0   0.0   0.0  0.0  0.0  0.0  0.0",
    );
  });

  it("puts networks before the names, unknown ones as AS???, and each alternate on one line", async () => {
    const wide: Topology = {
      hops: [{ routers: [router(1), router(1, {}, 1)], balance: "per-packet" }],
      target: target(),
    };
    const { stdout } = await runCli(`mtr -rn -c 20 -z ${ADDRESS}`, { topology: wide });
    assert.match(stdout, /^ {2}1\. AS\?\?\? {4}10\.0\.1\.[12] {13}0\.0% {4}20 /m);
    assert.match(stdout, /^ {5}AS\?\?\? {4}10\.0\.1\.[12]$/m);
    const plainly = (await runCli(`mtr -rn -c 20 ${ADDRESS}`, { topology: wide })).stdout;
    assert.match(plainly, /^ {8}10\.0\.1\.[12] {25}$/m);
  });

  it("shows the networks of the hops where they are wanted", async () => {
    const networks = { "10.0.1.1": [64_500, 64_501] };
    const { stdout } = await runCli(`mtr -rn -c 2 -z ${ADDRESS}`, { topology: plain(2), networks });
    assert.match(stdout, /^ {2}1\. AS64500 64501 {0,2}10\.0\.1\.1 /m);
    assert.match(stdout, /^ {2}2\. AS\?\?\? {4}198\.51\.100\.10 /m);
    assert.doesNotMatch((await runCli(`mtr -rn -c 1 ${ADDRESS}`, { topology: plain(2), networks })).stdout, /645/);
  });

  it("shows label stacks only where asked to", async () => {
    const { stdout } = await runCli(`mtr -rne -c 1 ${ADDRESS}`, { topology: mpls() });
    assert.match(stdout, /^ {7}\[MPLS: Lbl \d+ TC \d S [01] TTL \d+\]$/m);
    assert.doesNotMatch((await runCli(`mtr -rn -c 1 ${ADDRESS}`, { topology: mpls() })).stdout, /MPLS/);
  });

  it("takes clustered flags, and options after the host", async () => {
    const { code, stdout } = await runCli(`mtr -rwbn ${ADDRESS} -c 1 -T -P 443`, {
      topology: plain(3),
      host: RESTRICTED,
    });
    assert.equal(code, 0);
    assert.match(stdout, /^ {2}3\.\|-- 198\.51\.100\.10 {2}0\.0% {5}1 /m);
  });

  it("goes by TCP without privilege too", async () => {
    const host = { ...RESTRICTED, ...UNPRIVILEGED };
    const { code, stdout } = await runCli(`mtr -rwn ${ADDRESS} -c 1 -T -P 443`, { topology: plain(3), host });
    assert.equal(code, 0);
    assert.match(stdout, /^ {2}3\.\|-- 198\.51\.100\.10 /m);
  });

  it("reads MTR_OPTIONS first, and the command line overrides it", async () => {
    const env = { MTR_OPTIONS: "-r  -n\t-c 3 -6" };
    const { stdout } = await runCli("mtr dst.test -c 2 -4", { topology: plain(2), env });
    assert.match(stdout, /^ {2}2\.\|-- 198\.51\.100\.10 {14}0\.0% {5}2 /m);
  });

  it("shows one hop behind the last answer where the target is silent, and no more", async () => {
    const { stdout } = await runCli(`mtr -rn -c 1 ${ADDRESS}`, { topology: silent() });
    assert.deepEqual(stdout.match(/^ {2}\d/gm), ["  1", "  2", "  3", "  4", "  5"]);
  });

  it("ends the table where a router says that there is no way on", async () => {
    const { stdout, code } = await runCli(`mtr -rn -c 2 ${ADDRESS}`, { topology: unreachable() });
    assert.equal(code, 0);
    assert.equal(stdout.trimEnd().split("\n").length - 2, Number(/(\d+)\.\|--[^\n]*$/.exec(stdout.trimEnd())?.[1]));
  });

  it("writes JSON as Debian's mtr does", async () => {
    const { stdout } = await runCli(`mtr -n -c 2 --json -z ${ADDRESS}`, { topology: plain(2) });
    assert.equal(
      stdout,
      text`
        {
            "report": {
                "mtr": {
                    "src": "here",
                    "dst": "198.51.100.10",
                    "tos": 0,
                    "tests": 2,
                    "psize": "64",
                    "bitpattern": "0x00"
                },
                "hubs": [
                    {
                        "count": 1,
                        "host": "10.0.1.1",
                        "ASN": "AS???",
                        "Loss%": 0.0,
                        "Snt": 2,
                        "Last": 2.0,
                        "Avg": 2.0,
                        "Best": 2.0,
                        "Wrst": 2.0,
                        "StDev": 0.0
                    },
                    {
                        "count": 2,
                        "host": "198.51.100.10",
                        "ASN": "AS???",
                        "Loss%": 0.0,
                        "Snt": 2,
                        "Last": 4.0,
                        "Avg": 4.0,
                        "Best": 4.0,
                        "Wrst": 4.0,
                        "StDev": 0.0
                    }
                ]
            }
        }
      `,
    );
    JSON.parse(stdout);
  });

  it("writes XML that is well-formed whatever the names are", async () => {
    const names = { "10.0.1.1": `a<b&"c".test` };
    const { stdout } = await runCli(`mtr -c 1 -x ${ADDRESS}`, { topology: plain(2), names });
    assert.match(stdout, /^<\?xml version="1\.0"\?>\n<MTR SRC="here" DST="198\.51\.100\.10" TOS="0x0" PSIZE="64" /);
    assert.match(
      stdout,
      /<HUB COUNT="1" HOST="a&lt;b&amp;&quot;c&quot;\.test">\n {8}<Loss> {2}0\.0%<\/Loss>\n {8}<Snt> {5}1<\/Snt>/,
    );
  });

  it("writes CSV whose header has as many columns as its rows, quoted where needed", async () => {
    const names = { "10.0.1.1": `a,"b".test` };
    const { stdout } = await runCli(`mtr -c 1 -C ${ADDRESS}`, { topology: plain(2), names });
    const [header, first, second] = stdout.split("\n");
    assert.equal(header, "Mtr_Version,Start_Time,Status,Host,Hop,Ip,Loss%,Snt, ,Last,Avg,Best,Wrst,StDev");
    assert.equal(first, `MTR.0.95,1767323045,OK,198.51.100.10,1,"a,""b"".test",0.00,1,0,2.00,2.00,2.00,2.00,0.00`);
    assert.equal(second?.split(",").length, header?.split(",").length);
  });

  it("takes several hosts in turn, and goes on behind one that does not resolve", async () => {
    const lookup = async (name: string): Promise<never> => {
      throw Object.assign(new Error(name), { code: "ENOTFOUND" });
    };
    const { code, stdout, stderr } = await runCli(`mtr -rn -c 1 nosuch.test ${ADDRESS} ${ADDRESS}`, {
      topology: plain(2),
      lookup,
    });
    assert.equal(code, 0);
    assert.equal(stderr, "mtr: Failed to resolve host: nosuch.test: Name or service not known\n");
    assert.equal(stdout.match(/^Start: /gm)?.length, 2);
  });

  it("prints mtr's empty table where this host refuses ICMP, and one line on what works", async () => {
    const { code, stdout, stderr } = await runCli(`mtr -r -c 2 ${ADDRESS}`, { topology: plain(3), host: RESTRICTED });
    assert.equal(code, 1);
    assert.match(stdout, /^Start: .*\nHOST: here {24}Loss% {3}Snt .*\n$/);
    assert.equal(
      stderr,
      `mtr: Permission denied\nnettrace: an OUTPUT rule refuses ICMP; try: nettrace auto ${ADDRESS}\n`,
    );
  });

  it("cannot start without a socket, and says what it lacks", async () => {
    const { code, stdout, stderr } = await runCli(`mtr -r -c 2 ${ADDRESS}`, { topology: plain(3), host: UNPRIVILEGED });
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^mtr: Failure to start mtr-packet: Invalid argument\nnettrace: ICMP needs root or CAP_NET_RAW .*; try: nettrace auto /,
    );
  });

  for (const [argv, env] of [
    [`mtr -rn -c 2 --fallback ${ADDRESS}`, {}],
    [`mtr -rn -c 2 ${ADDRESS}`, { NETTRACE_FALLBACK: "1" }],
  ] as const) {
    it(`falls back to what works where that is wanted: ${JSON.stringify(env)}`, async () => {
      const { code, stdout, stderr } = await runCli(argv, { topology: plain(3), host: RESTRICTED, env });
      assert.equal(code, 0);
      assert.equal(stderr, "nettrace: ICMP is refused here, this goes by tcp-syn:443\n");
      assert.match(stdout, /^ {2}3\.\|-- 198\.51\.100\.10 {14}0\.0% {5}2 /m);
      assert.equal(stdout.match(/^Start: /gm)?.length, 1);
    });
  }

  it("prints what it has at an interrupt", async () => {
    const interrupt = { atMs: 2500, signal: "SIGINT" as const };
    const { code, stdout } = await runCli(`mtr -rn -c 100 ${ADDRESS}`, { topology: plain(3), interrupt });
    assert.equal(code, 130);
    assert.match(stdout, /^ {2}3\.\|-- 198\.51\.100\.10 {14}0\.0% {5}[34] /m);
  });

  it("does not pay for silence before a target that answers", async () => {
    const quiet: Topology = {
      hops: [{ routers: [router(1, { silent: true })] }, ...plain(3).hops.slice(1)],
      target: target(),
    };
    const { writes } = await runCli(`mtr -rn -c 1 ${ADDRESS}`, { topology: quiet });
    const last = writes.at(-1)?.atMs ?? 0;
    assert.ok(last < 2000, `${last} ms`);
    const patient = await runCli(`mtr -rn -c 1 -G 3 ${ADDRESS}`, { topology: quiet });
    assert.ok((patient.writes.at(-1)?.atMs ?? 0) >= 3000);
  });

  it("counts the same probes as mtr on a path that loses", async () => {
    const { stdout } = await runCli(`mtr -rn -c 30 ${ADDRESS}`, { topology: lossy() });
    assert.match(masked(stdout), /^ {2}6\.\|-- 198\.51\.100\.10 +\d+\.\d% {4}30 /m);
  });

  const complaints: readonly (readonly [string, string])[] = [
    ["-Y", "invalid option -- 'Y'"],
    ["--foo", "unrecognized option '--foo'"],
    ["-c", "option requires an argument -- 'c'"],
    ["--order", "option '--order' requires an argument"],
    ["--report=x", "option '--report' doesn't allow an argument"],
    ["-r -c x", "invalid argument: 'x'"],
    ["-r -c -1", "invalid argument: '-1'"],
    ["-r -i 0", "wait time must be positive"],
    ["-r -o Q", "Unknown field identifier: Q"],
    ["-r -u -T", "-u , -T and -S are mutually exclusive"],
    ["-r -P 70000", "Illegal port number: 70000"],
    ["-r -L 20", "Illegal port number: 20"],
    ["-r -y 9", "value 9 out of range (0 - 4)"],
    ["-r -s -100", "invalid argument: '-100'"],
    ["-r -F /nonexistent/list", "open /nonexistent/list: No such file or directory"],
    ["-r -a nonsense", "invalid local address"],
    ["-r -S -u", "-u , -T and -S are mutually exclusive"],
    ["-r -s 10", "Cannot send icmp packets of 10 octets: over IPv4 they have from 28 to 65535"],
  ];
  for (const [flags, message] of complaints) {
    it(`complains in one line, with exit 1: ${flags}`, async () => {
      const { code, stdout, stderr } = await runCli(`mtr ${ADDRESS} ${flags}`, { topology: plain(2) });
      assert.equal(stderr, `mtr: ${message}\n`);
      assert.equal(stdout.replace(/^Start: .*\n/, ""), "");
      assert.equal(code, 1);
    });
  }

  it("says what needs no terminal where there is none for the live screen", async () => {
    for (const flags of ["", " -t"]) {
      const { code, stderr } = await runCli(`mtr ${ADDRESS}${flags}`, { topology: plain(2) });
      assert.match(stderr, /^mtr: Cannot show a live screen: standard output is no terminal; -r, [^\n]+ need none\n$/);
      assert.equal(code, 1);
    }
  });

  it("says where an option has no effect", async () => {
    const { code, stderr } = await runCli(`mtr -rn -c 1 -P 443 ${ADDRESS}`, { topology: plain(2) });
    assert.equal(stderr, "nettrace: mtr's -P has no effect without -u or -T\n");
    assert.equal(code, 0);
  });

  it("tells the version whose formats it writes", async () => {
    const { stdout } = await runCli("mtr -v", { topology: plain(2) });
    assert.match(stdout, /^mtr 0\.95 \(nettrace \d+\.\d+\.\d+\)\n$/);
  });
});
