import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasNobody } from "./access.ts";
import { runtime } from "./command.ts";
import { open } from "./firewalls.ts";
import type { Lab } from "./lab.ts";
import type { LabPlan, NamespacePlan } from "./plan.ts";
import type { Firewall } from "./spec.ts";
import { zoneOf } from "./zone.ts";

/** Runs a tool that must not fail, and that dies with the lab. */
export type Act = (argv: readonly string[], stdin?: string) => Promise<string>;

/** More than the processors here is no faster: the kernel takes network configuration one at a time. */
const BUILDERS = 4;

/** Makes what `plan` says and fills it with life. Rejects with the words of the tool that failed. */
export async function build(lab: Lab, plan: LabPlan, act: Act): Promise<void> {
  writeEtc(lab);
  const wiring = [
    ...lab.namespaces.map((short) => `netns add ${lab.namespace(short)}`),
    ...plan.links.map(
      ([[a, deviceA], [b, deviceB]]) =>
        `link add ${deviceA} netns ${lab.namespace(a)} type veth peer name ${deviceB} netns ${lab.namespace(b)}`,
    ),
  ];
  await act(["ip", "-batch", "-"], `${wiring.join("\n")}\n`);
  const servers = startServers(lab, plan);
  const queue = [...plan.namespaces];
  const builder = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [short, work] = next;
      await act(["nsenter", `--net=/run/netns/${lab.namespace(short)}`, "sh"], scriptOf(work));
    }
  };
  await Promise.all([servers, ...Array.from({ length: BUILDERS }, builder)]);
  if (lab.spec.host?.firewall !== undefined) await lab.setFirewall(lab.spec.host.firewall);
  if (lab.spec.host?.pingGroups === "all") await allowPingSockets(lab, act);
}

/** A new namespace allows them to no group. Only groups that exist in this user namespace can be named. */
async function allowPingSockets(lab: Lab, act: Act): Promise<void> {
  const groups = hasNobody() ? "0 2147483647" : "0 0";
  const write = `echo '${groups}' > /proc/sys/net/ipv4/ping_group_range`;
  await act(["nsenter", `--net=/run/netns/${lab.namespace("host")}`, "sh"], write);
}

function writeEtc(lab: Lab): void {
  chmodSync(lab.directory, 0o755);
  const put = (file: string, text: string): void => writeFileSync(join(lab.directory, file), text);
  put("resolv.conf", `nameserver ${lab.nameServer.v4}\n`);
  put("hosts", "127.0.0.1 localhost\n::1 localhost\n");
  // Without nss-resolve and nss-mdns, which would ask daemons of the machine around the lab.
  put("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nprotocols: files\nservices: files\n");
}

/** One shell for each namespace: starting programs is what building costs. */
function scriptOf({ sysctls, ip, ip6, rules, nft }: NamespacePlan): string {
  return [
    "set -e",
    'w() { for file in /proc/sys/net/$1; do if [ -e "$file" ]; then echo "$2" > "$file"; fi; done; }',
    ...sysctls.map(([path, value]) => `w '${path}' '${value}'`),
    ...["ip -batch - <<'END'", ...ip, "END"],
    ...(ip6.length === 0 ? [] : ["ip -6 -batch - <<'END'", ...ip6, "END"]),
    ...restore("iptables-restore", rules.v4),
    ...restore("ip6tables-restore", rules.v6),
    ...(nft === undefined ? [] : ["nft -f - <<'END'", nft, "END"]),
    "",
  ].join("\n");
}

function restore(tool: string, rules: readonly string[]): string[] {
  return rules.length === 0 ? [] : [`${tool} -w 10 <<'END'`, "*filter", ...rules, "COMMIT", "END"];
}

/** Loads the rules into a namespace in place of those that it has. */
export async function loadFirewall(namespace: string, firewall: Firewall, act: Act): Promise<void> {
  const inHost = ["nsenter", `--net=/run/netns/${namespace}`];
  if (firewall.kind === "nft") {
    const { v4, v6 } = open() as Extract<Firewall, { kind: "iptables" }>;
    await Promise.all([
      act([...inHost, "iptables-restore", "-w", "10"], v4),
      act([...inHost, "ip6tables-restore", "-w", "10"], v6),
    ]);
    await act([...inHost, "nft", "-f", "-"], firewall.ruleset);
    return;
  }
  await act([
    ...inHost,
    "sh",
    "-c",
    "if command -v nft >/dev/null; then nft delete table inet restricted 2>/dev/null || :; fi",
  ]);
  await act([...inHost, "iptables-restore", "-w", "10"], firewall.v4);
  await act([...inHost, "ip6tables-restore", "-w", "10"], firewall.v6);
}

async function startServers(lab: Lab, plan: LabPlan): Promise<void> {
  const { target = {}, dns = {} } = lab.spec;
  const zone = join(lab.directory, "zone.json");
  writeFileSync(zone, JSON.stringify(zoneOf(lab.spec, plan)));
  const tcp = target.tcpPorts ?? [443];
  const udp = target.udpPorts ?? [];
  const starts: Promise<void>[] = [];
  if (dns.mode !== "none") starts.push(start(lab, "dns", new URL("./dns-server.ts", import.meta.url), [zone]));
  if (tcp.length + udp.length > 0) {
    const program = new URL("./target-server.ts", import.meta.url);
    starts.push(start(lab, "target", program, [`tcp=${tcp.join(",")}`, `udp=${udp.join(",")}`]));
  }
  await Promise.all(starts);
}

function start(lab: Lab, short: string, program: URL, args: readonly string[]): Promise<void> {
  const child = lab.spawn(short, [...runtime(program), ...args]);
  return new Promise((settle, reject) => {
    let said = "";
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.startsWith("ready\n")) settle();
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`Cannot serve in ${short}: exit ${code}: ${said.slice(0, 1000)}`)));
  });
}
