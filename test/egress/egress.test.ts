import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupFindings, wordsFor } from "../../cli/egress/groups.ts";
import { interfacesTo } from "../../cli/egress/interfaces.ts";
import { parsePorts, portRanges } from "../../cli/egress/ports.ts";
import { type IpAddress, parseAddress } from "../../core/address.ts";
import { type EgressReport, measureEgress } from "../../core/egress/egress.ts";
import { OPERATORS_PORTS } from "../../core/egress/ports.ts";
import { UsageError } from "../../core/errors.ts";
import { type HostProfile, RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { plain, router, target } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  assert.ok(parsed);
  return parsed;
}
const SILENT_FIRST: Topology = { hops: [{ routers: [router(1, { silent: true })] }], target: target() };
const PORTS = [22, 80, 81, 443, 8080];

async function measure(topology: Topology, host: HostProfile, family: 4 | 6 = 4): Promise<EgressReport> {
  using network = createSimNetwork(topology, { host });
  const to = address(family === 4 ? (topology.target.v4 ?? "") : (topology.target.v6 ?? ""));
  const report = await measureEgress(network, { target: to, protocols: ["icmp", "udp", "tcp"], ports: PORTS });
  assert.ok(
    network.sent.every(({ hopLimit }) => hopLimit === 1),
    "no probe gets past the first router",
  );
  assert.equal(network.openSockets, 0);
  return report;
}
const brief = ({ findings }: EgressReport): Record<string, string> =>
  Object.fromEntries(
    groupFindings(findings).map(({ protocol, ports, state, why, isRest }) => [
      `${protocol} ${isRest ? "rest" : ports.join(",")}`.trim(),
      `${state}: ${why}`,
    ]),
  );

describe("what a host lets out", () => {
  for (const family of [4, 6] as const) {
    const first = family === 4 ? "10.0.1.1" : "2001:db8:1::1";
    it(`is everything where no rule stands, by the first router's answers, IPv${family}`, async () => {
      const all = `out: ${first} answers`;
      assert.deepEqual(brief(await measure(plain(3), {}, family)), {
        icmp: all,
        "udp 22,80,81,443,8080": all,
        "tcp 22,80,81,443,8080": all,
      });
    });
  }

  it("is told by the kernel's stamps where the first router says nothing", async () => {
    const left = "out: it left this host; nobody answers";
    assert.deepEqual(brief(await measure(SILENT_FIRST, RESTRICTED)), {
      icmp: "refused: EPERM",
      "udp 22,80,81,443,8080": "refused: EPERM",
      "tcp 80,443": left,
      "tcp rest": "refused: EPERM",
    });
  });

  it("is told without privilege: by the error queue, else by the kernel's count of SYNs that it failed to send again", async () => {
    const host = { ...RESTRICTED, ...UNPRIVILEGED };
    const answered = brief(await measure(plain(3), host));
    assert.deepEqual(
      [answered["tcp 80,443"], answered["tcp rest"]],
      ["out: 10.0.1.1 answers", "refused: dropped by this host, by TCPRetransFail"],
    );
    const silent = brief(await measure(SILENT_FIRST, host));
    assert.deepEqual(
      [silent["tcp 80,443"], silent["tcp rest"]],
      ["out: it left this host, by TCPRetransFail; nobody answers", "refused: dropped by this host, by TCPRetransFail"],
    );
  });

  it("is unknown where nothing tells: silence is neither out nor refused", async () => {
    const host = { ...RESTRICTED, ...UNPRIVILEGED, countsRetransmitFailures: false };
    assert.match(
      brief(await measure(SILENT_FIRST, host))["tcp 22,80,81,443,8080"] ?? "",
      /^unknown: nothing came back/,
    );
  });

  it("knows a REJECT for this host's own answer, and a rule that drops one in three for no policy", async () => {
    const reject = {
      output: [{ ports: [80], action: { do: "accept" } as const }, { action: { do: "reject", with: "icmp" } as const }],
    };
    const unprivileged = brief(await measure(plain(3), { ...reject, ...UNPRIVILEGED }));
    assert.deepEqual(
      [unprivileged["tcp 80"], unprivileged["tcp rest"]],
      ["out: 10.0.1.1 answers", "refused: this host answers with a REJECT"],
    );
    const sometimes: HostProfile = { output: [{ action: { do: "drop", everyNth: 3 } }] };
    assert.ok((await measure(plain(3), sometimes)).findings.every(({ state }) => state === "out"));
  });

  it("says which protocols could not be tried, and goes on", async () => {
    const report = await measure(plain(3), UNPRIVILEGED);
    assert.deepEqual(
      report.refusals.map(({ protocol, error }) => [protocol, error.stage]),
      [["icmp", "socket"]],
    );
    assert.equal(report.findings.length, 2 * PORTS.length);
  });
});

describe("ports of egress", () => {
  it("are ranges and single ones, and those that matter to operators by default", () => {
    assert.deepEqual(parsePorts("443,80-82, 81"), [80, 81, 82, 443]);
    assert.equal(parsePorts(undefined).length, 100);
    assert.deepEqual(
      [...new Set(OPERATORS_PORTS)].sort((a, b) => a - b),
      [...OPERATORS_PORTS],
    );
    for (const bad of ["", "0", "65536", "5-4", "a", "1-", "1,,2", "80;443", "1-70000"]) {
      assert.throws(() => parsePorts(bad), UsageError, bad);
    }
  });

  it("are merged only where all between them were tried", () => {
    assert.equal(portRanges([1, 2, 3, 5], [1, 2, 3, 4, 5]), "1-3,5");
    assert.equal(portRanges([20, 22], [20, 22]), "20,22");
    assert.equal(portRanges([20, 21, 22], [20, 21, 22, 25]), "20-22");
    assert.equal(portRanges([], [1]), "");
  });
});

describe("interfaces that lead to an address", () => {
  const V4 = [
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT",
    "eth1\t00000000\t010012C6\t0003\t0\t0\t100\t00000000\t0\t0\t0",
    "eth0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "*\t0A7100CB\t00000000\t0201\t0\t0\t0\tFFFFFFFF\t0\t0\t0",
  ].join("\n");
  const V6 = [
    "20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1",
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo",
  ].join("\n");
  it("are read from the kernel's tables, without routes that refuse", () => {
    assert.deepEqual(
      interfacesTo(address("198.51.100.1"), () => V4),
      ["eth1"],
    );
    assert.deepEqual(
      interfacesTo(address("10.77.0.9"), () => V4),
      ["eth1", "eth0"],
    );
    assert.deepEqual(
      interfacesTo(address("2001:db8::1"), () => V6),
      ["eth1"],
    );
    assert.deepEqual(
      interfacesTo(address("2001:db9::1"), () => V6),
      [],
    );
    assert.deepEqual(
      interfacesTo(address("198.51.100.1"), () => "garbage \x00\nx"),
      [],
    );
    const missing = (): string => {
      throw new Error("ENOENT");
    };
    assert.equal(interfacesTo(address("198.51.100.1"), missing), undefined);
  });
});

describe("the words of a finding", () => {
  it("never say more than the evidence", () => {
    const base = { protocol: "tcp", port: 1, errno: null, answeredBy: null } as const;
    assert.match(wordsFor({ ...base, state: "unknown", evidence: "silence" }), /nothing tells/);
    assert.match(wordsFor({ ...base, state: "out", evidence: "counter" }), /^it left this host/);
    assert.match(wordsFor({ ...base, state: "refused", evidence: "counter" }), /^dropped by this host/);
  });
});
