import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostAddresses } from "../../../core/sim/host.ts";
import type { Topology } from "../../../core/sim/topology.ts";
import { hasNobody, labAccess, PATH, stateDirectory } from "../access.ts";
import { collect, killGroup, must, type RunResult, runtime } from "../command.ts";
import { NO_RIGHTS, NOBODY, readableByAll } from "../lab.ts";
import { removeNamespaces, untilTheEnd } from "../lifetime.ts";
import { readRecord, type SentPacket } from "./record.ts";

/** A simulated path that real programs reach over the kernel's own sockets. */
export interface TunLab extends Disposable {
  readonly target: { readonly v4: string; readonly v6: string };
  run(
    argv: readonly string[],
    options?: { readonly user?: "root" | "nobody"; readonly timeoutMs?: number },
  ): Promise<RunResult>;
  /** The command line that runs a program in the lab's namespace. */
  inside(argv: readonly string[]): readonly string[];
  /** The path of a file that nobody can read and execute: itself, or a copy that is gone with the lab. */
  stage(file: string): string;
  /** What was sent since the last call. Resolves once the path has been idle for a moment. */
  sent(): Promise<readonly SentPacket[]>;
}

/**
 * Options of the runtime (JavaScriptCore): so many bytes of garbage between two collections, each of which holds everything up
 * for some milliseconds, and by no other thread, which might have to wait for a processor meanwhile.
 */
const STEADY = { BUN_JSC_largeHeapSize: String(32 << 20), BUN_JSC_useConcurrentGC: "0" };
/** How long the path takes at most to write down what came. */
const RECORD_MS = 30;
/** The host's side of the path. */
export const DEVICE = "tun0";
let counter = 0;

/**
 * Puts a topology behind a TUN device in a namespace of its own. Throws an Error where namespaces or TUN devices cannot
 * be had. The program behind the device runs on Bun.
 */
export async function createTunLab(topology: Topology, seed = 1): Promise<TunLab> {
  const access = labAccess();
  if (access.kind !== "direct") throw new Error(`Cannot build a path behind a TUN device: ${access.kind}`);
  counter += 1;
  const name = `ntl${process.pid}-${1000 + counter}-tun`;
  const directory = mkdtempSync(join(stateDirectory(), `${name}-`));
  chmodSync(directory, 0o755);
  const files = { topology: join(directory, "topology.json"), record: join(directory, "record") };
  writeFileSync(files.topology, JSON.stringify(topology));
  let path: ChildProcess | undefined;
  const destroy = untilTheEnd(() => {
    if (path !== undefined) killGroup(path);
    removeNamespaces([name]);
    rmSync(directory, { recursive: true, force: true });
  });
  const inside = ["nsenter", `--net=/run/netns/${name}`];
  try {
    await must(["ip", "netns", "add", name]);
    const program = runtime(new URL("./path.ts", import.meta.url));
    path = await start([...inside, ...program, DEVICE, files.topology, String(seed), files.record]);
    const own = hostAddresses({});
    const lines = [
      "link set lo up",
      `addr add ${own[4]?.text}/32 dev ${DEVICE}`,
      `-6 addr add ${own[6]?.text}/128 dev ${DEVICE} nodad`,
      `link set ${DEVICE} up mtu 1500 txqueuelen 10000`,
      `route add default dev ${DEVICE} src ${own[4]?.text}`,
      `-6 route add default dev ${DEVICE}`,
    ];
    for (const line of lines) await must(["ip", "-netns", name, ...line.split(" ")]);
    await must([
      ...inside,
      "sysctl",
      "-q",
      "-w",
      "net.ipv4.conf.all.rp_filter=0",
      `net.ipv4.conf.${DEVICE}.rp_filter=0`,
    ]);
  } catch (error) {
    destroy();
    throw error;
  }
  let read = 0;
  return {
    target: { v4: topology.target.v4 ?? "", v6: topology.target.v6 ?? "" },
    run: (argv, { user = "root", timeoutMs = 60_000 } = {}) => {
      const rights = user === "nobody" ? ["setpriv", ...(hasNobody() ? NOBODY : []), ...NO_RIGHTS] : [];
      const env = { PATH, HOME: "/", LC_ALL: "C.UTF-8", TERM: "dumb" };
      return collect([...inside, ...rights, ...argv], { env, cwd: directory }, { timeoutMs });
    },
    inside: (argv) => [...inside, ...argv],
    stage: (file) => (hasNobody() ? readableByAll(file, directory) : file),
    async sent() {
      await new Promise((resolve) => setTimeout(resolve, RECORD_MS));
      const { packets, end } = readRecord(readFileSync(files.record), read);
      read = end;
      return packets;
    },
    [Symbol.dispose]: destroy,
  };
}

/** Resolves once the program has said that it is ready. */
async function start(argv: readonly string[]): Promise<ChildProcess> {
  const [file = "", ...rest] = argv;
  const child = spawn(file, rest, {
    env: { ...process.env, PATH, ...STEADY },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  const ended = once(child, "close").then(() => "ended" as const);
  const first = await Promise.race([once(child.stdout, "data").then(() => "ready" as const), ended]);
  if (first === "ready") return child;
  throw new Error(`Cannot start the path behind the TUN device: ${said.trim().split("\n").at(-1) ?? "it ended"}`);
}
