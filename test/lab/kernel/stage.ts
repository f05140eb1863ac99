import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findTool, hasNobody } from "../access.ts";
import { createLab, type Lab } from "../lab.ts";
import type { Firewall, LabSpec } from "../spec.ts";
import { DROPPED, type KernelLab, OPEN_PORT, PROHIBITED, type Right, UNREACHABLE, UNROUTABLE } from "./situation.ts";

const UNREACHABLE_AT = 3;

/** Routers 1 to 4 and, as hop 5, the target. */
const SPEC: LabSpec = {
  hops: [
    {},
    {},
    {
      rules: {
        v4: [`-A FORWARD -d ${UNREACHABLE.v4} -j REJECT --reject-with icmp-host-unreachable`],
        v6: [`-A FORWARD -d ${UNREACHABLE.v6} -j REJECT --reject-with icmp6-addr-unreachable`],
      },
    },
    {},
  ],
  target: { tcpPorts: [OPEN_PORT] },
  host: { pingGroups: "all" },
};

export const OPEN = firewall("drops packets to one address");
export const DEAF = firewall("drops ICMP errors on their way in, too", {
  v4: ["destination-unreachable", "time-exceeded"].map((type) => `-A INPUT -p icmp --icmp-type ${type} -j DROP`),
  v6: ["destination-unreachable", "time-exceeded"].map((type) => `-A INPUT -p icmpv6 --icmpv6-type ${type} -j DROP`),
});

function firewall(
  name: string,
  more: { readonly v4: readonly string[]; readonly v6: readonly string[] } = { v4: [], v6: [] },
): Firewall {
  const table = (dropped: string, lines: readonly string[]): string =>
    [
      "*filter",
      ":INPUT ACCEPT",
      ":FORWARD ACCEPT",
      ":OUTPUT ACCEPT",
      `-A OUTPUT -d ${dropped} -j DROP`,
      ...lines,
      "COMMIT",
      "",
    ].join("\n");
  return { kind: "iptables", name, v4: table(DROPPED.v4, more.v4), v6: table(DROPPED.v6, more.v6) };
}

/** The lab that the contract suites run in, with the routes that they need. */
export async function createSuiteLab(): Promise<Lab> {
  const lab = await createLab(SPEC);
  const routes = (["v4", "v6"] as const).flatMap((family) => [
    `route add prohibit ${PROHIBITED[family]}`,
    `route add throw ${UNROUTABLE[family]}`,
  ]);
  const { code, stderr } = await lab.run("host", ["ip", "-batch", "-"], { stdin: `${routes.join("\n")}\n` });
  assert.equal(code, 0, stderr);
  return lab;
}

/** What the suites' process is told. */
export function situationOf(lab: Lab, right: Right, capture: string | undefined): KernelLab {
  return {
    right,
    target: lab.target,
    responders: [...lab.hops.flat(), lab.target].map(({ v4, v6 }) => ({ v4, v6 })),
    unreachableAt: UNREACHABLE_AT,
    ...(capture === undefined ? {} : { capture }),
  };
}

/** tcpdump as root gives up its groups, for which a user namespace of one user has no right. */
export function obstacleToCapture(): string | undefined {
  if (findTool("tcpdump") === undefined) return "tcpdump is not installed";
  return hasNobody() ? undefined : "tcpdump does not run in this user namespace";
}

/** Writes all that leaves the host through eth1 into a file, from now on; the file's path. */
export async function captureSent(lab: Lab): Promise<string> {
  const file = join(lab.directory, "sent.pcap");
  // tcpdump keeps the mode of a file that is there, and nobody must read it.
  writeFileSync(file, "", { mode: 0o644 });
  // In immediate mode each packet takes as much of the ring as the longest may: short ones, that none is lost.
  const immediately = ["-U", "--immediate-mode", "-s", "256", "-B", "4096"];
  const child = lab.spawn("host", ["tcpdump", "-i", "eth1", "-Q", "out", "-Z", "root", ...immediately, "-w", file]);
  await new Promise<void>((settle, reject) => {
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("listening on")) settle();
    });
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`Cannot capture what the host sends: exit ${code}: ${said}`)));
  });
  return file;
}
