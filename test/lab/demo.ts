/**
 * The program behind `npm run demo`: `demo.ts [EXECUTABLE]`, by default dist/nettrace. Builds the restricted lab, shows
 * what the usual tools say there, then nettrace as root and as nobody. Ends with 0 if both reached the target.
 */
import { once } from "node:events";
import { existsSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findTool, hasNobody, labAccess } from "./access.ts";
import { runtime } from "./command.ts";
import { runSimulated } from "./demo-simulated.ts";
import { enter } from "./enter.ts";
import { createLab, type Lab } from "./lab.ts";
import { SCENARIOS } from "./scenarios.ts";

const WIDTH = 80;
const BUILT = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));
/** Milliseconds that one of the usual tools gets. */
const PATIENCE_MS = 5000;

/** Synchronous, so that it keeps its place among the output of the programs that share our standard output. */
function say(text = ""): void {
  writeSync(1, `${text}\n`);
}

function heading(text: string): void {
  say(`\n-- ${text} ${"-".repeat(Math.max(2, WIDTH - 4 - text.length))}`);
}

/** Breaks words into lines; what cannot be broken stays long. */
function paragraph(text: string): void {
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      say(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  say(line);
}

async function showTool(lab: Lab, argv: readonly string[]): Promise<void> {
  const [tool = ""] = argv;
  say();
  if (findTool(tool) === undefined) {
    say(`(${tool} is not installed: skipped)`);
    return;
  }
  say(`# ${argv.join(" ")}`);
  const { stdout, stderr, code, ms, timedOut } = await lab.run("host", argv, { timeoutMs: PATIENCE_MS });
  const printed = `${stdout}${stderr}`.split("\n").filter((line) => line.trim() !== "");
  for (const line of printed) say(line);
  say(timedOut ? `(stopped after ${PATIENCE_MS / 1000} s)` : `(exit ${code}, ${(ms / 1000).toFixed(1)} s)`);
}

async function showNettrace(lab: Lab, executable: string, user: "root" | "nobody"): Promise<boolean> {
  const argv = [lab.stage(executable), "auto", lab.target.name];
  say(`\n${user === "root" ? "#" : "$"} nettrace ${argv.slice(1).join(" ")}`);
  const child = lab.spawn("host", argv, { user, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) say(`(exit ${code})`);
  return code === 0;
}

async function showLab(executable: string): Promise<boolean> {
  heading("a host that lets almost nothing out");
  paragraph(
    hasNobody()
      ? "This runs as root, on a network built of Linux network namespaces, which is gone when the demo ends."
      : "This runs inside an unprivileged user namespace, on a network built of Linux network namespaces, which is gone when the demo ends. (No root was needed: root here is only this namespace's.)",
  );
  using lab = await createLab(SCENARIOS.restricted());
  say();
  paragraph(
    "The host may send TCP to ports 80 and 443, and nothing else: iptables drops the rest on its way out (INPUT, FORWARD and OUTPUT are DROP). The target is 12 hops away. Router 1 never answers; at hops 4 and 7 the path divides over two and three routers.",
  );
  heading("what the usual tools say");
  await showTool(lab, ["ping", "-c", "1", "-W", "1", lab.target.name]);
  await showTool(lab, ["traceroute", "-n", lab.target.name]);
  await showTool(lab, ["traceroute", "-n", "-I", lab.target.name]);
  await showTool(lab, ["mtr", "-n", "-r", "-c", "1", lab.target.name]);
  heading("nettrace, as root");
  const asRoot = await showNettrace(lab, executable, "root");
  heading(hasNobody() ? "nettrace, as the user nobody" : "nettrace, without any capability");
  return (await showNettrace(lab, executable, "nobody")) && asRoot;
}

async function main(): Promise<number> {
  const executable = process.argv[2] ?? BUILT;
  const access = labAccess();
  if (access.kind === "refused") {
    heading("the simulated network");
    paragraph(`No network of namespaces can be built here (${access.detail}), so this shows the simulated network.`);
    await runSimulated();
    return 0;
  }
  if (!existsSync(executable))
    throw new Error(`Cannot show nettrace: there is no ${executable}; npm run build makes it`);
  if (access.kind === "user-namespace") return enter(access, [...runtime(new URL(import.meta.url)), executable]);
  return (await showLab(executable)) ? 0 : 1;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
