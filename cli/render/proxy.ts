import { formatAddress, type ProxyPhase, type ProxyPhaseName } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { printable } from "../printable.ts";
import type { ProxyAttempt, ProxyEnd, ProxyHead } from "../proxy/result.ts";
import { formatProxy } from "../proxy/url.ts";
import { proxyDocument, proxyEvents } from "./proxy-json.ts";
import { createPaint, type Paint, type Style } from "./style.ts";
import { wrapText } from "./wrap.ts";

export interface ProxyReporter {
  phase(port: number, phase: ProxyPhase): void;
  attempt(attempt: ProxyAttempt): void;
  finish(end: ProxyEnd): void;
}

/** Shows a run through a proxy in the format that was asked for. */
export function createProxyReporter(context: CommandContext, head: ProxyHead): ProxyReporter {
  const { stdout } = context;
  const progress = createWaiting(context);
  const events = head.plan.format === "jsonl" ? proxyEvents(head, (line) => stdout.write(line)) : undefined;
  const columns = stdout.columns;
  const paint = createPaint(stdout, context.env);
  if (head.plan.format === "text") stdout.write(headText(head, paint, columns));
  progress.show("waits for the proxy");
  return {
    phase(port, phase) {
      events?.phase(port, phase);
      if (phase.isDone) progress.show(`port ${port}: ${NAMES[phase.name]} done`);
    },
    attempt(attempt) {
      events?.attempt(attempt);
    },
    finish(end) {
      progress.show("");
      events?.finish(end);
      if (head.plan.format === "json") stdout.write(proxyDocument(head, end));
      if (head.plan.format === "text") stdout.write(endText(head, end, paint, columns));
    },
  };
}

const CLEAR = "\r\x1b[K";

function createWaiting({ stderr, env }: CommandContext): { show(text: string): void } {
  const isShown = stderr.isTerminal && env["TERM"] !== "dumb";
  return { show: (text) => isShown && stderr.write(CLEAR + text) };
}

const NAMES: Readonly<Record<ProxyPhaseName, string>> = {
  "connect-proxy": "proxy",
  "tls-proxy": "its TLS",
  greet: "greeting",
  connect: "CONNECT",
  tls: "TLS",
};
const PHASES: readonly ProxyPhaseName[] = ["connect-proxy", "tls-proxy", "greet", "connect", "tls"];
const ALWAYS: ReadonlySet<ProxyPhaseName> = new Set<ProxyPhaseName>(["connect-proxy", "connect", "tls"]);

function headText({ plan, ...head }: ProxyHead, paint: Paint, columns: number | undefined): string {
  const { proxy, host, variable } = plan;
  const from = variable === undefined ? "" : `, of ${variable}`;
  const lines = wrapText(`nettrace to ${printable(host)} through ${printable(formatProxy(proxy))}${from}`, columns, 2);
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  if (head.proxyNameMs !== null) {
    lines.push(`the proxy is ${formatAddress(head.proxyAddress)} (its name took ${ms(head.proxyNameMs)})`);
  }
  if (head.targetNameMs !== null && head.targetAddress !== null) {
    const address = formatAddress(head.targetAddress);
    lines.push(
      ...wrapText(`it is asked for ${address}, as this host resolves the name (${ms(head.targetNameMs)})`, columns, 2),
    );
  }
  if (head.targetAddress === null) lines.push("the proxy resolves the name; to what is not visible");
  return `${lines.map((line) => paint("dim", line)).join("\n")}\n\n`;
}

function endText(head: ProxyHead, end: ProxyEnd, paint: Paint, columns: number | undefined): string {
  const lines = end.attempts.length === 0 ? [] : [...table(end.attempts, paint, columns), ""];
  const print = (text: string): void => void lines.push(...wrapText(text, columns, 2));
  for (const sentence of sentences(head, end)) print(sentence);
  const { proxy } = head.plan;
  print("The path behind the proxy is not visible. The path to the proxy is:");
  lines.push(`  nettrace auto ${printable(proxy.host)} -p ${proxy.port}`);
  return `${lines.join("\n")}\n`;
}

const STYLES: Readonly<Partial<Record<ProxyAttempt["verdict"], Style>>> = {
  reached: "good",
  connected: "warn",
  unproven: "warn",
};
const INDENT = 7;

function table(attempts: readonly ProxyAttempt[], paint: Paint, columns: number | undefined): string[] {
  const shown = PHASES.filter(
    (name) => ALWAYS.has(name) || attempts.some(({ phases }) => phases.some((each) => each.name === name)),
  );
  const cells = shown.map((name) => ({ name, title: `${NAMES[name]} ms`, width: Math.max(9, NAMES[name].length + 3) }));
  const lines = [
    paint("dim", `port   verdict   ${cells.map(({ title, width }) => `  ${title.padStart(width)}`).join("")}`),
  ];
  for (const attempt of attempts) {
    const { port, verdict, reason } = attempt;
    const times = cells.map(({ name, width }) => `  ${timeOf(attempt, name).padStart(width)}`).join("");
    lines.push(`${String(port).padEnd(INDENT)}${paint(STYLES[verdict] ?? "bad", verdict.padEnd(10))}${times}`);
    const width = columns === undefined ? undefined : columns - INDENT;
    lines.push(...wrapText(printable(reason), width, 0).map((line) => " ".repeat(INDENT) + line));
  }
  return lines;
}

/** Of a phase that got an answer, whatever it was: the time of a vain wait measures nothing. */
function timeOf({ phases, answer }: ProxyAttempt, name: ProxyPhaseName): string {
  const phase = phases.find((each) => each.name === name);
  if (phase === undefined || (!phase.isDone && !(name === "connect" && answer !== null))) return "-";
  return phase.ms.toFixed(3);
}

function evidence(attempts: readonly ProxyAttempt[]): string {
  const isProven = ({ tls }: ProxyAttempt): boolean => tls?.certificate?.problems.length === 0;
  const reached = attempts.filter(({ verdict }) => verdict === "reached");
  return reached.every(isProven) ? "TLS and its certificate show it" : "an end behind it speaks TLS";
}

function sentences({ plan }: ProxyHead, { attempts, interrupted }: ProxyEnd): string[] {
  const host = printable(plan.host);
  const ports = (verdict: ProxyAttempt["verdict"]): string =>
    attempts.flatMap((each) => (each.verdict === verdict ? [each.port] : [])).join(", ");
  const said: string[] = [];
  const reached = ports("reached");
  const connected = ports("connected");
  if (reached !== "") said.push(`Reached ${host} port ${reached} through the proxy: ${evidence(attempts)}.`);
  if (connected !== "") said.push(`Port ${connected}: connected by the proxy's word alone.`);
  if (ports("denied") !== "") said.push("Not asked: this host keeps back the connection to the proxy.");
  else if (ports("no-proxy") !== "") said.push("Not asked: there is no connection to the proxy.");
  else if (reached === "" && connected === "") said.push(`${host} is not reached through the proxy.`);
  const left = plan.ports.filter((port) => !attempts.some((each) => each.port === port));
  if (left.length > 0 && !plan.untilReached && interrupted === undefined)
    said.push(`Not tried: port ${left.join(", ")}.`);
  if (interrupted !== undefined) said.push(`Stopped by ${interrupted}.`);
  return said;
}
