import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { SCRIPTS } from "../../cli/completion/scripts.ts";
import { PATH } from "../lab/access.ts";
import { root } from "./built.ts";
import { describeWith, run, temporary } from "./tools.ts";

/** Asks a real shell what it would put in the place of the last word, which may be begun. */
const ASK = {
  /** The words as readline parts them, at `=` and `:` too. */
  bash: `. "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nettrace 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `
    compdef() { :; }
    _files() { print -r -- "<files>"; }
    _hosts() { print -r -- "<hosts>"; }
    _describe() { print -rl -- "\${(@)\${(@P)4}%%:*}"; }
    . "$SCRIPT"; words=("$@"); CURRENT=$#; _nettrace; true`,
  fish: `source $SCRIPT; complete --do-complete="$argv"`,
} as const;

for (const shell of ["bash", "zsh", "fish"] as const) {
  describeWith([shell], `the completion for ${shell}`, () => {
    const place = temporary();
    const script = join(place.path, "script");

    before(() => {
      mkdirSync(join(place.path, "bin"));
      mkdirSync(join(place.path, "home", ".config", "nettrace", "plugins"), { recursive: true });
      writeFileSync(join(place.path, "home", ".config", "nettrace", "plugins", "chaos.ts"), "");
      symlinkSync(join(root, "dist", "nettrace"), join(place.path, "bin", "nettrace"));
      writeFileSync(script, SCRIPTS[shell]);
      // One of that name in the working directory must not be run.
      writeFileSync(join(place.path, "nettrace"), "#!/bin/sh\n: >sprung\n", { mode: 0o755 });
      writeFileSync(join(place.path, "file one"), "");
    });
    after(() => place[Symbol.dispose]());

    function complete(...words: readonly string[]): readonly string[] {
      const env = {
        PATH: `${place.path}/bin:${PATH}`,
        HOME: join(place.path, "home"),
        SCRIPT: script,
        LC_ALL: "C.UTF-8",
      };
      const args = shell === "bash" ? ["--norc"] : shell === "zsh" ? ["-f"] : ["--no-config"];
      const typed = shell === "fish" ? [["nettrace", ...words].join(" ")] : [shell, "nettrace", ...words];
      const { code, stdout, stderr } = run(shell, [...args, "-c", ASK[shell], ...typed], { cwd: place.path, env });
      assert.equal(code, 0, stderr);
      assert.ok(!existsSync(join(place.path, "sprung")));
      return stdout.split("\n").flatMap((line) => (line === "" ? [] : [line.split("\t")[0] ?? ""]));
    }

    it("can be loaded twice", () => {
      const twice = shell === "zsh" ? "compdef() { :; }; . $SCRIPT; . $SCRIPT" : ". $SCRIPT; . $SCRIPT";
      const { code, stdout, stderr } = run(shell, ["-c", twice], { env: { PATH, SCRIPT: script, HOME: place.path } });
      assert.deepEqual([code, stdout, stderr], [0, "", ""]);
    });

    it("completes commands", () => {
      const commands = complete("");
      for (const name of ["auto", "completion", "plugin", "trace"]) assert.ok(commands.includes(name), name);
      assert.deepEqual(complete("au"), ["auto"]);
      assert.deepEqual([...complete("plugin", "")].sort(), ["check", "list", "new"]);
      assert.deepEqual([...complete("completion", "")].sort(), ["bash", "fish", "zsh"]);
    });

    it("completes options", () => {
      assert.deepEqual(complete("auto", "--fo"), ["--format"]);
      assert.deepEqual(complete("trace", "example.com", "--proto"), ["--protocol"]);
      assert.ok(complete("auto", "-").includes("--max-hops"));
    });

    it("completes protocols, and plugins of one's own without running them", () => {
      const protocols = complete("trace", "example.com", "-P", "tcp-");
      for (const name of ["tcp-syn", "tcp-connect"]) assert.ok(protocols.includes(name), name);
      assert.ok(!protocols.includes("udp"));
      assert.deepEqual(complete("trace", "example.com", "-P", "ch"), ["chaos"]);
      assert.deepEqual(complete("auto", "h", "--order", "icmp,ud"), ["icmp,udp"]);
    });

    it("completes values", () => {
      assert.deepEqual(complete("auto", "h", "--flow", "c"), ["constant"]);
      const joined = shell === "bash" ? complete("auto", "--flow", "=", "c") : complete("auto", "--flow=c");
      assert.deepEqual(joined, [shell === "bash" ? "constant" : "--flow=constant"]);
      assert.deepEqual(complete("auto", "-i", "l"), ["lo"]);
    });

    it("leaves files to the shell", () => {
      assert.deepEqual(complete("auto", "--plugin", "fi"), [shell === "zsh" ? "<files>" : "file one"]);
    });

    it("evaluates nothing of what was typed", () => {
      for (const word of ["$(touch sprung)", "`touch sprung`", "';touch sprung;'", "--format=$(touch sprung)"]) {
        complete("auto", word);
        complete("auto", word, "");
        complete(word, "--or");
      }
    });
  });
}
