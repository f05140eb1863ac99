import type { Check, HostFiles } from "./check.ts";

/** linux/capability.h */
const CAP_NET_ADMIN = 12n;
const CAP_NET_RAW = 13n;

/** What this process may do: user, capabilities, bounding set, no-new-privs, seccomp, file capabilities (proc(5)). */
export async function rightsChecks(
  files: HostFiles,
  uid: number | undefined,
  program: string,
): Promise<readonly Check[]> {
  const status = files.read("/proc/self/status");
  const group = "rights" as const;
  if (status === undefined) {
    return [
      {
        group,
        name: "/proc",
        state: "missing",
        finding: "/proc is not mounted or hidden",
        remedy: "mount it: refusals of TCP are told by its counters",
      },
    ];
  }
  const field = (name: string): string | undefined => new RegExp(`^${name}:\\s*(.+)$`, "m").exec(status)?.[1];
  const set = (name: string): bigint | undefined => {
    const text = field(name);
    return text !== undefined && /^[0-9a-f]+$/i.test(text) ? BigInt(`0x${text}`) : undefined;
  };
  const has = (bits: bigint | undefined, bit: bigint): boolean => bits !== undefined && ((bits >> bit) & 1n) === 1n;
  const effective = set("CapEff");
  const bounding = set("CapBnd");
  const isRaw = has(effective, CAP_NET_RAW);
  const noNewPrivs = field("NoNewPrivs") === "1";
  const seccomp = field("Seccomp");
  const checks: Check[] = [{ group, name: "/proc", state: "ok", finding: "mounted" }];
  checks.push({
    group,
    name: "user",
    state: "ok",
    finding: uid === undefined ? "unknown" : uid === 0 ? "root" : `uid ${uid}`,
  });
  checks.push({
    group,
    name: "CAP_NET_RAW",
    state: isRaw ? "ok" : "limited",
    finding: isRaw
      ? `effective${has(effective, CAP_NET_ADMIN) ? ", CAP_NET_ADMIN too" : ""}`
      : "not effective: no raw sockets, no packet tap",
    ...(!isRaw && {
      remedy: !has(bounding, CAP_NET_RAW)
        ? "not to be had here: it is not in the bounding set (in a container: --cap-add NET_RAW)"
        : noNewPrivs
          ? "sudo cannot give it here: no-new-privs is set"
          : "sudo nettrace (udp and tcp-connect need no right at all)",
    }),
  });
  checks.push({
    group,
    name: "bounding set",
    state: has(bounding, CAP_NET_RAW) ? "ok" : "limited",
    finding: has(bounding, CAP_NET_RAW)
      ? "holds CAP_NET_RAW"
      : bounding === undefined
        ? "unknown"
        : "lacks CAP_NET_RAW: not even root can open raw sockets",
  });
  checks.push({
    group,
    name: "no-new-privs",
    state: "ok",
    finding: noNewPrivs ? "set: sudo and file capabilities do nothing" : "not set",
  });
  checks.push({
    group,
    name: "seccomp",
    state: seccomp === "2" ? "limited" : seccomp === "0" ? "ok" : "unknown",
    finding:
      seccomp === "2"
        ? "a filter looks at every system call; the sockets below tell what it refuses"
        : seccomp === "0"
          ? "no filter"
          : "unknown",
  });
  const capabilities = await files.run("getcap", [program]);
  if (capabilities !== undefined && capabilities.trim() !== "") {
    checks.push({
      group,
      name: "file capabilities",
      state: "limited",
      finding: `the executable has ${capabilities.trim().split(/\s+/).slice(1).join(" ")}`,
      remedy: "take them off (setcap -r): whoever may start it could make it run code of their own; see SECURITY.md",
    });
  }
  return checks;
}
