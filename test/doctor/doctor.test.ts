import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Check, HostFiles } from "../../cli/doctor/check.ts";
import { kernelChecks } from "../../cli/doctor/kernel.ts";
import { protocolChecks, resolverChecks, routeChecks, socketChecks } from "../../cli/doctor/network.ts";
import { rightsChecks } from "../../cli/doctor/rights.ts";
import { iptablesChecks, nftChecks, ruleChecks, ruleInWords } from "../../cli/doctor/rules.ts";
import { doctorTable } from "../../cli/render/doctor.ts";
import type { Inspection } from "../../core/mod.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { plain } from "../../core/sim/topologies.ts";
import { builtInPlugins, tcpReach } from "../../plugins/mod.ts";

/** A host of files and programs' outputs. */
function host(files: Readonly<Record<string, string>>, outputs: Readonly<Record<string, string>> = {}): HostFiles {
  return { read: (path) => files[path], run: async (program) => outputs[program] };
}

const status = (caps: { eff: string; bnd: string }, noNewPrivs = 0, seccomp = 0): Record<string, string> => ({
  "/proc/self/status": `Name:\tnettrace\nCapEff:\t${caps.eff}\nCapBnd:\t${caps.bnd}\nNoNewPrivs:\t${noNewPrivs}\nSeccomp:\t${seccomp}\n`,
});
const find = (checks: readonly Check[], name: string): Check => {
  const found = checks.find((check) => check.name === name);
  assert.ok(found, `${name} among ${checks.map((check) => check.name).join(", ")}`);
  return found;
};

const ALL = "000001ffffffffff";
const NONE = "0000000000000000";
const OPENS = null;
const inspection = (refused: Readonly<Record<string, string>>): Inspection => ({
  ffiRefusal: null,
  sockets: (["raw-icmp", "raw-tcp", "ping", "udp", "tcp-connect"] as const).flatMap((kind) =>
    ([4, 6] as const).map((family) => ({ kind, family, refusal: refused[kind] ?? OPENS })),
  ),
});

describe("the doctor, of rights", () => {
  it("tells how raw sockets could be had, by what stands in the way", async () => {
    const remedyOf = async (files: HostFiles): Promise<string | undefined> =>
      find(await rightsChecks(files, 1000, "/x"), "CAP_NET_RAW").remedy;
    assert.equal(await remedyOf(host(status({ eff: ALL, bnd: ALL }))), undefined);
    assert.match((await remedyOf(host(status({ eff: NONE, bnd: ALL })))) ?? "", /^sudo nettrace/);
    assert.match((await remedyOf(host(status({ eff: NONE, bnd: ALL }, 1)))) ?? "", /no-new-privs is set/);
    assert.match((await remedyOf(host(status({ eff: NONE, bnd: NONE })))) ?? "", /bounding set/);
  });

  it("warns of capabilities of the executable, and of a filter of system calls", async () => {
    const outputs = { getcap: "/usr/bin/nettrace cap_net_raw=p\n" };
    const checks = await rightsChecks(host(status({ eff: ALL, bnd: ALL }, 0, 2), outputs), 0, "/usr/bin/nettrace");
    assert.match(find(checks, "file capabilities").finding, /cap_net_raw=p/);
    assert.equal(find(checks, "seccomp").state, "limited");
  });

  it("says so where /proc is not there", async () => {
    const [only] = await rightsChecks(host({}), 0, "/x");
    assert.deepEqual([only?.name, only?.state], ["/proc", "missing"]);
  });
});

describe("the doctor, of the kernel", () => {
  const kernel = (files: Readonly<Record<string, string>>, gids: readonly number[] = [100]): readonly Check[] =>
    kernelChecks(host(files), gids, ["eth0", "eth1"]);

  it("knows whether this user's groups may open ping sockets", () => {
    const range = (text: string) => ({ "/proc/sys/net/ipv4/ping_group_range": text });
    assert.equal(find(kernel(range("0\t2147483647\n")), "ping_group_range").state, "ok");
    assert.equal(find(kernel(range("1\t0\n")), "ping_group_range").state, "limited");
    assert.equal(find(kernel(range("0 99\n")), "ping_group_range").state, "limited");
    assert.equal(find(kernel(range("0 99\n"), [100, 50]), "ping_group_range").state, "ok");
    assert.equal(find(kernel({}), "ping_group_range").state, "unknown");
    assert.equal(find(kernel(range("\x1b[31m")), "ping_group_range").state, "unknown");
  });

  it("tells how full the table of connections is", () => {
    const fill = (count: number) =>
      find(
        kernel({
          "/proc/sys/net/netfilter/nf_conntrack_count": `${count}\n`,
          "/proc/sys/net/netfilter/nf_conntrack_max": "100\n",
        }),
        "conntrack",
      ).state;
    assert.deepEqual([10, 95, 100].map(fill), ["ok", "limited", "missing"]);
  });

  it("speaks of rp_filter only where it is strict", () => {
    assert.equal(
      kernel({ "/proc/sys/net/ipv4/conf/all/rp_filter": "2\n" }).some(({ name }) => name === "rp_filter"),
      false,
    );
    const strict = find(kernel({ "/proc/sys/net/ipv4/conf/all/rp_filter": "1\n" }), "rp_filter");
    assert.deepEqual([strict.state, strict.finding.split(":")[0]], ["limited", "strict on eth0, eth1"]);
  });

  it("takes the greater of an interface's rp_filter and of that of all", () => {
    const one = { "/proc/sys/net/ipv4/conf/eth1/rp_filter": "1\n" };
    assert.match(find(kernel(one), "rp_filter").finding, /^strict on eth1:/);
    const loose = kernel({ ...one, "/proc/sys/net/ipv4/conf/all/rp_filter": "2\n" });
    assert.ok(!loose.some(({ name }) => name === "rp_filter"));
  });
});

describe("the doctor, of sockets, protocols and ways out", () => {
  it("tells that a protocol cannot run where the system has no such socket, privilege or not", () => {
    const checks = protocolChecks(builtInPlugins, inspection({ udp: "ESOCKTNOSUPPORT" }));
    assert.deepEqual(find(checks, "udp"), {
      group: "protocols",
      name: "udp",
      state: "missing",
      finding: "this system has no such socket",
    });
    assert.equal(find(checks, "tcp-connect").state, "ok");
  });

  it("says of each protocol which of its modes can run", () => {
    const nobody = protocolChecks(
      builtInPlugins,
      inspection({ "raw-icmp": "EPERM", "raw-tcp": "EPERM", ping: "EACCES" }),
    );
    assert.deepEqual(
      nobody.map(({ name, state }) => [name, state]),
      [
        ["icmp", "missing"],
        ["udp", "limited"],
        ["tcp-syn", "missing"],
        ["tcp-connect", "ok"],
      ],
    );
    const root = protocolChecks(builtInPlugins, inspection({}));
    assert.ok(root.every(({ state }) => state === "ok"));
    const without: Inspection = { ffiRefusal: "bun:ffi requires the JIT", sockets: [] };
    assert.ok(protocolChecks(builtInPlugins, without).every(({ state }) => state === "missing"));
    assert.deepEqual(
      protocolChecks([tcpReach], without).map(({ state, finding }) => [state, finding]),
      [["limited", "handshake: reached or not, and in what time; no hops"]],
    );
    assert.match(socketChecks(without)[0]?.remedy ?? "", /MemoryDenyWriteExecute/);
  });

  it("names the errno of each family that is refused", () => {
    const udp6: Inspection = {
      ffiRefusal: null,
      sockets: [
        { kind: "udp", family: 4, refusal: null },
        { kind: "udp", family: 6, refusal: "EAFNOSUPPORT" },
      ],
    };
    assert.equal(find(socketChecks(udp6), "UDP, error queue").finding, "IPv4 opens, IPv6 EAFNOSUPPORT");
  });

  it("tells source and interface of the routes, or why there is none", () => {
    using network = createSimNetwork(plain(2), { host: { v6: null } });
    const [v4, v6] = routeChecks(network);
    assert.deepEqual([v4?.state, v4?.finding], ["ok", "from 192.0.2.1 by eth0"]);
    assert.deepEqual([v6?.state, v6?.finding], ["limited", "no way out: there is none (ENETUNREACH)"]);
  });

  it("names the name servers without asking them", () => {
    const [named] = resolverChecks(host({ "/etc/resolv.conf": "# x\nnameserver 10.0.0.1\nnameserver fd00::1\n" }));
    assert.match(named?.finding ?? "", /^10\.0\.0\.1, fd00::1 /);
    assert.equal(resolverChecks(host({ "/etc/resolv.conf": "search x\n" }))[0]?.state, "limited");
    assert.match(resolverChecks(host({}))[0]?.finding ?? "", /no \/etc\/resolv\.conf/);
  });
});

describe("the doctor, of rules", () => {
  it("puts iptables' rules into words, and shows what it does not know as it stands", () => {
    const words: Readonly<Record<string, string>> = {
      "-o eth1 -p tcp -m multiport --dports 80,443 -j ACCEPT": "out of eth1 tcp to port 80,443: accepted",
      "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT": "of related or established connections: accepted",
      "! -o lo -j DROP": "not out of lo: dropped",
      "-p icmp -j REJECT --reject-with icmp-port-unreachable": "icmp: rejected with icmp-port-unreachable",
      "-m statistic --mode nth --every 3 --packet 0 -j DROP": "--mode nth --every 3 --packet 0: dropped",
      "-j MYCHAIN": "everything: goes to MYCHAIN",
      "-p udp -m owner --uid-owner 1000 -j RETURN": "udp of user 1000: goes back",
    };
    for (const [rule, said] of Object.entries(words)) assert.equal(ruleInWords(rule), said);
  });

  it("lists the chains that this host's own packets and their answers pass, with their policies", () => {
    const saved = `# made by iptables-save\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [1:2]\n-A FORWARD -j DROP\n-A OUTPUT -p icmp -j DROP\nCOMMIT\n`;
    assert.deepEqual(
      iptablesChecks("IPv4", saved).map(({ name, state, finding }) => [name, state, finding]),
      [
        ["IPv4 filter INPUT", "limited", "what no rule accepts is dropped"],
        ["IPv4 filter OUTPUT", "limited", "icmp: dropped"],
      ],
    );
  });

  it("reads nft's own tables, and leaves iptables' to iptables", () => {
    const ruleset = `table ip filter {\n\tchain OUTPUT {\n\t\ttype filter hook output priority filter; policy drop;\n\t\tcounter drop\n\t}\n}\ntable inet own {\n\tchain out {\n\t\ttype filter hook output priority filter; policy drop;\n\t\ttcp dport { 80, 443 } accept\n\t}\n\tchain through {\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tcounter drop\n\t}\n}\n`;
    assert.deepEqual(
      nftChecks(ruleset).map(({ name, state, finding }) => [name, state, finding]),
      [
        ["inet own out", "limited", "output: what no rule accepts is dropped"],
        ["inet own out", "ok", "output: tcp dport { 80, 443 } accept"],
      ],
    );
  });

  it("says who may read them, and where no tool is there", async () => {
    assert.match((await ruleChecks(host({}), false))[0]?.finding ?? "", /only root/);
    assert.match((await ruleChecks(host({}), true))[0]?.finding ?? "", /neither iptables nor nft/);
    assert.match((await ruleChecks(host({}, { nft: "" }), true))[0]?.finding ?? "", /no rule/);
  });
});

describe("the doctor's table", () => {
  const foreign: Check = {
    group: "rules",
    name: "x\x1b[31m",
    state: "missing",
    finding: "a\nb ".repeat(30),
    remedy: "do\u202e",
  };

  it("fits 80 columns, states in words, and obeys no foreign byte", () => {
    const table = doctorTable([foreign], (_style, text) => text, 80);
    assert.match(table, /MISSING/);
    assert.doesNotMatch(table, /[\x00-\x09\x0b-\x1f\u202e]/);
    for (const line of table.split("\n")) assert.ok(line.length <= 80, line);
  });
});
