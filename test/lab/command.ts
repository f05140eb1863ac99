import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { PATH } from "./access.ts";

/** How a program ended. */
export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** It was ended because its time was up. */
  readonly timedOut: boolean;
  /** From start to end, in milliseconds. */
  readonly ms: number;
}

export interface CollectOptions {
  readonly stdin?: string;
  /** Milliseconds after which the program and its children are killed. Default 60,000. */
  readonly timeoutMs?: number;
  readonly onStart?: (child: ChildProcess) => void;
}

/** Runs a program to its end and collects what it says. Throws only when it cannot be started. */
export function collect(
  argv: readonly string[],
  options: SpawnOptions,
  { stdin, timeoutMs = 60_000, onStart }: CollectOptions = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const [file = "", ...rest] = argv;
    const startedMs = performance.now();
    const child = spawn(file, rest, { ...options, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    onStart?.(child);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, timeoutMs);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    // A program that ends without reading its input breaks the pipe; its exit code tells the rest.
    child.stdin?.on("error", () => undefined).end(stdin ?? "");
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new Error(`Cannot run ${file}: ${error.message}`, { cause: error }));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({
        stdout: Buffer.concat(out).toString("utf8"),
        stderr: Buffer.concat(err).toString("utf8"),
        code: code ?? undefined,
        signal: signal ?? undefined,
        timedOut,
        ms: performance.now() - startedMs,
      });
    });
  });
}

/** Runs a program whose failure is the caller's failure too. */
export async function must(
  argv: readonly string[],
  options: Pick<CollectOptions, "stdin" | "onStart"> = {},
): Promise<string> {
  const result = await collect(argv, { env: { ...process.env, PATH } }, options);
  if (result.code === 0) return result.stdout;
  const said = (result.stderr || result.stdout).trim().slice(0, 2000);
  throw new Error(`Cannot build the lab: ${argv.join(" ").slice(0, 200)}: ${said || `exit ${result.code}`}`);
}

/** Kills a child that was started with `detached`, with all of its own children. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It is gone already, or leads no group of its own.
    child.kill("SIGKILL");
  }
}

/** The command that runs a program of ours, a TypeScript file, with the runtime that we run on. */
export function runtime(program: URL): readonly string[] {
  const first = "Deno" in globalThis ? ["run", "--allow-all"] : [];
  const file = fileURLToPath(program);
  // For Node all files were transpiled together: the program stands beside us as JavaScript.
  return [process.execPath, ...first, import.meta.url.endsWith(".js") ? file.replace(/\.ts$/, ".js") : file];
}
