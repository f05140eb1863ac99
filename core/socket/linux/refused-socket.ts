/** linux/capability.h */
const CAP_NET_RAW = 13n;
const FILTERED = "2";

/**
 * Why the kernel refuses a socket to a process that should have it, from its /proc/self/status (proc(5)): one line.
 * Undefined where it plainly lacks the privilege for a raw one, or nothing is known.
 */
export function causeOfRefusal(errno: string, isRaw: boolean, status: string | undefined): string | undefined {
  const field = (name: string): string => fieldOf(status, name);
  const hasNetRaw = (set: string): boolean =>
    /^[\da-f]{1,16}$/i.test(set) && (BigInt(`0x${set}`) & (1n << CAP_NET_RAW)) !== 0n;
  const isFiltered = field("Seccomp") === FILTERED;
  if (!isRaw) {
    return isFiltered
      ? "no privilege is needed for it: a seccomp filter (or a security module) refuses it"
      : "no privilege is needed for it: a security module or a filter of the cgroup refuses it";
  }
  // For want of the capability the kernel says EPERM (inet_create, packet_create).
  if (errno === "EACCES" && status !== undefined && !isFiltered) {
    return "a security module (SELinux, AppArmor) refuses raw sockets: for want of privilege the kernel would say EPERM";
  }
  if (hasNetRaw(field("CapEff"))) {
    return isFiltered
      ? "this process has CAP_NET_RAW, but a seccomp filter (or a security module) refuses raw sockets"
      : "this process has CAP_NET_RAW, but not over this network: it is in a user namespace, or a security module refuses";
  }
  const isRoot = /^Uid:\s+\d+\s+0\s/m.test(status ?? "");
  if (!isRoot || hasNetRaw(field("CapBnd"))) return undefined;
  return "CAP_NET_RAW is not in the bounding set, so that even root lacks it (in a container: --cap-add NET_RAW)";
}

/** Why the kernel says that it has no such address family, though it has; undefined where nothing is known. */
export function causeOfMissingFamily(hasFamily: boolean, status: string | undefined): string | undefined {
  if (!hasFamily || fieldOf(status, "Seccomp") !== FILTERED) return undefined;
  return "this kernel has the address family, but a seccomp filter refuses it (systemd: RestrictAddressFamilies=)";
}

function fieldOf(status: string | undefined, name: string): string {
  return new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status ?? "")?.[1] ?? "";
}
