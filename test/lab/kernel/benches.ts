import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { type Family, type IpAddress, parseAddress } from "../../../core/address.ts";
import type { Bench, PluginBenches } from "../../../core/conformance/bench.ts";
import type { Network } from "../../../core/network.ts";
import { openSystemNetwork } from "../../../core/socket/system.ts";
import { IP_PROTOCOL, parseIp, parseTcp, TCP_FLAG } from "../../../core/wire/mod.ts";
import type { NetworkBench } from "../../contract.ts";
import type { Addresses } from "../addresses.ts";
import { type Capture, followCapture } from "./capture.ts";
import {
  CLOSED_PORT,
  CLOSED_UDP_PORT,
  DROPPED,
  type KernelLab,
  MARKED,
  OPEN_PORT,
  PROHIBITED,
  SILENT,
  UNREACHABLE,
  UNROUTABLE,
} from "./situation.ts";

/** The ports that a plugin's benches need; 0 for protocols without ports. */
interface Ports {
  readonly plain: number;
  readonly closed: number;
}

export interface KernelBenches {
  readonly plugin: (ports: Ports) => PluginBenches;
  readonly network: (family: Family) => Promise<NetworkBench>;
}

/** Benches on this machine's kernel, inside the lab's host. */
export async function kernelBenches(lab: KernelLab): Promise<KernelBenches> {
  const openNetwork = (): Promise<Network> =>
    openSystemNetwork({ backend: lab.right === "raw-socket" ? "raw-socket" : "ffi" });
  const capture = lab.capture === undefined ? undefined : openCapture(lab.capture, await openNetwork());
  const respondersOf = (family: Family): readonly (readonly string[])[] =>
    lab.responders.map((each) => [textOf(each, family)]);

  const bench = async (family: Family, to: Addresses, port: number): Promise<Bench> => {
    const network = await openNetwork();
    const address = addressOf(to, family);
    const socketsBefore = countSockets();
    const packetsBefore = capture?.packets().length ?? 0;
    return {
      network,
      target: { address, port },
      responders: respondersOf(family),
      unreachableAt: lab.unreachableAt,
      openSockets: () => countSockets() - socketsBefore,
      ...(capture && { sent: () => probesTo(address, capture.packets().slice(packetsBefore)) }),
    };
  };

  return {
    plugin: ({ plain, closed }) => ({
      families: [4, 6],
      recordsSent: capture !== undefined,
      serves: { datagrams: false, streams: false },
      allows: lab.right === "unprivileged" ? ["ping", "none"] : ["raw", "ping", "none"],
      plain: (family) => bench(family, lab.target, plain),
      closed: (family) => bench(family, lab.target, closed),
      unreachable: (family) => bench(family, UNREACHABLE, plain),
      silent: (family) => bench(family, SILENT, plain),
      dropped: (family) => bench(family, DROPPED, plain),
      prohibited: (family) => bench(family, PROHIBITED, plain),
      noSockets: async (family) => withoutDescriptors(await bench(family, lab.target, plain)),
    }),
    network: async (family) => ({
      network: await openNetwork(),
      target: addressOf(lab.target, family),
      openPort: OPEN_PORT,
      closedPort: CLOSED_PORT,
      closedUdpPort: CLOSED_UDP_PORT,
      responders: respondersOf(family),
      unroutable: addressOf(UNROUTABLE, family),
    }),
  };
}

function openCapture(file: string, network: Network): Capture {
  const to = { address: addressOf(MARKED, 4), port: CLOSED_UDP_PORT };
  return followCapture(file, network.open({ type: "udp" }, 4), to);
}

/** What plugins sent to an address: of TCP the SYNs, since all else is the kernel's own. */
function probesTo(target: IpAddress, packets: readonly Uint8Array[]): readonly { readonly packet: Uint8Array }[] {
  const isProbe = (packet: Uint8Array): boolean => {
    const ip = parseIp(packet);
    if (ip === undefined || Buffer.compare(ip.destination, target.bytes) !== 0) return false;
    return ip.protocol !== IP_PROTOCOL.tcp || parseTcp(ip.payload)?.flags === TCP_FLAG.syn;
  };
  return packets.filter(isProbe).map((packet) => ({ packet }));
}

function countSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => linkOf(fd).startsWith("socket:")).length;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The descriptor that the directory was read through is closed by now.
    return "";
  }
}

/** The bench in a process that has no descriptor left (EMFILE), until it is asked how many sockets are open, or closed. */
function withoutDescriptors(bench: Bench): Bench {
  const { network } = bench;
  const taken: number[] = [];
  const release = (): void => {
    for (const fd of taken.splice(0)) closeSync(fd);
  };
  assert.throws(() => {
    for (;;) taken.push(openSync("/dev/null", "r"));
  }, /EMFILE/);
  const watched: Network = {
    nowMs: () => network.nowMs(),
    route: (to) => network.route(to),
    open: (spec, family) => network.open(spec, family),
    dial: (to, hopLimit, localPort, tag) => network.dial(to, hopLimit, localPort, tag),
    receive: (untilMs, signal) => network.receive(untilMs, signal),
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => {
      release();
      network[Symbol.dispose]();
    },
  };
  return {
    ...bench,
    network: watched,
    openSockets: () => {
      release();
      return bench.openSockets?.() ?? 0;
    },
  };
}

function textOf({ v4, v6 }: Addresses, family: Family): string {
  return family === 4 ? v4 : v6;
}

function addressOf(addresses: Addresses, family: Family): IpAddress {
  const address = parseAddress(textOf(addresses, family));
  assert.ok(address !== undefined, `an address: ${textOf(addresses, family)}`);
  return address;
}
