import type { Check, HostFiles } from "./check.ts";

const group = "kernel" as const;
const STRICT = 1;

/** What the kernel's settings mean for a trace. */
export function kernelChecks(
  files: HostFiles,
  gids: readonly number[],
  interfaces: readonly string[],
): readonly Check[] {
  return [
    pingGroups(files, gids),
    icmpLimit(files),
    conntrack(files),
    clock(files),
    reversePath(files, interfaces),
  ].filter((check) => check !== undefined);
}

function pingGroups(files: HostFiles, gids: readonly number[]): Check {
  const name = "ping_group_range";
  const [least, most] = numbers(files.read("/proc/sys/net/ipv4/ping_group_range"));
  if (least === undefined || most === undefined) return { group, name, state: "unknown", finding: "cannot be read" };
  const isIn = gids.some((gid) => gid >= least && gid <= most);
  const range = least > most ? "nobody" : `groups ${least}-${most}`;
  return {
    group,
    name,
    state: isIn ? "ok" : "limited",
    finding: isIn ? `${range}: ICMP without privilege` : `${range}, not this user: no ICMP without privilege`,
    ...(!isIn && { remedy: "ask for: sysctl -w net.ipv4.ping_group_range='0 2147483647'" }),
  };
}

function icmpLimit(files: HostFiles): Check {
  const [limit] = numbers(files.read("/proc/sys/net/ipv4/icmp_ratelimit"));
  const finding =
    limit === undefined
      ? "cannot be read"
      : limit === 0
        ? "no limit"
        : `this host makes one ICMP error in ${limit} ms for each target; routers limit theirs alike`;
  return { group, name: "icmp_ratelimit", state: limit === undefined ? "unknown" : "ok", finding };
}

/** A full table drops what is new without a word: sends meet EPERM now and then. */
function conntrack(files: HostFiles): Check {
  const name = "conntrack";
  const [count] = numbers(files.read("/proc/sys/net/netfilter/nf_conntrack_count"));
  const [max] = numbers(files.read("/proc/sys/net/netfilter/nf_conntrack_max"));
  if (count === undefined || max === undefined || max === 0) {
    return { group, name, state: "ok", finding: "not in use, or hidden" };
  }
  const share = Math.round((100 * count) / max);
  const finding = `${count} of ${max} entries (${share} %)`;
  if (share < 90) return { group, name, state: "ok", finding };
  return {
    group,
    name,
    state: share >= 100 ? "missing" : "limited",
    finding: `${finding}: what is new is dropped when it is full, and sends meet EPERM now and then`,
    remedy: "ask for a higher net.netfilter.nf_conntrack_max",
  };
}

function clock(files: HostFiles): Check {
  const source = files.read("/sys/devices/system/clocksource/clocksource0/current_clocksource")?.trim();
  const isCoarse = source === "jiffies" || source === "refined-jiffies";
  return {
    group,
    name: "time source",
    state: source === undefined ? "unknown" : isCoarse ? "limited" : "ok",
    finding:
      source === undefined ? "cannot be read" : `${source}${isCoarse ? ": times are no finer than milliseconds" : ""}`,
  };
}

/** Of `all` and the interface's own value the greater counts (linux Documentation/networking/ip-sysctl.rst). */
function reversePath(files: HostFiles, interfaces: readonly string[]): Check | undefined {
  const settingOf = (name: string): number => numbers(files.read(`/proc/sys/net/ipv4/conf/${name}/rp_filter`))[0] ?? 0;
  const all = settingOf("all");
  const strict = interfaces.toSorted().filter((name) => isPlain(name) && Math.max(all, settingOf(name)) === STRICT);
  if (strict.length === 0) return undefined;
  return {
    group,
    name: "rp_filter",
    state: "limited",
    finding: `strict on ${strict.join(", ")}: answers that come by another interface than the route back are dropped`,
    remedy: "with several uplinks: net.ipv4.conf.all.rp_filter=2",
  };
}

/** As a name of a directory; interfaces may be called anything but `.` and `..` without a slash. */
function isPlain(name: string): boolean {
  return name !== "" && !/^\.{1,2}$|\//.test(name);
}

function numbers(text: string | undefined): readonly number[] {
  return (text ?? "")
    .trim()
    .split(/\s+/)
    .filter((word) => /^\d{1,10}$/.test(word))
    .map(Number);
}
