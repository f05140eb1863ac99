import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { hasNobody, labAccess, PATH, stateDirectory } from "./access.ts";
import { type Addresses, HOST, NAME_SERVER, PRIVATE_HOST, TARGET, ZONE } from "./addresses.ts";
import { type Act, build, loadFirewall } from "./build.ts";
import { collect, killGroup, must, type RunResult } from "./command.ts";
import { removeNamespaces, sweep, untilTheEnd } from "./lifetime.ts";
import { hostRouteLines, type LabPlan, planLab } from "./plan.ts";
import type { Firewall, HostRoutes, LabSpec } from "./spec.ts";
import { ptrOf } from "./zone.ts";

export type { RunResult } from "./command.ts";

/** A built lab. Dispose it: a lab that is not disposed lives until this process ends. */
export interface Lab extends Disposable {
  /** `ntl<pid>-<n>`: how its namespaces and its directory start. */
  readonly name: string;
  /** The lab's own directory, readable by all; gone with the lab. */
  readonly directory: string;
  readonly spec: LabSpec;
  /** Of the machine under test: eth0 and eth1. */
  readonly host: { readonly eth0: Addresses; readonly eth1: Addresses };
  readonly nameServer: Addresses;
  readonly target: Addresses & { readonly name: string };
  /** The routers of each position, as a tracer on the host sees them. */
  readonly hops: readonly (readonly LabRouter[])[];
  /** Short names: "host", "dns", "target", "r1", "r5a"…. */
  readonly namespaces: readonly string[];
  /** The name under /run/netns. Throws a RangeError for a short name that this lab does not have. */
  namespace(short: string): string;
  /** Runs a program in a namespace to its end. */
  run(namespace: string, argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a program in a namespace; it is killed with the lab. */
  spawn(namespace: string, argv: readonly string[], options?: SpawnInLab): ChildProcess;
  /** Puts other rules in the place of the host's. Connections already known to conntrack stay known. */
  setFirewall(firewall: Firewall): Promise<void>;
  /** Puts other default routes in the place of the host's through eth1. */
  setHostRoutes(routes: HostRoutes): Promise<void>;
  /** The path of a file that nobody can read and execute: itself, or a copy in the lab's directory. */
  stage(file: string): string;
}

interface LabRouter extends Addresses {
  /** Also the name of its namespace. */
  readonly name: string;
  /** What its PTR says; undefined where there is none. */
  readonly ptr: string | undefined;
  readonly silent: boolean;
}

interface Identity {
  /**
   * "nobody" has no capability and can get none; where the user 65534 does not exist, it keeps the user. Executables
   * with file capabilities, as some distributions have ping, cannot even be started so (EPERM): their set exceeds the
   * empty bounding set.
   */
  readonly user?: "root" | "nobody";
  /** Beside PATH, HOME, LC_ALL=C.UTF-8 and TERM. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: this process's own for root, / for nobody. */
  readonly cwd?: string;
}

interface RunOptions extends Identity {
  readonly stdin?: string;
  /** Milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
}

interface SpawnInLab extends Identity {
  /** Default "pipe" for all three. */
  readonly stdio?: SpawnOptions["stdio"];
}

export const NOBODY = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
export const NO_RIGHTS = ["--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs"];
/** Gives a program its own /etc/resolv.conf and so on, from the directory `$0`, without touching those of the machine. */
const WITH_ETC = `set -e
for name in resolv.conf hosts nsswitch.conf; do
  if [ -e /etc/$name ]; then mount --bind "$0/$name" /etc/$name; fi
done
exec "$@"`;

let counter = 0;

/**
 * Builds a lab: all is ready when this resolves, the name server and the target's ports too. Throws a
 * RangeError for an impossible spec, and an Error where labs cannot be built (`labAccess` says so beforehand) or, with
 * its own words, when a tool fails; nothing is left behind then.
 */
export async function createLab(spec: LabSpec): Promise<Lab> {
  const access = labAccess();
  if (access.kind !== "direct") {
    const why = access.kind === "refused" ? access.detail : "not root: run it through enter.ts";
    throw new Error(`Cannot build a lab: ${why}`);
  }
  if (counter === 0) sweep();
  const plan = planLab(spec);
  const name = `ntl${process.pid}-${++counter}`;
  const directory = mkdtempSync(join(stateDirectory(), `${name}-`));
  const children = new Set<ChildProcess>();
  const track = (child: ChildProcess): void => {
    children.add(child);
    child.once("close", () => children.delete(child));
  };
  const act: Act = (argv, stdin) => must(argv, { onStart: track, ...(stdin === undefined ? {} : { stdin }) });
  const destroy = untilTheEnd(() => {
    for (const child of children) killGroup(child);
    removeNamespaces([...plan.namespaces.keys()].map((short) => `${name}-${short}`));
    rmSync(directory, { recursive: true, force: true });
  });
  try {
    const lab = labOf({ spec, plan, name, directory, track, act, destroy });
    await build(lab, plan, act);
    return lab;
  } catch (error) {
    destroy();
    throw error;
  }
}

interface Parts {
  readonly spec: LabSpec;
  readonly plan: LabPlan;
  readonly name: string;
  readonly directory: string;
  readonly track: (child: ChildProcess) => void;
  readonly act: Act;
  readonly destroy: () => void;
}

function labOf({ spec, plan, name, directory, track, act, destroy }: Parts): Lab {
  const namespace = (short: string): string => {
    if (!plan.namespaces.has(short)) {
      throw new RangeError(`Cannot find ${short}: the lab has ${[...plan.namespaces.keys()].join(", ")}`);
    }
    return `${name}-${short}`;
  };
  const inside = (short: string, argv: readonly string[], user: Identity["user"]): string[] => [
    ...["nsenter", `--net=/run/netns/${namespace(short)}`],
    ...(short === "host" ? ["unshare", "--mount", "sh", "-c", WITH_ETC, directory] : []),
    ...(user === "nobody" ? ["setpriv", ...(hasNobody() ? NOBODY : []), ...NO_RIGHTS] : []),
    ...argv,
  ];
  return {
    name,
    directory,
    spec,
    host: { eth0: PRIVATE_HOST, eth1: HOST },
    nameServer: NAME_SERVER,
    target: { ...TARGET, name: `target.${ZONE}` },
    hops: plan.routers.map((position) =>
      position.map((router) => ({
        name: router.name,
        v4: router.v4,
        v6: router.v6,
        ptr: ptrOf(router),
        silent: router.spec.silent === true,
      })),
    ),
    namespaces: [...plan.namespaces.keys()],
    namespace,
    run: (short, argv, { stdin, timeoutMs, ...identity } = {}) =>
      collect(inside(short, argv, identity.user), surroundings(identity), {
        onStart: track,
        ...(stdin === undefined ? {} : { stdin }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      }),
    spawn: (short, argv, { stdio = "pipe", ...identity } = {}) => {
      const [file = "", ...rest] = inside(short, argv, identity.user);
      // A program that shares our terminal must stay in our process group, or it may not read from it.
      const detached = stdio === "pipe";
      const child = spawn(file, rest, { ...surroundings(identity), stdio, detached });
      track(child);
      return child;
    },
    setFirewall: (firewall) => loadFirewall(namespace("host"), firewall, act),
    setHostRoutes: async (routes) => {
      const inHost = ["ip", "-netns", namespace("host")];
      for (const family of ["-4", "-6"]) {
        await act([...inHost, family, "route", "flush", "exact", "default", "metric", "100"]);
      }
      await act([...inHost, "-batch", "-"], `${hostRouteLines(spec, routes).join("\n")}\n`);
    },
    stage: (file) => (hasNobody() ? readableByAll(file, directory) : resolve(file)),
    [Symbol.dispose]: destroy,
  };
}

function surroundings({ user, env = {}, cwd }: Identity): SpawnOptions {
  const home = user === "nobody" ? "/" : (process.env["HOME"] ?? "/");
  return {
    env: { PATH, HOME: home, LC_ALL: "C.UTF-8", TERM: process.env["TERM"] ?? "dumb", ...env },
    cwd: cwd ?? (user === "nobody" ? "/" : process.cwd()),
  };
}

/** The path of a file that nobody can read and execute: itself, or a copy in the directory. */
export function readableByAll(file: string, directory: string): string {
  const path = resolve(file);
  let readable = (statSync(path).mode & 0o005) === 0o005;
  for (let up = dirname(path); readable; up = dirname(up)) {
    readable = (statSync(up).mode & 0o001) !== 0;
    if (up === dirname(up)) break;
  }
  if (readable) return path;
  const copy = join(directory, "bin", basename(path));
  if (!existsSync(copy)) {
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(path, copy);
    chmodSync(copy, 0o755);
  }
  return copy;
}
