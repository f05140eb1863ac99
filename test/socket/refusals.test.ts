import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { hasNobody } from "../lab/access.ts";
import { runtime } from "../lab/command.ts";
import { hasRoot } from "./host.ts";

const CHILD = runtime(new URL("./isolated-child.ts", import.meta.url));

/** A host of its own: one interface, whose neighbour is silent, and default routes over it. */
const HOST = `
  export PATH="$PATH:/usr/sbin:/sbin"
  ip link set lo up
  ip link add out0 type veth peer name peer0
  ip addr add 10.9.0.1/24 dev out0
  ip -6 addr add fd09::1/64 dev out0 nodad
  ip link set out0 up
  ip link set peer0 up
  ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev out0 nud permanent
  ip -6 neigh add fd09::2 lladdr 02:00:00:00:00:02 dev out0 nud permanent
  ip route add default via 10.9.0.2
  ip -6 route add default via fd09::2
  echo "0 ${hasNobody() ? 2147483647 : 0}" > /proc/sys/net/ipv4/ping_group_range
`;
/** In a user namespace of one user there is no other to become: there it is root without any capability. */
const IDENTITY = hasNobody() ? ["--reuid", "65534", "--regid", "65534", "--clear-groups"] : [];
const NOBODY = ["setpriv", ...IDENTITY, "--bounding-set", "-all", "--inh-caps", "-all"];

/** What comes of each of `attempts` on that host after `setup`, as nobody unless `asRoot`. */
function tryOn(setup: string, attempts: readonly string[], asRoot = false): string[] {
  const child = [...(asRoot ? [] : NOBODY), ...CHILD, ...attempts];
  const script = `set -e\n${HOST}\n${setup}\nexec "$@"`;
  const argv = ["--net", "sh", "-c", script, "sh", ...child];
  const { status, stdout, stderr } = spawnSync("unshare", argv, { encoding: "utf8", timeout: 30_000 });
  assert.equal(status, 0, stderr);
  const results: unknown = JSON.parse(stdout);
  assert.ok(Array.isArray(results) && results.every((result) => typeof result === "string"));
  return results;
}

const both = (rule: string): string => `iptables ${rule}\nip6tables ${rule}`;
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
