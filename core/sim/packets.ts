import { addressFromBytes, type Family, parseAddress } from "../address.ts";
import { encodeEcho, encodeIp, encodeTcp, encodeUdp, type IpPacket, parseIp, TCP_FLAG } from "../wire/mod.ts";

/** Whole packets as a host would send them to the named topologies' target, for tests of the engine. */
export interface PacketOptions {
  readonly family?: Family;
  readonly hopLimit?: number;
  /** Another destination than the target. */
  readonly to?: string;
  readonly sourcePort?: number;
  readonly port?: number;
  readonly flags?: number;
  readonly sequence?: number;
  readonly identifier?: number;
  readonly size?: number;
}

const HOST = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
const TARGET = { 4: "198.51.100.10", 6: "2001:db8:ffff::10" } as const;

function bytesOf(text: string): Uint8Array {
  const address = parseAddress(text);
  if (address === undefined) throw new TypeError(`Cannot read the address ${text}`);
  return address.bytes;
}

function ends({ family = 4, to = TARGET[family] }: PacketOptions): { source: Uint8Array; destination: Uint8Array } {
  return { source: bytesOf(HOST[family]), destination: bytesOf(to) };
}

function wrap(options: PacketOptions, protocol: number, payload: Uint8Array): Uint8Array {
  const { hopLimit = 64 } = options;
  return encodeIp({ ...ends(options), protocol, hopLimit, payload, dontFragment: true, identification: 7 });
}

export function udpPacket(options: PacketOptions = {}): Uint8Array {
  const { sourcePort = 40_000, port = 33_434, size = 16 } = options;
  const payload = new Uint8Array(size).fill(0x55);
  return wrap(options, 17, encodeUdp({ ...ends(options), sourcePort, destinationPort: port, payload }));
}

export function tcpPacket(options: PacketOptions = {}): Uint8Array {
  const { sourcePort = 40_000, port = 443, flags = TCP_FLAG.syn, sequence = 1000 } = options;
  const acknowledgement = (flags & TCP_FLAG.ack) === 0 ? 0 : 5000;
  const fields = { sourcePort, destinationPort: port, sequence, acknowledgement, flags };
  return wrap(options, 6, encodeTcp({ ...ends(options), ...fields }));
}

export function echoPacket(options: PacketOptions = {}): Uint8Array {
  const { family: version = 4, identifier = 9, sequence = 1 } = options;
  const fields = { version, request: true, identifier, sequence: sequence & 0xffff, payload: new Uint8Array(16) };
  return wrap(options, version === 4 ? 1 : 58, encodeEcho({ ...fields, ...ends(options) }));
}

/** A packet of a protocol that nobody speaks. */
export function strangePacket(options: PacketOptions = {}): Uint8Array {
  return wrap(options, 253, new Uint8Array(16));
}

export function parsed(packet: Uint8Array | undefined): IpPacket {
  const ip = packet === undefined ? undefined : parseIp(packet);
  if (ip === undefined) throw new Error("Cannot read the packet: it is no IP packet");
  return ip;
}

export function textOf(bytes: Uint8Array): string {
  return addressFromBytes(bytes).text;
}
