import {
  formatAddress,
  type Inspection,
  type Network,
  type PluginMode,
  type ProtocolPlugin,
  parseAddress,
  SocketError,
  type SocketTrial,
} from "../../core/mod.ts";
import type { Check, HostFiles } from "./check.ts";

/** Of the documentation ranges (RFC 5737, RFC 3849): asking for the route to it sends nothing. */
const FAR = { 4: "198.51.100.1", 6: "2001:db8::1" } as const;
const MAX_NAME_SERVERS = 3;

export function routeChecks(network: Network): readonly Check[] {
  return ([4, 6] as const).map((family) => {
    const name = `IPv${family} route`;
    const to = parseAddress(FAR[family]);
    if (to === undefined) return { group: "network", name, state: "unknown", finding: "cannot be asked for" };
    try {
      const { source, interface: device } = network.route(to);
      const by = device === undefined ? "" : ` by ${device}`;
      return { group: "network", name, state: "ok", finding: `from ${formatAddress(source)}${by}` };
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      if (error.errno === null)
        return { group: "network", name, state: "unknown", finding: error.evidence ?? error.message };
      const why =
        error.errno === "EACCES"
          ? "a route prohibits it"
          : error.errno === "EINVAL"
            ? "a route swallows it"
            : "there is none";
      return { group: "network", name, state: "limited", finding: `no way out: ${why} (${error.errno ?? "no errno"})` };
    }
  });
}

export function resolverChecks(files: HostFiles): readonly Check[] {
  const name = "name servers";
  const text = files.read("/etc/resolv.conf");
  const servers = (text ?? "")
    .split("\n")
    .flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .slice(0, MAX_NAME_SERVERS);
  if (text === undefined || servers.length === 0) {
    const finding = text === undefined ? "there is no /etc/resolv.conf" : "/etc/resolv.conf names none";
    const remedy = "give addresses in place of names; names of routers stay unknown";
    return [
      { group: "network", name, state: "limited", finding: `${finding}: the resolver asks this host itself`, remedy },
    ];
  }
  return [{ group: "network", name, state: "ok", finding: `${servers.join(", ")} (not asked: that would send)` }];
}

const TRIALS: Readonly<Record<SocketTrial["kind"], string>> = {
  "raw-icmp": "raw ICMP",
  "raw-tcp": "raw TCP",
  ping: "ping socket",
  udp: "UDP, error queue",
  "tcp-connect": "TCP",
  "packet-tap": "packet tap",
};
const REMEDIES: Readonly<Partial<Record<SocketTrial["kind"], string>>> = {
  ping: "see ping_group_range",
  "packet-tap": "without it, answers that an INPUT rule drops are not seen",
};

export function socketChecks({ ffiRefusal, sockets }: Inspection): readonly Check[] {
  if (ffiRefusal !== null) {
    const finding = `the C library cannot be called: ${ffiRefusal}`;
    const remedy =
      "only tcp-reach is left: let memory become executable (systemd: MemoryDenyWriteExecute=no; SELinux: execmem) " +
      "and ulimit -v be 4 GB or more";
    return [{ group: "sockets", name: "FFI", state: "missing", finding, remedy }];
  }
  const kinds = [...new Set(sockets.map(({ kind }) => kind))];
  return [
    { group: "sockets", name: "FFI", state: "ok", finding: "the C library can be called" },
    ...kinds.map((kind): Check => {
      const trials = sockets.filter((each) => each.kind === kind);
      const refused = trials.filter(({ refusal }) => refusal !== null);
      const said = (each: SocketTrial): string => `IPv${each.family} ${each.refusal ?? "opens"}`;
      const remedy = REMEDIES[kind];
      return {
        group: "sockets",
        name: TRIALS[kind],
        state: refused.length === 0 ? "ok" : "limited",
        finding:
          refused.length === 0
            ? "opens"
            : kind === "packet-tap"
              ? `${refused[0]?.refusal}`
              : trials.map(said).join(", "),
        ...(refused.length > 0 && remedy !== undefined && { remedy }),
      };
    }),
  ];
}

/** Which of its modes each protocol can run in here; what leaves this host after that is another question. */
export function protocolChecks(
  plugins: readonly ProtocolPlugin[],
  { sockets, ffiRefusal }: Inspection,
): readonly Check[] {
  const opens = (kind: SocketTrial["kind"]): boolean =>
    sockets.some((each) => each.kind === kind && each.refusal === null);
  /** Not every system has every socket, privilege or not; those that bear a protocol's name are its own. */
  const isRefused = (name: string): boolean => {
    const own = sockets.filter(({ kind }) => kind === name);
    return own.length > 0 && own.every(({ refusal }) => refusal !== null);
  };
  const can = ({ needs }: PluginMode): boolean => {
    if (ffiRefusal !== null) return needs === "nothing";
    return needs === "raw" ? opens("raw-icmp") : needs === "ping" ? opens("ping") : true;
  };
  return plugins.map(({ name, modes = [] }) => {
    if (modes.length === 0)
      return { group: "protocols", name, state: "unknown", finding: "does not say what it needs" };
    if (ffiRefusal === null && isRefused(name)) {
      return { group: "protocols", name, state: "missing", finding: "this system has no such socket" };
    }
    const possible = modes.filter(can).map((mode) => mode.name);
    if (ffiRefusal !== null && possible.length > 0) {
      const finding = `${possible.join(", ")}: reached or not, and in what time; no hops`;
      return { group: "protocols", name, state: "limited", finding };
    }
    if (possible.length === modes.length)
      return { group: "protocols", name, state: "ok", finding: possible.join(", ") };
    const lacking = modes
      .filter((mode) => !can(mode))
      .map((mode) => `${mode.name} needs ${ffiRefusal === null ? NEEDS[mode.needs] : "FFI"}`);
    if (possible.length === 0) return { group: "protocols", name, state: "missing", finding: lacking.join(", ") };
    return { group: "protocols", name, state: "limited", finding: `${possible.join(", ")}; ${lacking.join(", ")}` };
  });
}

const NEEDS: Readonly<Record<PluginMode["needs"], string>> = {
  raw: "CAP_NET_RAW",
  ping: "ping_group_range",
  none: "FFI",
  nothing: "nothing",
};
