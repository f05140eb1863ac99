import { type SimBenchesOptions, simPluginBenches } from "../core/conformance/sim-benches.ts";
import type { ProtocolPlugin } from "../core/plugin.ts";
import type { HostProfile } from "../core/sim/host.ts";
import { icmp } from "../plugins/icmp.ts";
import { tcpConnect } from "../plugins/tcp-connect.ts";
import { tcpSyn } from "../plugins/tcp-syn.ts";
import { udp } from "../plugins/udp.ts";
import { pluginContract } from "./contract.ts";

/** Raw sockets are refused, ping sockets are not, as for users inside of ping_group_range. */
const NO_RAW = {
  host: { refusedSockets: [{ types: ["raw"], errno: "EPERM" }] } satisfies HostProfile,
  allows: ["ping", "none"],
} as const;
const DEAF = { host: { inputDropsIcmpErrors: true } satisfies HostProfile };

type More = Omit<SimBenchesOptions, "port">;

const NO_MARKS = { marks: { plain: undefined, closed: undefined } };
const TCP_MARKS = { marks: { plain: "open", closed: "closed" } };
/** A port that is unreachable is closed, whichever arrangement it is in. */
const UDP_MARKS = { marks: { plain: "closed", closed: "closed" } };

const icmpBenches = (more: More) => simPluginBenches({ port: 0, ...more });
pluginContract("icmp", icmp, icmpBenches({}), { ...NO_MARKS, mode: "raw" });
pluginContract("icmp without privilege", icmp, icmpBenches(NO_RAW), { ...NO_MARKS, mode: "ping-socket" });
pluginContract("icmp behind an INPUT rule that drops errors", icmp, icmpBenches(DEAF), NO_MARKS);

const udpBenches = (more: More) => simPluginBenches({ port: 33_434, ...more });
pluginContract("udp", udp, udpBenches({}), { ...UDP_MARKS, mode: "udp+raw-icmp" });
pluginContract("udp without privilege", udp, udpBenches(NO_RAW), { ...UDP_MARKS, mode: "error-queue" });
pluginContract("udp behind an INPUT rule that drops errors", udp, udpBenches(DEAF), UDP_MARKS);
const echo = { open: { udp: (payload: Uint8Array) => payload } };
const ECHO_MARKS = { marks: { plain: "open", closed: "closed" } };
pluginContract("udp to a port that answers", udp, udpBenches(echo), ECHO_MARKS);
pluginContract("udp to a port that answers, without privilege", udp, udpBenches({ ...NO_RAW, ...echo }), ECHO_MARKS);

const bySource: ProtocolPlugin = {
  ...udp,
  open: (network, target, options) =>
    udp.open(network, target, { ...options, plugin: { ...options.plugin, vary: "source" } }),
};
pluginContract("udp whose flows differ by source port", bySource, udpBenches({}), UDP_MARKS);
pluginContract("udp whose flows differ by source port, without privilege", bySource, udpBenches(NO_RAW), UDP_MARKS);

const tcpBenches = (more: More) => simPluginBenches({ port: 443, ...more });
pluginContract("tcp-syn", tcpSyn, tcpBenches({}), { ...TCP_MARKS, mode: "raw" });
pluginContract("tcp-syn behind an INPUT rule that drops errors", tcpSyn, tcpBenches(DEAF), TCP_MARKS);

pluginContract("tcp-connect", tcpConnect, tcpBenches(NO_RAW), TCP_MARKS);
