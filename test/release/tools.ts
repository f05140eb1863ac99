import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { findTool, PATH } from "../lab/access.ts";

/** A `describe` that needs programs of this machine. Where one is missing it is skipped, with a word; or fails, if CI=true. */
export function describeWith(tools: readonly string[], name: string, body: () => void): void {
  const missing = tools.filter((tool) => findTool(tool) === undefined);
  if (missing.length === 0) {
    describe(name, body);
  } else if (process.env["CI"] === "true") {
    it(`${name}: runs`, () => assert.fail(`not found: ${missing.join(", ")}`));
  } else {
    process.stderr.write(`\nSKIPPED: ${name}: not found: ${missing.join(", ")}\n\n`);
    it.skip(`${name}: not found: ${missing.join(", ")}`, () => undefined);
  }
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** As nobody, where this process is root. */
  readonly asNobody?: boolean;
}

/** Runs a program on an environment of its own. */
export function run(file: string, args: readonly string[], { cwd, env = {}, asNobody = false }: RunOptions = {}): Ran {
  const drops = asNobody && process.getuid?.() === 0;
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    encoding: "utf8",
    env: { PATH, ...env },
    maxBuffer: 1 << 28,
    timeout: 100_000,
    ...(cwd !== undefined && { cwd }),
    ...(drops && { uid: 65_534, gid: 65_534 }),
  });
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}

/** A folder of our own, gone when disposed. */
export function temporary(): { readonly path: string } & Disposable {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "nettrace-release-test-")));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
