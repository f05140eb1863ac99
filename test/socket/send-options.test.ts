import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SendOptions } from "../../core/network.ts";
import { hasRoot } from "./host.ts";
import { both, tryOn } from "./isolated-host.ts";

const send = (options: SendOptions): string => `--send=${JSON.stringify(options)}`;

const DATAGRAMS = ["raw4", "raw6", "udp4", "udp6", "ping4"];
const REFUSED = DATAGRAMS.map(() => "EPERM send");
const SILENT = DATAGRAMS.map(() => "silence");
const DIALS = ["dial4", "dial6"];
const REJECTED = ["3/3 from 10.9.0.1 local", "1/4 from fd09::1 local"];

/** Rules that catch only packets with this property: what they refuse had it. */
const rules = (four: string, six = four): string =>
  [
    `iptables -A OUTPUT ${four} -p tcp -j REJECT`,
    `ip6tables -A OUTPUT ${six} -p tcp -j REJECT`,
    `iptables -A OUTPUT ${four} -j DROP`,
    `ip6tables -A OUTPUT ${six} -j DROP`,
  ].join("\n");

describe("how packets leave", () => {
  const cases: readonly { readonly name: string; readonly setup: string; readonly options: SendOptions }[] = [
    { name: "with a mark", setup: rules("-m mark --mark 0xfffffffe"), options: { mark: 0xfffffffe } },
    { name: "with a traffic class", setup: rules("-m dscp --dscp 0x2e"), options: { trafficClass: 0xb8 } },
  ];
  for (const { name, setup, options } of cases) {
    it(`${name}, on every kind of socket, and not without being asked`, (t) => {
      if (!hasRoot(t)) return;
      const results = tryOn(setup, [...DATAGRAMS, ...DIALS, send(options), ...DATAGRAMS, ...DIALS], true);
      assert.deepEqual(results, [...SILENT, "silence", "silence", ...REFUSED, ...REJECTED]);
    });
  }

  it("with a flow label over IPv6", (t) => {
    if (!hasRoot(t)) return;
    const setup = ["REJECT", "DROP"]
      .map((action) => {
        const protocol = action === "REJECT" ? "-p tcp" : "";
        return `ip6tables -A OUTPUT ${protocol} -m u32 --u32 "0&0xFFFFF=0xabcde" -j ${action}`;
      })
      .join("\n");
    const attempts = ["raw6", "udp6", "dial6"];
    const results = tryOn(setup, [...attempts, send({ flowLabel: 0xabcde }), ...attempts, "raw4"], true);
    assert.deepEqual(results, [...attempts.map(() => "silence"), "EPERM send", "EPERM send", REJECTED[1], "silence"]);
  });

  it("with DF or without it over IPv4", (t) => {
    if (!hasRoot(t)) return;
    const setup = 'iptables -A OUTPUT -m u32 --u32 "4&0x4000=0x4000" -j DROP';
    const attempts = ["raw4", "udp4", "ping4"];
    for (const dontFragment of ["do", "want", "probe"] as const) {
      assert.deepEqual(
        tryOn(setup, [send({ dontFragment }), ...attempts], true),
        attempts.map(() => "EPERM send"),
      );
    }
    assert.deepEqual(
      tryOn(setup, [send({ dontFragment: "dont" }), ...attempts], true),
      attempts.map(() => "silence"),
    );
  });

  it("only if they fit, with the MTU told, where they may not be fragmented", (t) => {
    if (!hasRoot(t)) return;
    const narrow = "ip link set out0 mtu 1400";
    const attempts = [...DATAGRAMS, "ping6"];
    for (const dontFragment of ["do", "probe"] as const) {
      const results = tryOn(narrow, [send({ dontFragment }), "--size=1400", ...attempts], true);
      assert.deepEqual(
        results,
        attempts.map(() => "EMSGSIZE send mtu 1400"),
      );
    }
    for (const dontFragment of ["want", "dont"] as const) {
      const results = tryOn(narrow, [send({ dontFragment }), "--size=1400", ...attempts], true);
      assert.deepEqual(
        results,
        attempts.map(() => "silence"),
      );
    }
  });

  it("to neighbours only, where the routing table is bypassed", (t) => {
    if (!hasRoot(t)) return;
    const results = tryOn("", [send({ dontRoute: true }), "raw4", "udp4", "ping4", "dial4", "route4", "udp6"], true);
    const wanted = ["send", "send", "send", "connect", "route"].map((stage) => `ENETUNREACH ${stage}`);
    // Linux has no such thing for IPv6 (net/ipv6/route.c does not look at it).
    assert.deepEqual(results, [...wanted, "silence"]);
  });

  it("with a mark only where the host allows it", (t) => {
    if (!hasRoot(t)) return;
    const attempts = ["udp4", "ping4", "dial6", "route4"];
    assert.deepEqual(
      tryOn("", [send({ mark: 7 }), ...attempts]),
      attempts.map(() => "EPERM socket"),
    );
  });

  it("and larger than any IP packet never", (t) => {
    if (!hasRoot(t)) return;
    const attempts = ["raw4", "udp4", "raw6"];
    assert.deepEqual(
      tryOn(both("-P OUTPUT ACCEPT"), ["--size=65537", ...attempts], true),
      attempts.map(() => "EMSGSIZE send"),
    );
  });
});
