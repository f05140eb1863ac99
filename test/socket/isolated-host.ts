import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hasNobody } from "../lab/access.ts";
import { runtime } from "../lab/command.ts";

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
export function tryOn(setup: string, attempts: readonly string[], asRoot = false): string[] {
  const child = [...(asRoot ? [] : NOBODY), ...CHILD, ...attempts];
  const script = `set -e\n${HOST}\n${setup}\nexec "$@"`;
  const argv = ["--net", "sh", "-c", script, "sh", ...child];
  const { status, stdout, stderr } = spawnSync("unshare", argv, { encoding: "utf8", timeout: 30_000 });
  assert.equal(status, 0, stderr);
  const results: unknown = JSON.parse(stdout);
  assert.ok(Array.isArray(results) && results.every((result) => typeof result === "string"));
  return results;
}

/** For both families. */
export const both = (rule: string): string => `iptables ${rule}\nip6tables ${rule}`;
