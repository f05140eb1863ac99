import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createPlace, type Place, root, simplePlugin } from "../plugins/place.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const commands = [...readme.matchAll(/^deno run (.+) cli\/main\.ts (.+)$/gm)].map(([, flags = "", args = ""]) => ({
  flags: flags.split(" "),
  args: args.split(" "),
}));

describe("Deno, with the permissions that the README lists", () => {
  let place: Place;
  before(() => {
    place = createPlace();
    place.write("my.ts", simplePlugin("my"));
  });
  after(() => place[Symbol.dispose]());

  const run = (flags: readonly string[], args: readonly string[]) => {
    const deno = join(root, "node_modules", ".bin", "deno");
    const main = join(root, "cli", "main.ts");
    const typed = args.map((word) => (word === "HOST" ? "localhost" : word));
    const { status, stdout, stderr } = spawnSync(deno, ["run", "--no-prompt", ...flags, main, ...typed, "-4"], {
      cwd: place.path,
      encoding: "utf8",
      env: { ...process.env, HOME: join(place.path, "home"), NO_COLOR: "1" },
    });
    return { status, stdout, stderr };
  };

  it("has two commands, without plugins and with them", () => {
    assert.deepEqual(
      commands.map(({ args: [command] }) => command),
      ["auto", "trace"],
    );
  });

  for (const { flags, args } of commands) {
    it(`reaches a target with no more than those: ${args.join(" ")}`, () => {
      const { status, stdout, stderr } = run(flags, args);
      assert.equal(stderr, args.includes("--plugin") ? `nettrace: loads the plugin ${place.path}/my.ts\n` : "");
      assert.match(stdout, /^nettrace to localhost \(127\.0\.0\.1\) from 127\.0\.0\.1 \(lo\)/);
      assert.match(stdout, /^reached 127\.0\.0\.1 by /m);
      assert.equal(status, 0);
    });

    for (const flag of flags.flatMap(each)) {
      it(`needs each of them, and says so in one line: without ${flag.name}, ${args[0]}`, () => {
        const { status, stdout, stderr } = run(
          flags.flatMap((given) => (given === flag.given ? flag.rest : [given])),
          args,
        );
        // Without the names of interfaces all else works.
        if (flag.name === "--allow-sys=networkInterfaces") {
          assert.match(stdout, /^nettrace to localhost \(127\.0\.0\.1\) from 127\.0\.0\.1, /);
          return;
        }
        if (flag.name === "--allow-ffi") {
          // The runtime's own TCP client is left: whether a port answers, and no hops.
          assert.match(stderr, /^nettrace: no hops, only whether a TCP port answers, [^\n]*--allow-ffi flag/m);
          return;
        }
        const [last = "", ...more] = stderr.trimEnd().split("\n").reverse();
        assert.match(last, /^nettrace: Cannot /);
        assert.ok(
          more.every((line) => line.startsWith("nettrace: loads the plugin ")),
          stderr,
        );
        assert.ok(status === 2 || status === 3, `exit ${status}`);
      });
    }
  }
});

/** Each part of a flag alone: `--allow-sys=a,b` is two. */
function each(given: string): { readonly name: string; readonly given: string; readonly rest: readonly string[] }[] {
  const [flag = "", values] = given.split("=");
  const parts = values?.split(",");
  if (parts === undefined) return [{ name: given, given, rest: [] }];
  return parts.map((part) => {
    const others = parts.filter((other) => other !== part);
    return { name: `${flag}=${part}`, given, rest: others.length === 0 ? [] : [`${flag}=${others.join(",")}`] };
  });
}
