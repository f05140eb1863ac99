import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export const NOBODY = 65_534;
export const NONE = "0000000000000000";
export const NET_ADMIN = "0000000000001000";
export const BIND_SERVICE = "0000000000000400";
export type Status = Readonly<Record<string, string>>;

/** /proc/PID/status of every thread, the first one first; empty once the process has ended. */
export function statuses(pid: number): readonly Status[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).sort((a, b) => Number(a) - Number(b));
    return threads.map((thread) => {
      const text = readFileSync(`/proc/${pid}/task/${thread}/status`, "latin1");
      return Object.fromEntries(
        [...text.matchAll(/^(\w+):[ \t]*(.*?)[ \t]*$/gm)].map(([, name, value]) => [name, value]),
      );
    });
  } catch {
    // A thread, or the whole process, has just ended.
    return [];
  }
}

export function ids(id: number): string {
  return [id, id, id, id].join("\t");
}

/** What is looked at of a process. */
type Watched = Pick<ChildProcess, "pid" | "exitCode">;

/** The executable that another process has started. */
export async function childOf({ pid = 0 }: ChildProcess): Promise<Watched> {
  for (let tries = 0; tries < 1000; tries += 1) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
    const child = children.find((each) => statuses(each)[0]?.["Name"] === "nettrace");
    if (child !== undefined) return { pid: child, exitCode: null };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("it has started nothing");
}

/** Whose the process is once it has become another's than root's, all of its threads. */
export async function settled(child: Watched, isThere: (status: Status) => boolean): Promise<readonly Status[]> {
  for (let tries = 0; tries < 1000; tries += 1) {
    const all = statuses(child.pid ?? 0);
    if (all[0]?.["Name"] === "nettrace" && isThere(all[0])) return all;
    assert.equal(child.exitCode, null, "it ended before it was seen so");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never seen so: ${JSON.stringify(statuses(child.pid ?? 0)[0])}`);
}

export function assertResigned(all: readonly Status[], uid: number, gid: number, kept = NONE): void {
  for (const [index, status] of all.entries()) {
    const said = `thread ${index}`;
    assert.deepEqual([status["Uid"], status["Gid"], status["Groups"]], [ids(uid), ids(gid), ""], said);
    const permitted = status["CapPrm"];
    // Threads that were started since have what the first one kept.
    assert.ok(permitted === kept || (index > 0 && permitted === NONE), `${said}: ${permitted}`);
    assert.equal(status["CapEff"], permitted, said);
    assert.deepEqual([status["CapInh"], status["CapAmb"]], [NONE, NONE], said);
  }
  const [first] = all;
  assert.deepEqual([first?.["NoNewPrivs"], first?.["CapBnd"]], ["1", kept]);
}

export function hasRawSocket(pid: number): boolean {
  return ["raw", "raw6"].some((file) => {
    const lines = readFileSync(`/proc/${pid}/net/${file}`, "latin1").trim().split("\n");
    return lines.length > 1;
  });
}
