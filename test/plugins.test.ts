import type { HostProfile } from "../core/sim/host.ts";
import { icmp } from "../plugins/icmp.ts";
import { tcpConnect } from "../plugins/tcp-connect.ts";
import { tcpSyn } from "../plugins/tcp-syn.ts";
import { udp } from "../plugins/udp.ts";
import { pluginContract } from "./contract.ts";
import { simPluginBenches } from "./sim/benches.ts";

/** Raw sockets are refused, ping sockets are not, as for users inside of ping_group_range. */
const NO_RAW: HostProfile = { refusedSockets: [{ types: ["raw"], errno: "EPERM" }] };
const INPUT_DROPS: HostProfile = { inputDropsIcmpErrors: true };

const TCP_MARKS = { marks: { plain: "open", closed: "closed" } };
/** A port that is unreachable is closed, whichever arrangement it is in. */
const UDP_MARKS = { marks: { plain: "closed", closed: "closed" } };

pluginContract("icmp", icmp, simPluginBenches(0), { mode: "raw" });
pluginContract("icmp without privilege", icmp, simPluginBenches(0, NO_RAW), { mode: "ping-socket" });
pluginContract("icmp behind an INPUT rule that drops errors", icmp, simPluginBenches(0, INPUT_DROPS));

pluginContract("udp", udp, simPluginBenches(33_434), UDP_MARKS);
pluginContract("udp without privilege", udp, simPluginBenches(33_434, NO_RAW), { ...UDP_MARKS, mode: "error-queue" });
pluginContract("udp behind an INPUT rule that drops errors", udp, simPluginBenches(33_434, INPUT_DROPS), UDP_MARKS);

pluginContract("tcp-syn", tcpSyn, simPluginBenches(443), { ...TCP_MARKS, mode: "raw" });
pluginContract("tcp-syn behind an INPUT rule that drops errors", tcpSyn, simPluginBenches(443, INPUT_DROPS), TCP_MARKS);

pluginContract("tcp-connect", tcpConnect, simPluginBenches(443, NO_RAW), { ...TCP_MARKS, constantFlows: "path" });
