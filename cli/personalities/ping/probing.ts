import { type Family, type ProbeOptions, type ProtocolPlugin, type Rung, SocketError } from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { PingExit } from "./exit.ts";
import type { PingOptions, PingProtocol } from "./options.ts";

/** What a ping is made by. */
export interface Probing {
  readonly kind: PingProtocol["kind"];
  readonly plugin: ProtocolPlugin;
  /** 0 for ICMP. */
  readonly port: number;
}

export async function chooseProbing(protocol: PingProtocol, context: CommandContext): Promise<Probing> {
  const { plugins } = await context.protocols();
  const find = (name: string): ProtocolPlugin => {
    const found = plugins.find((plugin) => plugin.name === name);
    if (found === undefined) throw new TypeError(`Cannot ping by ${name}: there is no such plugin`);
    return found;
  };
  if (protocol.kind === "tcp") return { ...protocol, plugin: either(find("tcp-syn"), find("tcp-connect")) };
  if (protocol.kind === "udp") return { ...protocol, plugin: find("udp") };
  return { kind: "icmp", plugin: find("icmp"), port: 0 };
}

/** What a search of the ladder found. */
export function probingOf({ plugin, port }: Rung): Probing {
  return { kind: plugin.name.startsWith("tcp") ? "tcp" : "udp", plugin, port: port || (plugin.defaultPort ?? 0) };
}

/** The second where this host refuses the first one's sockets. */
function either(first: ProtocolPlugin, second: ProtocolPlugin): ProtocolPlugin {
  return {
    ...first,
    name: "tcp",
    open(network, target, options) {
      try {
        return first.open(network, target, options);
      } catch (error) {
        if (error instanceof SocketError && error.stage === "socket") return second.open(network, target, options);
        throw error;
      }
    },
  };
}

/** Octets of the headers behind the IP header: ICMP's and UDP's, and those of a SYN with its usual options. */
const HEADERS = { icmp: 8, udp: 8, tcp: 32 } as const;
const LARGEST = { 4: 65_515, 6: 65_535 } as const;
/** As iputils fills its packets: 0, 1, 2… */
const COUNTING = Uint8Array.from({ length: 256 }, (_, octet) => octet);

/** Throws PingExit where no packet is so large. */
export function probeOptions({ kind }: Probing, { dataLength, pattern }: PingOptions, family: Family): ProbeOptions {
  const fill = pattern ?? (dataLength === undefined ? undefined : COUNTING);
  if (dataLength === undefined) return fill === undefined ? {} : { fill };
  const most = LARGEST[family] - HEADERS[kind];
  if (dataLength > most) throw new PingExit(`packet size ${dataLength} is too large. Maximum is ${most}`, 2);
  const packetSize = (family === 4 ? 20 : 40) + HEADERS[kind] + dataLength;
  return { packetSize, ...(fill !== undefined && fill.length > 0 && { fill }) };
}
