/**
 * The contract suites over this machine's kernel, to be run by a test runner inside a lab's host: `../contract.test.ts`
 * does so. By its name no runner finds it by itself.
 */
import { icmp } from "../../../plugins/icmp.ts";
import { tcpConnect } from "../../../plugins/tcp-connect.ts";
import { tcpSyn } from "../../../plugins/tcp-syn.ts";
import { udp } from "../../../plugins/udp.ts";
import { networkContract, pluginContract } from "../../contract.ts";
import { kernelBenches } from "./benches.ts";
import { CLOSED_PORT, CLOSED_UDP_PORT, type KernelLab, OPEN_PORT, type Right, SITUATION } from "./situation.ts";

const NO_MARKS = { marks: { plain: undefined, closed: undefined } };
const NO_PORTS = { plain: 0, closed: 0 };
const UDP_PORTS = { plain: CLOSED_UDP_PORT, closed: CLOSED_UDP_PORT };
const TCP_PORTS = { plain: OPEN_PORT, closed: CLOSED_PORT };
const UDP_MARKS = { marks: { plain: "closed", closed: "closed" } };
const TCP_MARKS = { marks: { plain: "open", closed: "closed" } };

const situation = process.env[SITUATION];
if (situation === undefined) throw new Error(`Cannot run the suites: ${SITUATION} does not tell the lab's addresses`);
const lab = JSON.parse(situation) as KernelLab;
const benches = await kernelBenches(lab);

const SUITES: Readonly<Record<Right, () => void>> = {
  privileged: () => {
    const abilities = { families: [4, 6], raw: true, ping: true, departures: true } as const;
    networkContract("the Linux network", benches.network, abilities);
    pluginContract("icmp", icmp, benches.plugin(NO_PORTS), { ...NO_MARKS, mode: "raw" });
    pluginContract("udp", udp, benches.plugin(UDP_PORTS), { ...UDP_MARKS, mode: "udp+raw-icmp" });
    pluginContract("tcp-syn", tcpSyn, benches.plugin(TCP_PORTS), { ...TCP_MARKS, mode: "raw" });
    connectContract();
  },
  deaf: () => {
    pluginContract("icmp", icmp, benches.plugin(NO_PORTS), { ...NO_MARKS, mode: "raw" });
    pluginContract("udp", udp, benches.plugin(UDP_PORTS), { ...UDP_MARKS, mode: "udp+raw-icmp" });
    pluginContract("tcp-syn", tcpSyn, benches.plugin(TCP_PORTS), { ...TCP_MARKS, mode: "raw" });
  },
  unprivileged: () => {
    const abilities = { families: [4, 6], raw: false, ping: true, departures: true } as const;
    networkContract("the Linux network", benches.network, abilities);
    pluginContract("icmp", icmp, benches.plugin(NO_PORTS), { ...NO_MARKS, mode: "ping-socket", silentDrops: [6] });
    pluginContract("udp", udp, benches.plugin(UDP_PORTS), { ...UDP_MARKS, mode: "error-queue" });
    connectContract();
  },
  "raw-socket": () => {
    const lacks = { ping: false, departures: false, errors: false, dial: false } as const;
    networkContract("the raw-socket network", benches.network, { families: [4, 6], raw: true, ...lacks });
    pluginContract("icmp", icmp, benches.plugin(NO_PORTS), { mode: "raw" });
    pluginContract("udp", udp, benches.plugin(UDP_PORTS), { ...UDP_MARKS, mode: "udp+raw-icmp" });
    pluginContract("tcp-syn", tcpSyn, benches.plugin(TCP_PORTS), { ...TCP_MARKS, mode: "raw" });
  },
};
SUITES[lab.right]();

function connectContract(): void {
  const expects = { ...TCP_MARKS, mode: "connect" };
  pluginContract("tcp-connect", tcpConnect, benches.plugin(TCP_PORTS), expects);
}
