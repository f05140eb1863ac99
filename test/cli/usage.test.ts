import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createProgram } from "../../cli/program.ts";
import { SocketError } from "../../core/mod.ts";
import * as paths from "../../core/sim/topologies.ts";
import { runCli } from "./harness.ts";

const topology = paths.plain(3);

describe("a command line that cannot be obeyed", () => {
  const cases: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
    [["auto"], /no host is given/],
    [["auto", ""], /an empty name/],
    [["auto", "a", "b"], /several hosts/],
    [["trace", "h"], /no protocol is given/],
    [["trace", "h", "-P"], /argument missing/],
    [["trace", "h", "-P", "sctp"], /the protocols are icmp, udp, tcp-syn, tcp-connect, tcp-reach$/],
    [["trace", "h", "-P", "tcp-syn:0"], /-P tcp-syn:0: a port is a whole number from 1 to 65535/],
    [["trace", "h", "-P", "tcp-syn:"], /a port is a whole number/],
    [["trace", "h", "-P", "icmp:7"], /icmp has no ports/],
    [["frob"], /the command frob/],
    [["completion"], /no shell is named; there are bash, zsh, fish$/],
    [["completion", "ksh"], /for ksh: the shells are bash, zsh, fish$/],
    [["completion", "bash", "zsh"], /for bash zsh: the shells are/],
    [["dst.test"], /as in nettrace auto dst\.test$/],
    [["auto", "h", "--frob"], /unknown option '--frob'/],
    [["auto", "h", "--fram"], /unknown option '--fram'/],
    [["auto", "h", "--\x1b[31mx"], /unknown option '--\\x1b\[31mx'/],
    [["auto", "h", "-p", "0"], /-p 0: a port/],
    [["auto", "h", "-p", "65536"], /-p 65536: a port/],
    [["auto", "h", "-p", "443,"], /-p "": a port/],
    [["auto", "h", "-p", "443", "--order", "icmp"], /no protocol of the order uses TCP/],
    [
      ["auto", "h", "--order", "icmp,frob"],
      /--order frob: the protocols are icmp, udp, tcp-syn, tcp-connect, tcp-reach$/,
    ],
    [["auto", "h", "--order", ""], /--order "": the protocols are/],
    [["auto", "h", "-m", "300"], /-m 300: it must be a whole number from 1 to 255/],
    [["auto", "h", "-f", "0"], /-f 0: it must be/],
    [["auto", "h", "-f", "9", "-m", "8"], /from hop 9 \(-f\) to hop 8 \(-m\)/],
    [["auto", "h", "-q", "0"], /-q 0: it must be/],
    [["auto", "h", "-q", "1e2"], /-q 1e2: it must be/],
    [["auto", "h", "-q", "-1"], /-q -1: it must be/],
    [["auto", "h", "-w", "0"], /-w 0: it must be a number of seconds/],
    [["auto", "h", "--window", "x"], /--window x: it must be/],
    [["auto", "h", "--max-gap", "256"], /--max-gap 256: it must be/],
    [["auto", "h", "--pps", "0"], /--pps 0: it must be/],
    [["auto", "h", "--stagger", "-1"], /--stagger -1: it must be/],
    [["auto", "h", "--sport", "0"], /--sport 0: it must be/],
    [["auto", "h", "--flow", "both"], /--flow both: it must be constant or vary/],
    [["auto", "h", "--format", "xml"], /--format xml: it must be text, json, jsonl/],
    [["auto", "h", "--size", "10"], /--size 10: it must be a whole number from 20 to 65535/],
    [["auto", "h", "--tos", "0x100"], /--tos 0x100: it must be a whole number from 0 to 255 \(0xff\)/],
    [["auto", "h", "--mark", "4294967296"], /--mark 4294967296: it must be a whole number from 0 to 4294967295/],
    [["auto", "h", "--df", "maybe"], /--df maybe: it must be do, want, dont or probe/],
    [["auto", "h", "-s", "eth0"], /-s eth0: it is no IP address/],
    [["auto", "h", "-i", "eth0/1"], /-i eth0\/1: it is no name/],
    [["auto", "h", "-4", "-6"], /-4 with -6/],
    [["auto", "h", "-4", "-s", "::1"], /-4 with -s ::1/],
    [["auto", "::1", "-4"], /reach ::1 over IPv4/],
    [["auto", "192.0.2.1", "-6"], /reach 192\.0\.2\.1 over IPv6/],
    [["auto", "https://h.example:8443/x"], /it is a URL; type nettrace auto h\.example -p 8443$/],
    [["auto", "h.example/x"], /it has a path; type nettrace auto h\.example$/],
    [["auto", "h.example:443"], /a port is no part of it; type nettrace auto h\.example -p 443$/],
    [["auto", "[2001:db8::1]:443"], /type nettrace auto 2001:db8::1 -p 443$/],
    [["auto", "10.0.0.0/8"], /it is a network/],
    [["auto", "127.1"], /four numbers/],
    [["auto", "0x7f.0.0.1"], /four numbers/],
    [["auto", "256.1.1.1"], /four numbers/],
    [["auto", "1:2:3"], /no IPv6 address/],
    [["auto", "::ffff:192.0.2.1"], /type 192\.0\.2\.1$/],
    [["auto", "224.0.0.1"], /multicast/],
    [["auto", "ff02::1"], /multicast/],
    [["auto", "0.0.0.0"], /no host/],
    [["auto", "fe80::1"], /link-local address needs its interface, as in fe80::1%eth0$/],
    [["auto", "a..b"], /a part between its dots is empty/],
    [["auto", "a b"], /no space/],
    [["auto", "a\x1b[31mb"], /a\\x1b\[31mb: a name has no character \\x1b/],
    [["auto", "a\u202eb"], /a\\u\{202e\}b: a name has no character \\u\{202e\}/],
    [["auto", "me@h"], /the name of the host alone/],
    [["auto", `${"a".repeat(64)}.example`], /at most 63 characters, one here has 64/],
    [["auto", "abc.".repeat(250)], /at most 253 characters, this one 999/],
  ];
  for (const [argv, message] of cases) {
    const shown = JSON.stringify(argv.map((each) => (each.length > 40 ? `${each.slice(0, 40)}...` : each)).join(" "));
    it(`is answered in one line with exit 2: ${shown}`, async () => {
      const { code, stdout, stderr } = await runCli(argv, { topology });
      assert.equal(stdout, "");
      assert.match(stderr, /^nettrace: Cannot [\x20-\x7e]+\n$/);
      assert.match(stderr.trimEnd(), message);
      assert.equal(code, 2);
    });
  }

  it("is without any word the help, with exit 2", async () => {
    const { code, stdout, stderr } = await runCli([], { topology });
    assert.match(stderr, /^Usage: nettrace /);
    assert.equal(stdout, "");
    assert.equal(code, 2);
  });
});

describe("help", () => {
  const texts = [
    ["--help"],
    ["auto", "--help"],
    ["trace", "--help"],
    ["report", "--help"],
    ["live", "--help"],
    ["scan", "--help"],
    ["mtr", "--help"],
    ["completion", "--help"],
    ["help", "auto"],
  ];
  for (const argv of texts) {
    it(`fits a screen: ${argv.join(" ")}`, async () => {
      const { code, stdout } = await runCli(argv, { topology });
      const lines = stdout.trimEnd().split("\n");
      assert.ok(lines.length < 24, `${lines.length} lines`);
      for (const line of lines) assert.ok(line.length <= 80, line);
      assert.equal(code, 0);
    });
  }

  it("tells every option that exists", async () => {
    const context = { stdout: { write() {}, isTerminal: false, columns: undefined } } as never;
    for (const command of createProgram({ context, done() {}, loaded: [] }).commands) {
      const help = command.helpInformation();
      for (const { short, long } of command.options) {
        for (const flag of [short, long]) if (flag) assert.match(help, new RegExp(`(?<![\\w-])${flag}(?![\\w-])`));
      }
    }
  });

  it("is not needed for the version", async () => {
    for (const flag of ["--version", "-V"]) {
      const { code, stdout } = await runCli([flag], { topology });
      assert.match(stdout, /^nettrace \d+\.\d+\.\d+\n$/);
      assert.equal(code, 0);
    }
  });

  it("is not needed for all that the program knows of itself", async () => {
    for (const argv of [
      ["--version", "--verbose"],
      ["--verbose", "-V"],
    ]) {
      const { code, stdout } = await runCli(argv, { topology });
      // Run from its sources, it was not built from a commit for a target.
      assert.match(stdout, /^nettrace [\d.]+\ncommit +unknown\nruntime +Bun [\d.]+\ntarget +unknown\nlibc +\w.*\n$/);
      assert.equal(code, 0);
    }
  });
});

describe("exit status", () => {
  it("is 2 for an unknown host, a silent or missing name server and a missing family", async () => {
    const failing = (code: string) => async (): Promise<never> => {
      throw Object.assign(new Error(code), { code });
    };
    const addresses = { "four.test": ["198.51.100.10"] };
    const unknown = await runCli("auto nowhere.test", { topology, lookup: failing("ENOTFOUND") });
    assert.equal(unknown.stderr, "nettrace: Cannot resolve nowhere.test: unknown host\n");
    const mute = await runCli("auto nowhere.test", { topology, lookup: failing("EAI_AGAIN") });
    assert.match(mute.stderr, /^nettrace: Cannot resolve nowhere\.test: no name server gives an answer .*\n$/);
    const family = await runCli("auto four.test -6", { topology, addresses });
    assert.equal(family.stderr, "nettrace: Cannot resolve four.test: it has no IPv6 address, only IPv4\n");
    for (const { code, stdout } of [unknown, mute, family]) assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
  });

  it("is 2 and one line for a name with IPv6 addresses only on a host without IPv6", async () => {
    const addresses = { "six.test": ["2001:db8:ffff::10"] };
    const { code, stdout, stderr } = await runCli("auto six.test", { topology, addresses, host: { v6: null } });
    const line = "nettrace: Cannot reach six.test: it has only IPv6 addresses, and this host has no IPv6 route\n";
    assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: "", stderr: line });
  });

  it("is 0 by the other family where the first has no route", async () => {
    const { code, stdout } = await runCli("auto dst.test", { topology, host: { v6: null } });
    assert.match(stdout, /^nettrace to dst\.test \(198\.51\.100\.10\) from 192\.0\.2\.1/);
    assert.equal(code, 0);
  });

  it("is 3 where neither family has a route, and each attempt says so", async () => {
    const host = { refusedRoutes: [{ errno: "ENETUNREACH" }] } as const;
    const { code, stdout } = await runCli("auto dst.test", { topology, host });
    assert.equal(stdout.match(/ unroutable .* ENETUNREACH: no route to the target$/gm)?.length, 6);
    assert.match(stdout, /^to do: see the route with "ip route get 2001:db8:ffff::10"$/m);
    assert.equal(code, 3);
  });

  it("is 2 where -s or -i name what this host does not have", async () => {
    const refuse = (errno: string) => ({
      topology,
      host: {},
      openFailure: new SocketError("bind", errno, "bind"),
    });
    const source = await runCli("auto dst.test -s 192.0.2.99", refuse("EADDRNOTAVAIL"));
    assert.equal(source.stderr, "nettrace: Cannot send from 192.0.2.99: this host has no such address\n");
    const by = await runCli("auto dst.test -i eth9", refuse("ENODEV"));
    assert.equal(by.stderr, "nettrace: Cannot send by eth9: this host has no such interface\n");
    assert.deepEqual([source.code, by.code], [2, 2]);
  });

  it("is 70, in one line without a stack, for a fault of its own", async () => {
    const openFailure = new TypeError("x is not a function\n    at nowhere");
    const { code, stderr } = await runCli("auto dst.test", { topology, openFailure });
    assert.match(stderr, /^nettrace: Cannot go on: x is not a function at nowhere \(a fault of nettrace: .*\)\n$/);
    assert.equal(code, 70);
  });
});
