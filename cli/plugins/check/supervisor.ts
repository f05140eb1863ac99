import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { UsageError } from "../../../core/mod.ts";
import { type CheckMessage, type CheckRequest, MESSAGES_FD, type Plan, type PlannedRun } from "./messages.ts";

/** How one case ended on one arrangement. */
export interface RunResult extends PlannedRun {
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly reason: string | null;
}

export interface CheckOptions {
  /** The command that starts this program. */
  readonly self: readonly string[];
  readonly file: string;
  readonly port?: number;
  /** Milliseconds that one case may take on one arrangement. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface CheckListener {
  /** Once, before any result. */
  planned(plan: Plan): void;
  /** Results come in the order of the plan. */
  ended(result: RunResult): void;
}

/** So many cases that did not end show what the others would do. */
const MOST_UNFINISHED = 3;
/** The least time to start the program and to load the file. */
const LOADING_MS = 5_000;

/**
 * Runs the cases in a process of their own, which is killed and started anew where one does not end. Throws UsageError
 * where the file cannot be loaded. An abort ends it early.
 */
export async function superviseCheck(options: CheckOptions, listener: CheckListener): Promise<void> {
  const { file, signal } = options;
  let plan: Plan | undefined;
  let results: (RunResult | undefined)[] = [];
  let told = 0;
  let unfinished = 0;
  let survey = true;

  const settle = (index: number, outcome: RunResult["outcome"], reason: string | null): void => {
    const run = plan?.runs[index];
    if (run === undefined || results[index] !== undefined) return;
    results[index] = { ...run, outcome, reason };
    for (let next = results[told]; next !== undefined; next = results[told]) {
      told += 1;
      listener.ended(next);
    }
  };
  const left = (): readonly number[] => [...results.keys()].filter((index) => results[index] === undefined);

  /** A run that did not end has an answer for its case: the same is not tried on other hosts. */
  const giveUp = (index: number, why: string): void => {
    const name = plan?.runs[index]?.name;
    settle(index, "failed", why);
    for (const other of left()) {
      if (plan?.runs[other]?.name === name) settle(other, "skipped", "not run: this case did not end before");
      else if (unfinished >= MOST_UNFINISHED) settle(other, "skipped", `not run: ${unfinished} cases did not end`);
    }
  };

  for (let isFirst = true; plan === undefined || left().length > 0; isFirst = false) {
    const request: CheckRequest = {
      file,
      survey,
      quiet: !isFirst,
      ...(options.port !== undefined && { port: options.port }),
      ...(plan !== undefined && { todo: left() }),
    };
    const life = await runChild(options, request, {
      plan(found) {
        if (plan !== undefined) return;
        plan = found;
        results = found.runs.map(() => undefined);
        listener.planned(found);
        for (const [index, { skip }] of found.runs.entries()) if (skip !== false) settle(index, "skipped", skip);
      },
      end: (index, reason) => settle(index, reason === null ? "passed" : "failed", reason),
    });
    if (signal.aborted) return;
    if (life.refused !== undefined) throw new UsageError(life.refused);
    if (life.isDone) {
      // A plugin that is another each time it is loaded can leave runs out.
      for (const index of left()) settle(index, "failed", "it was not there when the plugin was loaded again");
      return;
    }
    const why = reasonOfEnd(life);
    unfinished += 1;
    if (!life.isLoaded) throw new UsageError(`Cannot load the plugin ${file}: ${why}`);
    if (plan === undefined && !survey) throw new UsageError(`Cannot check the plugin ${file}: ${why}`);
    const current = life.current ?? left()[0];
    if (plan === undefined) survey = false;
    else if (current !== undefined) giveUp(current, why);
  }
}

/** What is known of a process after its end. */
interface Life {
  readonly refused: string | undefined;
  readonly isLoaded: boolean;
  readonly isDone: boolean;
  /** The run that was under way. */
  readonly current: number | undefined;
  readonly lastCall: string | undefined;
  readonly escaped: string | undefined;
  /** How long it was waited for, milliseconds, where it was killed for that. */
  readonly overdueMs: number | undefined;
  readonly status: string;
}

function reasonOfEnd({ overdueMs, escaped, lastCall, status }: Life): string {
  const called = lastCall === undefined ? "" : `; ${lastCall} was called last`;
  if (escaped !== undefined) return `an error escaped from a timer or a promise of its own: ${escaped}`;
  if (overdueMs !== undefined) return `it did not end within ${overdueMs / 1000} s${called}`;
  return `it ended its process (${status})${called}`;
}

interface ChildListener {
  plan(plan: Plan): void;
  end(run: number, reason: string | null): void;
}

function runChild(options: CheckOptions, request: CheckRequest, listener: ChildListener): Promise<Life> {
  const { self, timeoutMs, signal } = options;
  const [program = "", ...before] = self;
  const args = [...before, "plugin", "run-cases", JSON.stringify(request)];
  // What the plugin prints goes to stderr: stdout is the report's.
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", 2, 2];
  stdio[MESSAGES_FD] = "pipe";
  return new Promise((resolve, reject) => {
    let life: Omit<Life, "status"> = {
      refused: undefined,
      isLoaded: false,
      isDone: false,
      current: undefined,
      lastCall: undefined,
      escaped: undefined,
      overdueMs: undefined,
    };
    // By that name: the executable's own may be that of another tool.
    const child = spawn(program, args, { stdio, argv0: "nettrace" });
    const kill = (): void => void child.kill("SIGKILL");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const arm = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        life = { ...life, overdueMs: ms };
        kill();
      }, ms);
    };
    arm(Math.max(timeoutMs, LOADING_MS));
    signal.addEventListener("abort", kill);
    if (signal.aborted) kill();

    onMessages(child, (message) => {
      switch (message.type) {
        case "refused":
          life = { ...life, refused: message.message };
          break;
        case "loaded":
          life = { ...life, isLoaded: true };
          arm(timeoutMs);
          break;
        case "plan":
          listener.plan(message.plan);
          break;
        case "begin":
          life = { ...life, current: message.run };
          arm(timeoutMs);
          break;
        case "call":
          life = { ...life, lastCall: message.of };
          break;
        case "end":
          life = { ...life, current: undefined };
          listener.end(message.run, message.reason);
          break;
        case "escaped":
          life = { ...life, escaped: message.message };
          break;
        case "done":
          life = { ...life, isDone: true };
      }
    });
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", kill);
    };
    child.on("error", (error) => {
      over();
      reject(new UsageError(`Cannot start ${program} to check the plugin: ${error.message}`));
    });
    child.on("close", (code, ended) => {
      over();
      resolve({ ...life, status: code === null ? String(ended) : `exit status ${code}` });
    });
  });
}

function onMessages(child: ChildProcess, handle: (message: CheckMessage) => void): void {
  const stream = child.stdio[MESSAGES_FD] as Readable | null | undefined;
  const decoder = new TextDecoder();
  let rest = "";
  stream?.on("data", (chunk: Uint8Array) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = parseMessage(line);
      if (message !== undefined) handle(message);
    }
  });
}

/** Undefined for what the plugin itself wrote there. */
function parseMessage(line: string): CheckMessage | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === "object" && message !== null ? (message as CheckMessage) : undefined;
  } catch {
    return undefined;
  }
}
