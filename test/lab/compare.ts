import assert from "node:assert/strict";
import type { ComparedLine } from "./differences/traceroute.ts";
import type { Lab, RunResult } from "./lab.ts";

/** What a tool printed, without what differs from run to run. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | undefined;
}

const HINT = /^nettrace: [^\n]*\n/gm;

/** Times and chosen ports masked; our own line on stderr left out. */
export function printed({ stdout, stderr, code }: RunResult): Printed {
  return {
    stdout: stdout.replace(/\d+\.\d{3} ms/g, "# ms"),
    stderr: stderr.replace(HINT, "").replace(/, port \d{5} for/, ", port # for"),
    code,
  };
}

export function hintOf({ stderr }: RunResult): string {
  return (stderr.match(HINT) ?? []).join("");
}

/** The same with hops reduced to what `compare` says. */
export function reduced(run: Printed, compare: ComparedLine["compare"], lab: Lab): Printed {
  if (compare === undefined || compare === "text") return run;
  const lines = run.stdout.split("\n").map((line) => {
    const [, number, rest] = /^ ?(\d+) {2}(.*)$/.exec(line) ?? [];
    if (number === undefined || rest === undefined) return line;
    return `${number} ${compare === "stars" ? withoutStars(rest) : anyRouter(rest, Number(number), lab)}`;
  });
  return { ...run, stdout: lines.join("\n") };
}

/** A hop with times masked, as either tool writes it. */
const HOP =
  /^[ \d]\d (?: \*| \S+(?: \(\S+\))?(?: <[^>]+>)?)(?: {2}# ms(?: !\S+)?| \*| \S+(?: \(\S+\))?(?: <[^>]+>)? {2}# ms(?: !\S+)?)*$/;

/** Where hops are compared without their stars, at least their form must be right. */
export function assertForm({ stdout }: Printed): void {
  for (const line of stdout.split("\n").slice(1, -1)) assert.match(line, HOP);
}

/** Responders and marks in order, each once in a row; a hop that nobody answered keeps its stars. */
function withoutStars(rest: string): string {
  if (!rest.includes("ms")) return rest;
  const words = rest
    .replace(/# ms|\*/g, " ")
    .split(/\s+/)
    .filter(Boolean);
  return words.filter((word, at) => word !== words[at - 1]).join(" ");
}

/** Addresses and names of the hop's own routers make way for their number; another fails the test. */
function anyRouter(rest: string, hop: number, lab: Lab): string {
  const routers = lab.hops[hop - 1] ?? [];
  const known = [...routers.flatMap(({ v4, v6, ptr }) => [v4, v6, ptr]), ...Object.values(lab.target)];
  const words = rest.split(/\s+/).filter((word) => !/^(#|ms|\*|\[open\])$/.test(word));
  for (const word of words) assert.ok(known.includes(word.replace(/[()]/g, "")), `hop ${hop} shows ${word}`);
  return rest.includes("ms") ? `${words.length > 0} ${rest.split("ms").length - 1}` : rest;
}
