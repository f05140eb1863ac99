/**
 * Traces with TCP segments that seem to belong to an open connection. Filters without state let them pass, as they let
 * answers pass; the target, which knows of no connection, resets it whether the port is open or closed (RFC 9293
 * §3.10.7). The mark `unfiltered` says that a reset came: no filter with state stands in the way.
 */
import {
  type Arrival,
  definePlugin,
  icmpProtocol,
  type PacketArrival,
  type Probe,
  type ProbeSocket,
  type Reply,
  readQuotedError,
  SocketError,
  wire,
} from "nettrace";

export default definePlugin({
  name: "tcp-ack",
  summary: "TCP ACK of no connection, answered with a reset",
  api: "^1.0",
  defaultPort: 443,
  modes: [{ name: "raw", needs: "raw" }],
  open(network, target, options) {
    const { address } = target;
    const { family } = address;
    const { source } = network.route(address);
    const icmp = network.open({ type: "raw", protocol: icmpProtocol(family) }, family);
    /** What names our probes, in the upper halves of both numbers. */
    const token = Math.floor(Math.random() * 0x10000);
    const flows = new Map<number, Flow>();
    let isClosed = false;

    const openFlow = (localPort: number): Flow => {
      // Reserved, so that no other program's connection is disturbed.
      const port = network.open({ type: "tcp-port", localPort }, family);
      const ports = { local: port.localPort, remote: target.port };
      const socket = network.open({ type: "raw", protocol: wire.IP_PROTOCOL.tcp, ports }, family);
      const packet = wire.encodeTcp({
        source: source.bytes,
        destination: address.bytes,
        sourcePort: port.localPort,
        destinationPort: target.port,
        sequence: token * 0x10000,
        acknowledgement: token * 0x10000 + 0xffff,
        flags: wire.TCP_FLAG.ack,
      });
      return { port, socket, packet };
    };

    const closeFlow = ({ port, socket }: Flow): void => {
      socket[Symbol.dispose]();
      port[Symbol.dispose]();
    };

    const flowFor = (number: number): Flow => {
      const known = flows.get(number);
      if (known !== undefined) return known;
      const flow = openFlow(0);
      flows.set(number, flow);
      for (const [oldest, old] of flows) {
        if (flows.size <= MAX_FLOWS) break;
        if (oldest === 0) continue;
        closeFlow(old);
        flows.delete(oldest);
      }
      return flow;
    };
    flows.set(0, openFlow(options.sourcePort ?? 0));

    const isOurs = (localPort: number): boolean => [...flows.values()].some(({ port }) => port.localPort === localPort);

    const sequenceOf = (number: number): number | undefined => (number >>> 16 === token ? number & 0xffff : undefined);

    const matchReset = ({ bytes, from, hopLimit }: PacketArrival): Reply | undefined => {
      const segment = from.text === address.text ? wire.parseTcp(bytes) : undefined;
      if (segment === undefined || (segment.flags & wire.TCP_FLAG.rst) === 0) return undefined;
      // The token alone is 16 bits: noise would hit it now and then.
      if (segment.sourcePort !== target.port || !isOurs(segment.destinationPort)) return undefined;
      // The sequence number of a reset is the acknowledgement of what it answers.
      const inverse = sequenceOf(segment.sequence);
      if (inverse === undefined) return undefined;
      const reply = { from, effect: "reached", mark: "unfiltered" } as const;
      return { sequence: 0xffff - inverse, ...reply, ...(hopLimit !== undefined && { replyHopLimit: hopLimit }) };
    };

    const matchQuoted = (arrival: PacketArrival): Reply | undefined => {
      const error = readQuotedError(arrival, target, source);
      if (error?.packet.protocol !== wire.IP_PROTOCOL.tcp) return undefined;
      const quoted = wire.parseTcpStart(error.packet.payload);
      if (quoted === undefined || quoted.destinationPort !== target.port) return undefined;
      const sequence = isOurs(quoted.sourcePort) ? sequenceOf(quoted.sequence) : undefined;
      return sequence === undefined ? undefined : { sequence, ...error.reply };
    };

    return {
      mode: "raw",
      send(probe: Probe) {
        if (isClosed) throw new SocketError("send", "EBADF", "send on a closed session");
        const { socket, packet } = flowFor(probe.flow);
        // The two always add up to the same, so that the checksum stays.
        wire.writeU16(packet, SEQUENCE_LOW_AT, probe.sequence);
        wire.writeU16(packet, ACKNOWLEDGEMENT_LOW_AT, 0xffff - probe.sequence);
        socket.send(packet, target, probe.hopLimit, probe.sequence);
      },
      match(arrival: Arrival) {
        if (arrival.kind !== "packet") return undefined;
        return arrival.socket === icmp ? matchQuoted(arrival) : matchReset(arrival);
      },
      [Symbol.dispose]() {
        isClosed = true;
        for (const flow of flows.values()) closeFlow(flow);
        icmp[Symbol.dispose]();
      },
    };
  },
});

/** A source port with its own socket. */
interface Flow {
  readonly port: ProbeSocket;
  readonly socket: ProbeSocket;
  readonly packet: Uint8Array;
}

/** The oldest but the path's own is closed for a new one. */
const MAX_FLOWS = 64;
// RFC 9293 §3.1
const SEQUENCE_LOW_AT = 6;
const ACKNOWLEDGEMENT_LOW_AT = 10;
