/** Where in the life of a probe a host refused: the stages of a verdict. */
export type Stage = "socket" | "route" | "bind" | "send" | "connect" | "local-reject";

/**
 * The host refused an operation on a socket. `errno` is the symbolic name (`"EPERM"`), or null where the kernel
 * gives none (a SYN that an OUTPUT rule drops leaves no errno: only counters show it).
 */
export class SocketError extends Error {
  override readonly name = "SocketError";
  readonly stage: Stage;
  readonly errno: string | null;
  /** What was seen, where it says more than the errno does: one sentence, no control characters. */
  readonly evidence: string | undefined;
  /**
   * With `EMSGSIZE`: the largest packet, octets, that this host sends to the target unfragmented, as far as it knows.
   * Undefined where it does not, and for other errors.
   */
  readonly mtu: number | undefined;

  constructor(stage: Stage, errno: string | null, action: string, evidence?: string, mtu?: number) {
    super(`Cannot ${action}: ${errno ?? evidence ?? "refused"}`);
    this.stage = stage;
    this.errno = errno;
    this.evidence = evidence;
    this.mtu = mtu;
  }
}

/** A mistake in what the caller asked for (an unknown plugin, a bad port): never the network's fault. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A name that has no usable address: unknown, silent resolver, wrong family. */
export class ResolveError extends Error {
  override readonly name = "ResolveError";
}

/** A plugin broke its contract: it threw where it must not. It costs the plugin's own attempt, and nothing else. */
export class PluginError extends Error {
  override readonly name = "PluginError";
}
