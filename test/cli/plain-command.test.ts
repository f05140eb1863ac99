import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "commander";
import { type Call, defineCommands } from "../../cli/grammar.ts";
import { readPlain } from "../../cli/plain-command.ts";
import * as paths from "../../core/sim/topologies.ts";
import { runCli } from "./harness.ts";

const CALL = { context: {}, done() {}, loaded: [] } as unknown as Call;

/** Keeps what it would call an action with. */
class Keeping extends Command {
  static kept: unknown[] | undefined;

  override createCommand(name?: string): Command {
    return new Keeping(name);
  }

  override action(): this {
    return super.action((...given: unknown[]) => {
      Keeping.kept = given.slice(0, -1);
    });
  }
}

/** What commander would call; undefined where it calls nothing. */
function whole(argv: readonly string[]): unknown[] | undefined {
  Keeping.kept = undefined;
  const program = new Keeping("test");
  program.configureOutput({ writeErr() {}, writeOut() {}, outputError() {} }).exitOverride();
  defineCommands(program as never, CALL);
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error && String(error.code).startsWith("commander."));
  }
  return Keeping.kept;
}

const PLAIN = [
  "auto h.test",
  "auto -n h.test",
  "auto h.test -4 --numeric -q 1 --max-hops 5 -p 443,80",
  "auto h.test --pps 10 --pps 20",
  "auto --egress --proxy http://proxy.test:3128 h.test",
  "trace h.test -P icmp",
  "trace -P tcp-syn:443 -b h.test --format json --keep-privileges",
  "report h.test -c 10 --interval 0.5",
  "live a.test b.test c.test -z",
  "scan -f targets.txt",
  "scan --file targets.txt --no-stop-set --prefix-pps 5",
  "locate h.test -p 443 --asn-db db",
  "egress",
  "egress h.test --hop-limit 3",
  "doctor --format json",
  "replay run.jsonl --live --speed 2",
  "link /opt/bin",
];

/** For the parser, or for nobody. */
const OTHERS = [
  "",
  "auto",
  "auto a.test b.test",
  "auto h.test --help",
  "auto h.test -q1",
  "auto h.test -nb",
  "auto h.test --queries=1",
  "auto h.test --querys 1",
  "auto h.test -q",
  "auto h.test -w -5",
  "auto -- -h.test",
  "trace h.test",
  "trace -P icmp",
  "scan -f -",
  "scan host -f targets.txt",
  "live -n",
  "plugin list",
  "plugin new dns",
  "completion bash",
  "completion bash 2 nettrace",
  "toString h.test",
  "h.test",
  "help auto",
];

describe("a plain command line", () => {
  for (const line of PLAIN) {
    it(`is read as the parser reads it: ${line}`, () => {
      const argv = line.split(" ");
      const wanted = whole(argv);
      assert.ok(wanted !== undefined);
      assert.deepEqual(readPlain(argv, CALL)?.given, wanted);
    });
  }

  for (const line of OTHERS) {
    it(`is not what only the parser understands, or nobody: "${line}"`, () => {
      assert.equal(readPlain(line.split(" "), CALL), undefined);
    });
  }

  it("is whatever differs from the parser's reading by no more than a form", () => {
    const words = [
      "-n",
      "-q",
      "3",
      "--no-stop-set",
      "-P",
      "icmp",
      "h.test",
      "-f",
      "x",
      "--max-hops",
      "-4",
      "",
      "-",
      "--",
    ];
    // Every line of three words: what is read at all is read alike.
    for (const command of ["auto", "trace", "live", "scan", "egress", "replay"]) {
      for (const a of words)
        for (const b of words)
          for (const c of words) {
            const argv = [command, a, b, c];
            const plain = readPlain(argv, CALL)?.given;
            if (plain !== undefined) assert.deepEqual(plain, whole(argv), argv.join(" "));
          }
    }
  });

  it("leaves it to the parser to name what an unknown option is like", async () => {
    const { code, stderr } = await runCli(["trace", "h.test", "-P", "icmp", "--querys", "3"], {
      topology: paths.plain(1),
    });
    assert.match(stderr, /^nettrace: Cannot read the command line: unknown option '--querys' .*--queries/);
    assert.equal(code, 2);
  });
});
