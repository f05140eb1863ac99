import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wire } from "../../core/mod.ts";
import { findTool } from "../../test/lab/access.ts";
import { DEVICE, type TunLab } from "../../test/lab/tun/lab.ts";

/** A probe as it left the host, and its first answer. */
export interface OnWire {
  readonly hopLimit: number;
  readonly protocol: number;
  /** Undefined: nothing came back. */
  readonly rttMs: number | undefined;
}

/**
 * Runs something while tcpdump listens on the host's side of the device, in the kernel's time; then tells every probe to
 * the lab's target, in the order of their departure. Undefined without tcpdump.
 */
export async function tapped(lab: TunLab, body: () => Promise<unknown>): Promise<readonly OnWire[] | undefined> {
  const tool = findTool("tcpdump");
  if (tool === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "nettrace-tap-"));
  const file = join(directory, "tap.pcap");
  try {
    // A large buffer, and packets in blocks: a busy machine must not lose any. Root stays root: the file is ours.
    const options = ["-i", DEVICE, "-w", file, "-s", "200", "-B", "65536", "--time-stamp-precision=nano", "-Z", "root"];
    const [command = "", ...rest] = lab.inside(["nice", "-n", "-20", tool, ...options]);
    const child = spawn(command, rest, { stdio: ["ignore", "ignore", "pipe"] });
    const closed = once(child, "close");
    let said = "";
    const listening = new Promise<void>((resolve) => {
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString("utf8");
        if (said.includes("listening on")) resolve();
      });
    });
    await Promise.race([listening, closed]);
    if (!said.includes("listening on")) throw new Error(`Cannot listen on ${DEVICE}: ${said.trim()}`);
    await body();
    await new Promise((resolve) => setTimeout(resolve, BLOCK_MS));
    child.kill("SIGINT");
    await closed;
    return probesIn(readFileSync(file), lab.target.v4);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** libpcap hands over a block of packets that is not full after a second. */
const BLOCK_MS = 1500;

interface Captured {
  readonly atMs: number;
  readonly packet: Uint8Array;
}

/** pcap(5) of nanoseconds and of packets without a link header (LINKTYPE_RAW). */
function* packetsIn(bytes: Uint8Array): Generator<Captured> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== 0xa1b23c4d) throw new Error("Cannot read the capture: not of nanoseconds");
  for (let at = 24; at + 16 <= bytes.length; ) {
    const length = view.getUint32(at + 8, true);
    const atMs = view.getUint32(at, true) * 1000 + view.getUint32(at + 4, true) / 1e6;
    yield { atMs, packet: bytes.subarray(at + 16, at + 16 + length) };
    at += 16 + length;
  }
}

function probesIn(bytes: Uint8Array, target: string): readonly OnWire[] {
  const probes: { hopLimit: number; protocol: number; sentAtMs: number; rttMs: number | undefined }[] = [];
  const byName = new Map<string, (typeof probes)[number]>();
  const destination = target.split(".").map(Number);
  for (const { atMs, packet } of packetsIn(bytes)) {
    const ip = wire.parseIp(packet);
    if (ip === undefined || ip.version !== 4) continue;
    if (ip.destination.every((octet, index) => octet === destination[index])) {
      const name = nameOfProbe(ip);
      // The kernel's own words within a connection are no probes.
      if (name === undefined) continue;
      const probe = { hopLimit: ip.hopLimit, protocol: ip.protocol, sentAtMs: atMs, rttMs: undefined };
      probes.push(probe);
      byName.set(name, probe);
      continue;
    }
    const probe = byName.get(nameOfAnswered(ip) ?? "");
    if (probe !== undefined) probe.rttMs ??= atMs - probe.sentAtMs;
  }
  return probes;
}

/** What tells a probe from all others, and is in whatever answers it. */
function nameOfProbe(ip: wire.IpPacket): string | undefined {
  const { protocol, payload } = ip;
  if (payload.length < 8) return undefined;
  if (protocol === 1) return `icmp ${wire.readU16(payload, 4)} ${wire.readU16(payload, 6)}`;
  if (protocol === 17) return `udp ${wire.readU32(payload, 0)} ${wire.readU16(payload, 6)} ${ip.identification}`;
  if (protocol !== 6) return undefined;
  const tcp = wire.parseTcpStart(payload);
  const flags = payload[13] ?? wire.TCP_FLAG.syn;
  if (tcp === undefined || (flags & wire.TCP_FLAG.syn) === 0) return undefined;
  return `tcp ${tcp.sourcePort} ${tcp.destinationPort} ${tcp.sequence}`;
}

function nameOfAnswered(ip: wire.IpPacket): string | undefined {
  const { protocol, payload } = ip;
  if (protocol === 6) {
    const tcp = wire.parseTcp(payload);
    return tcp && `tcp ${tcp.destinationPort} ${tcp.sourcePort} ${(tcp.acknowledgement - 1) >>> 0}`;
  }
  if (protocol !== 1) return undefined;
  if (payload[0] === wire.ICMP.echoReply) return `icmp ${wire.readU16(payload, 4)} ${wire.readU16(payload, 6)}`;
  const quote = wire.parseQuote(payload, 4);
  return quote && nameOfProbe(quote.packet);
}
