import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTracertText, tracertHeader } from "../../cli/personalities/tracert/hop-text.ts";
import { type IpAddress, parseAddress, type Reply, type SweepTurn } from "../../core/mod.ts";
import { plain } from "../../core/sim/topologies.ts";
import { runCli } from "../cli/harness.ts";
import { TRACERT_CAPTURES } from "./tracert-captures.ts";

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
}

/** RFC 792, by the word in `Destination host unreachable.` */
const CODES: Readonly<Record<string, number>> = { net: 0, host: 1, protocol: 2, port: 3 };

interface CapturedTurn {
  readonly turn: SweepTurn;
  readonly name: string | undefined;
}

/** What was measured for a captured line, whatever its columns. */
function turnsOf(line: string): readonly CapturedTurn[] {
  const [, hop = "", rest = ""] = /^ *(\d+) +(.*)$/.exec(line) ?? [];
  const [, cells = "", said = ""] = /^((?:(?:<?\d+ ms|\*) +)*)(.*)$/.exec(rest) ?? [];
  const times = (cells.match(/<?\d+ ms|\*/g) ?? []).map((cell) => {
    if (cell === "*") return undefined;
    return cell.startsWith("<") ? 0.4 : Number.parseInt(cell, 10) + 0.9;
  });
  const [, who = "", refusal] = /^(.*?)(?: +reports: Destination (\w+) unreachable\.)?$/.exec(said) ?? [];
  const [, name, inside] = /^(\S+) \[(\S+)\]$/.exec(who) ?? [];
  const from = who === "Request timed out." ? undefined : address(inside ?? who);
  const turn = (query: number, reply: Reply | undefined, rttMs?: number): SweepTurn => ({
    hop: Number(hop),
    query,
    reply,
    rttMs,
    sentAtMs: 0,
    shrunkTo: undefined,
    tooBigHere: undefined,
  });
  const turns = times.map((rttMs, query) =>
    turn(
      query,
      rttMs === undefined || from === undefined ? undefined : { sequence: 0, from, effect: "transit" },
      rttMs,
    ),
  );
  if (refusal === undefined || from === undefined) return turns.map((each) => ({ turn: each, name }));
  const icmp = { type: 3, code: CODES[refusal] ?? 255 };
  const refused = turn(turns.length, { sequence: 0, from, effect: "unreachable", icmp });
  return [...turns, refused].map((each) => ({ turn: each, name }));
}

function rewritten(capture: string): string {
  const [, named, single, most = ""] =
    /^\nTracing route to (?:(\S+ \[\S+\])\n|(\S+) )over a maximum of (\d+) hops:?\n\n/.exec(capture) ?? [];
  const [, name, to = ""] = /^(\S+) \[(\S+)\]$/.exec(named ?? "") ?? [undefined, undefined, single];
  const header = most === "" ? "" : tracertHeader(name, address(to), Number(most));
  const text = createTracertText();
  const hops = capture
    .split("\n")
    .filter((line) => /^ *\d+ /.test(line))
    .flatMap(turnsOf)
    .map(({ turn, name: responder }) => text(turn, { name: responder, asNumbers: undefined }))
    .join("");
  return `${header}${hops}${capture.endsWith("\nTrace complete.\n") ? "\nTrace complete.\n" : ""}`;
}

describe("tracert", () => {
  for (const { source, text } of TRACERT_CAPTURES) {
    it(`prints what Windows printed of the same answers: ${source}`, () => {
      assert.equal(rewritten(text), text);
    });
  }

  it("prints header, hops and end as Windows does", async () => {
    const { stdout, code } = await runCli("tracert -d 198.51.100.10", { topology: plain(2) });
    assert.equal(stdout, rewritten(stdout));
    assert.match(stdout, /^\nTracing route to 198\.51\.100\.10 over a maximum of 30 hops\n\n {2}1 /);
    assert.match(stdout, /\n\nTrace complete\.\n$/);
    assert.equal(code, 0);
  });
});
