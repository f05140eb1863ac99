import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasRoot } from "./host.ts";
import { both, tryOn } from "./isolated-host.ts";

const SENDING = ["raw4", "raw6", "udp4", "udp6", "ping4"];
const REFUSED_SILENTLY = "this host discarded the packet (Ip6OutDiscards rose) send";

describe("a host that refuses", () => {
  it("nothing to nobody but raw sockets: ping, UDP and connect reach the target", (t) => {
    if (!hasRoot(t)) return;
    const attempts = [
      "raw4",
      "raw6",
      ...["ping4", "ping6", "udp4", "udp6", "dial4", "dial6"].map((a) => `${a}-loopback`),
    ];
    assert.deepEqual(tryOn("", attempts), [
      "EPERM socket",
      "EPERM socket",
      "packet from 127.0.0.1",
      "packet from ::1",
      "3/3 from 127.0.0.1",
      "1/4 from ::1",
      "closed",
      "closed",
    ]);
  });

  it("everything by an OUTPUT rule: EPERM, or the kernel's counter where it tells no errno, and a silent connect", (t) => {
    if (!hasRoot(t)) return;
    const results = tryOn(both("-P OUTPUT DROP"), [...SENDING, "ping6", "dial4", "dial6"], true);
    assert.deepEqual(results, [...SENDING.map(() => "EPERM send"), REFUSED_SILENTLY, "silence", "silence"]);
  });

  it("TCP by REJECT with an ICMP error: local, not a hop", (t) => {
    if (!hasRoot(t)) return;
    const results = tryOn(both("-A OUTPUT -p tcp -j REJECT"), ["dial4", "dial6", "dial4-loopback"]);
    assert.deepEqual(results, ["3/3 from 10.9.0.1 local", "1/4 from fd09::1 local", "3/3 from 127.0.0.1"]);
  });

  it("TCP by REJECT with a reset: local, not the target; but the host's own closed port is", (t) => {
    if (!hasRoot(t)) return;
    const rule = both("-A OUTPUT -o out0 -p tcp -j REJECT --reject-with tcp-reset");
    const results = tryOn(rule, ["dial4", "dial6", "dial4-loopback", "dial6-loopback"]);
    assert.deepEqual(results, ["closed local", "closed local", "closed", "closed"]);
  });

  for (const [kind, errno] of [
    ["prohibit", "EACCES"],
    ["blackhole", "EINVAL"],
    ["unreachable", "EHOSTUNREACH"],
  ] as const) {
    it(`an address by a ${kind} route: ${errno} on every way`, (t) => {
      if (!hasRoot(t)) return;
      const setup = `ip route add ${kind} 10.9.1.0/24\nip -6 route add ${kind} fd09:1::/64`;
      const results = tryOn(setup, [...SENDING, "ping6", "dial4", "dial6", "route4", "route6"], true);
      const wanted = [...SENDING.map(() => "send"), "send", "connect", "connect", "route", "route"];
      assert.deepEqual(
        results,
        wanted.map((stage) => `${errno} ${stage}`),
      );
    });
  }

  it("an address for want of a route: ENETUNREACH on every way", (t) => {
    if (!hasRoot(t)) return;
    const setup = "ip route del default\nip -6 route del default";
    const results = tryOn(setup, ["udp4", "udp6", "dial4", "dial6", "route4", "route6"]);
    const wanted = ["send", "send", "connect", "connect", "route", "route"];
    assert.deepEqual(
      results,
      wanted.map((stage) => `ENETUNREACH ${stage}`),
    );
  });
});
