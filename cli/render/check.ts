import type { Output } from "../context.ts";
import type { Plan } from "../plugins/check/messages.ts";
import { type CaseResult, totalsOf } from "../plugins/check/outcome.ts";
import type { RunResult } from "../plugins/check/supervisor.ts";
import { printable, printableJson } from "../printable.ts";
import type { Paint, Style } from "./style.ts";
import { wrapText } from "./wrap.ts";

/** Shows the check of a plugin: each case as it ends, and at last how many ended how. */
export interface CheckReport {
  planned(plan: Plan): void;
  ended(result: CaseResult): void;
  finish(): void;
}

const WORDS: Readonly<Record<RunResult["outcome"], { readonly word: string; readonly style: Style }>> = {
  passed: { word: "pass", style: "good" },
  failed: { word: "FAIL", style: "bad" },
  skipped: { word: "skip", style: "warn" },
};
const INDENT = 6;
/** A reason is one or two lines; all of it is in the JSON. */
const LONGEST_REASON = 300;
const MOST_REASONS = 2;

export function createCheckText(output: Output, paint: Paint): CheckReport {
  const width = output.isTerminal ? Math.max(output.columns || 80, 40) : undefined;
  const cases: CaseResult[] = [];
  const print = (line: string, indent: number): void => {
    output.write(
      wrapText(line, width, indent)
        .map((each) => `${each}\n`)
        .join(""),
    );
  };
  const printBelow = (text: string): void => {
    const lines = wrapText(text, width === undefined ? undefined : width - INDENT, 0);
    output.write(lines.map((each) => `${" ".repeat(INDENT)}${each}\n`).join(""));
  };
  return {
    planned({ plugin, port, runs }) {
      const hosts = listOf(runs.map(({ host }) => host));
      const families = listOf(runs.map(({ family }) => `IPv${family}`));
      const where = port === 0 ? "" : ` to port ${port}`;
      print(`${plugin}${where} on the simulated network, over ${families}: ${hosts}`, 2);
      output.write("\n");
    },
    ended(result) {
      cases.push(result);
      const { word, style } = WORDS[result.outcome];
      const reasons = result.outcome === "passed" ? [] : reasonsOf(result);
      const why = result.outcome === "skipped" ? `: ${reasons.map(({ reason }) => reason).join("; ")}` : "";
      print(`${paint(style, word)}  ${result.name}${why}`, INDENT);
      if (result.outcome !== "failed") return;
      for (const { where, reason } of reasons.slice(0, MOST_REASONS)) printBelow(where + reason);
      const more = reasons.length - MOST_REASONS;
      if (more > 0) printBelow(`${more} more reason${more === 1 ? "" : "s"}: see --format json`);
    },
    finish() {
      const { passed, failed, skipped } = totalsOf(cases);
      output.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    },
  };
}

/** One document at the end. Its shape is promised by docs/schema/plugin-check-1.json. */
export function createCheckJson(output: Output): CheckReport {
  const cases: CaseResult[] = [];
  let plan: Plan | undefined;
  return {
    planned(found) {
      plan = found;
    },
    ended: (result) => void cases.push(result),
    finish() {
      const shown = cases.map(({ name, outcome, runs }) => ({
        name,
        outcome,
        runs: runs.map(({ family, host, outcome: ended, reason }) => ({ family, host, outcome: ended, reason })),
      }));
      const { plugin, file, port } = plan ?? { plugin: null, file: null, port: 0 };
      const head = { schema: "nettrace.plugin-check/1", plugin, file, port: port || null };
      output.write(`${printableJson({ ...head, ...totalsOf(cases), cases: shown })}\n`);
    },
  };
}

interface Reason {
  /** `IPv6, as root: `, or nothing where it is the same everywhere. */
  readonly where: string;
  readonly reason: string;
}

/** The different reasons of a case, each with where it was met. */
function reasonsOf({ runs, outcome }: CaseResult): readonly Reason[] {
  const relevant = runs.filter((run) => run.outcome === outcome);
  const reasons = [...new Set(relevant.map(({ reason }) => reason ?? ""))];
  return reasons.map((reason) => {
    const met = relevant.filter((run) => run.reason === reason);
    const families = [...new Set(met.map(({ family }) => `IPv${family}`))];
    const hosts = [...new Set(met.map(({ host }) => host))];
    const isProduct = families.length * hosts.length === met.length;
    const places = isProduct
      ? `${listOf(families)}, ${listOf(hosts)}`
      : met.map(({ family, host }) => `IPv${family} ${host}`).join("; ");
    return { where: met.length === runs.length ? "" : `${places}: `, reason: shortened(printable(reason)) };
  });
}

function shortened(text: string): string {
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}...` : text;
}

/** `a`, `a and b`, `a, b and c`; each once. */
function listOf(words: readonly string[]): string {
  const different = [...new Set(words)];
  const last = different.pop() ?? "";
  return different.length === 0 ? last : `${different.join(", ")} and ${last}`;
}
