import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "commander";
import { LeanCommand } from "../../cli/lean-command.ts";
import * as paths from "../../core/sim/topologies.ts";
import { runCli } from "./harness.ts";

function define(program: Command): Command {
  const quiet = { writeErr: () => {}, writeOut: () => {} };
  program.configureOutput(quiet).exitOverride();
  program
    .command("go")
    .argument("<host>")
    .requiredOption("-P, --protocol <name>")
    .option("-n, --numeric")
    .option("-q, --queries <n>")
    .option("-w, --wait <s>")
    .option("--dns.tcp")
    .option("--no-dns.tcp")
    .option("--no-stop-set")
    .action((host, options) => {
      program.setOptionValue("seen", { host, options });
    });
  return program;
}

function read(program: Command, argv: readonly string[]): unknown {
  try {
    return define(program)
      .parse([...argv], { from: "user" })
      .getOptionValue("seen");
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

describe("a lean command", () => {
  for (const line of [
    "go host -P icmp",
    "go host -P=icmp",
    "go -nq3 host -Picmp",
    "go host --protocol icmp --wait=2 --numeric",
    "go host -P icmp -w -5",
    "go host -P icmp --dns.tcp",
    "go host -P icmp --no-dns.tcp --no-stop-set",
    "go -P icmp -- -n",
    "go host",
    "go host -P",
    "go -P icmp",
    "go host other -P icmp",
    "go host -P icmp -x",
    "go host -P icmp --wai 2",
    "go host -nP",
    "come host",
  ]) {
    it(`reads as the whole one does: ${line}`, () => {
      const argv = line.split(" ");
      const whole = read(new Command("test"), argv);
      assert.ok(whole !== undefined);
      assert.deepEqual(read(new LeanCommand("test", argv), argv), whole);
    });
  }

  it("does not keep the command line from naming what an unknown option is like", async () => {
    const { code, stderr } = await runCli(["trace", "h.test", "-P", "icmp", "--querys", "3"], {
      topology: paths.plain(1),
    });
    assert.match(stderr, /^nettrace: Cannot read the command line: unknown option '--querys' .*--queries/);
    assert.equal(code, 2);
  });
});
