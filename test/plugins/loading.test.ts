import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createPlace, type Place, simplePlugin } from "./place.ts";

const TRACE = ["trace", "127.0.0.1", "-n", "-q", "1"];

describe("a plugin in a file, loaded by the executable", () => {
  let place: Place;
  before(() => {
    place = createPlace();
  });
  after(() => place[Symbol.dispose]());

  it("traces, after its file was named on stderr", () => {
    const file = place.write("simple.ts", simplePlugin("simple"));
    const { code, stdout, stderr } = place.run([...TRACE, "--plugin", "./simple.ts", "-P", "simple:9"]);
    assert.equal(stderr, `nettrace: loads the plugin ${file}\n`);
    assert.match(stdout, /^simple:9 +error-queue +reached +1 /m);
    assert.equal(code, 0);
  });

  it("is JavaScript as well, in any spelling of the options, several at once", () => {
    place.write("one.js", simplePlugin("one"));
    place.write("two.mjs", simplePlugin("two"));
    const { code, stdout, stderr } = place.run([
      ...["auto", "127.0.0.1", "-n", "--plugin=./one.js", "--plugin", `${place.path}/two.mjs`],
      ...["--plugin", "./one.js", "--order=two:9,one", "--format", "json"],
    ]);
    assert.equal(stderr.match(/loads the plugin/g)?.length, 2);
    const { attempts } = JSON.parse(stdout);
    assert.deepEqual([attempts[0].protocol, attempts[0].verdict], ["two", "reached"]);
    assert.equal(code, 0);
  });

  it("shares the core of the executable: its errors are the core's", () => {
    place.write(
      "errors.ts",
      `import { definePlugin, SocketError, PLUGIN_API, wire } from "nettrace";
import * as again from "nettrace";
export default definePlugin({ name: "errors", open() {
  const why = [again.SocketError === SocketError, PLUGIN_API, typeof wire.encodeUdp].join(" ");
  throw new SocketError("socket", "EPERM", "open", why);
} });`,
    );
    const { code, stdout } = place.run([...TRACE, "--plugin", "./errors.ts", "-P", "errors"]);
    assert.match(stdout, /^errors +- +unprivileged +- .* EPERM: true 1\.2 function$/m);
    assert.equal(code, 3);
  });

  it("may import nettrace/testing, which is of the same core", () => {
    place.write(
      "testing.ts",
      `import { definePlugin, SocketError } from "nettrace";
import { conformance, createSimNetwork, topologies } from "nettrace/testing";
export default definePlugin({ name: "testing", open() {
  const kinds = [conformance, createSimNetwork, topologies.plain].map((each) => typeof each).join(" ");
  using network = createSimNetwork(topologies.plain(3), { host: { maxSockets: 0 } });
  try {
    network.open({ type: "udp" }, 4);
  } catch (error) {
    throw new SocketError("socket", "EPERM", "open", [kinds, error instanceof SocketError].join(" "));
  }
} });`,
    );
    const { code, stdout } = place.run([...TRACE, "--plugin", "./testing.ts", "-P", "testing"]);
    assert.match(stdout, /^testing +- +unprivileged +- .* EPERM: function function function true$/m);
    assert.equal(code, 3);
  });

  it("costs its own attempt where it fails, and is named in the ladder", () => {
    place.write("bad.ts", 'export default { name: "bad", open() { throw new Error("no\\x1b[31m luck"); } };');
    place.write("late.ts", 'export default { name: "late", async open() { throw new Error("late"); } };');
    const { code, stdout } = place.run([
      ...["auto", "127.0.0.1", "-n", "--plugin", "./bad.ts", "--plugin", "./late.ts"],
      ...["--order", "bad,late,tcp-connect:9"],
    ]);
    assert.match(stdout, /^bad +- +faulty +.*the plugin failed in open: no\\x1b\[31m luck$/m);
    assert.match(stdout, /^late +- +faulty +.*the plugin failed in open: it returned a promise$/m);
    assert.match(stdout, /^tcp-connect:9 +connect +reached /m);
    assert.equal(code, 0);
  });

  it("is found by its name in the user's folder: -P, --order and --plugin", () => {
    place.write("home/.config/nettrace/plugins/mine.ts", simplePlugin("mine"));
    for (const args of [["-P", "mine"], ["-nPmine:9"], ["--protocol=mine", "--plugin", "mine"]]) {
      const { code, stderr } = place.run([...TRACE, ...args]);
      assert.equal(stderr, `nettrace: loads the plugin ${place.plugins}/mine.ts\n`);
      assert.equal(code, 0);
    }
    assert.equal(place.run(["auto", "127.0.0.1", "--order", "mine:9", "-n"]).code, 0);
    const elsewhere = place.write("config/nettrace/plugins/mine.js", simplePlugin("mine"));
    const { stderr } = place.run([...TRACE, "-P", "mine"], { XDG_CONFIG_HOME: join(place.path, "config") });
    assert.equal(stderr, `nettrace: loads the plugin ${elsewhere}\n`);
  });

  it("may be a folder with packages of its own, which `nettrace` among them is not", () => {
    const folder = "home/.config/nettrace/plugins/packed";
    place.write(`${folder}/package.json`, '{"exports": "./src/main.ts", "type": "module"}');
    const source = simplePlugin("packed", "", '[modern, old.word, again].join("-")');
    const imports = 'import modern from "modern";\nimport old from "old";\nimport { again } from "./again.ts";\n';
    const file = place.write(`${folder}/src/main.ts`, imports + source);
    place.write(`${folder}/src/again.ts`, "export const again: string = String(2);");
    place.write(`${folder}/node_modules/modern/package.json`, '{"type": "module", "exports": "./lib/m.js"}');
    place.write(`${folder}/node_modules/modern/lib/m.js`, 'export default "modern";');
    place.write(`${folder}/node_modules/old/index.js`, 'module.exports = { word: require("./word") };');
    const word = place.write(`${folder}/node_modules/old/word.js`, 'module.exports = "old";');
    place.write(`${folder}/node_modules/nettrace/index.js`, 'throw new Error("the wrong nettrace");');
    const { code, stdout, stderr } = place.run([...TRACE, "-P", "packed"]);
    assert.equal(stderr, `nettrace: loads the plugin ${file}\n`);
    assert.match(stdout, /modern-old-2/);
    assert.equal(code, 0);

    chmodSync(word, 0o666);
    const refused = place.run([...TRACE, "-P", "packed"]);
    assert.equal(
      refused.stderr,
      `nettrace: Cannot load the plugin ${file}: others may write ${word} (mode 0666; chmod go-w mends it)\n`,
    );
    assert.equal(refused.code, 2);
  });

  it("is never taken from the working directory, nor run by list", () => {
    const spring = 'throw new Error("sprung");\n';
    for (const name of ["icmp.ts", "frob.ts", "nettrace/plugins/frob.ts", ".config/nettrace/plugins/frob.ts"]) {
      place.write(name, spring);
    }
    const { code, stderr } = place.run([...TRACE, "-P", "frob"], { XDG_CONFIG_HOME: "." });
    assert.match(
      stderr,
      /^nettrace: Cannot use -P frob: the protocols are icmp, udp, tcp-syn, tcp-connect, tcp-reach\n$/,
    );
    assert.equal(code, 2);
    const bare = place.run([...TRACE, "--plugin", "frob", "-P", "frob"]);
    assert.match(bare.stderr, /^nettrace: Cannot load the plugin frob: there is none in .* as in \.\/frob\.ts\)\n$/);
    place.write("home/.config/nettrace/plugins/frob.ts", spring);
    assert.equal(place.run(["plugin", "list"]).code, 0);
    assert.doesNotMatch(place.run([...TRACE, "-P", "icmp"]).stderr, /loads/);
  });
});

describe("the options of a plugin, on the command line of the executable", () => {
  let place: Place;
  const options = `summary: "a test", options: [
    { name: "word", description: "what to say", type: "string", default: "hello" },
    { name: "max-tries", description: "how often", type: "number" },
    { name: "loud", description: "say it loud", type: "boolean", default: false },
  ],`;
  const shown = "JSON.stringify(options.plugin)";
  before(() => {
    place = createPlace();
    place.write("opt.ts", simplePlugin("opt", options, shown));
  });
  after(() => place[Symbol.dispose]());
  const run = (...args: readonly string[]) => place.run([...TRACE, "--plugin", "./opt.ts", "-P", "opt", ...args]);
  const marks = ({ stdout }: { readonly stdout: string }) => /\{.*?\}/.exec(stdout)?.[0];

  it("are the defaults where none is given", () => {
    assert.equal(marks(run()), '{"word":"hello","loud":false}');
  });

  it("are read by their types", () => {
    assert.equal(
      marks(run("--opt.word", "-x", "--opt.max-tries=3.5", "--opt.loud")),
      '{"word":"-x","loud":true,"max-tries":3.5}',
    );
    assert.equal(marks(run("--opt.loud", "--no-opt.loud")), '{"word":"hello","loud":false}');
  });

  it("stand in --help, below nettrace's own, when the plugin is loaded", () => {
    const { code, stdout } = run("--help");
    assert.match(stdout, /^Usage: nettrace trace/);
    assert.match(stdout, /\nopt: a test\n {2}from .*opt\.ts\n {6}--opt\.word STRING {5}what to say \(hello\)\n/);
    assert.match(stdout, /--opt\.max-tries NUMBER {2}how often\n/);
    assert.match(stdout, /--opt\.loud {12}say it loud \(false\)\n/);
    assert.equal(code, 0);
    assert.doesNotMatch(place.run(["trace", "--help"]).stdout, /opt\./);
  });

  const cases: readonly (readonly [args: readonly string[], why: RegExp])[] = [
    [["--opt.max-tries", "many"], /Cannot use --opt\.max-tries many: it must be a number$/],
    [["--opt.max-tries", ""], /Cannot use --opt\.max-tries "": it must be a number$/],
    [["--opt.frob", "1"], /unknown option '--opt\.frob'/],
    [["--opt.word"], /argument missing/],
    [["-P", "icmp", "--opt.word", "x"], /Cannot use the options of opt: it is not among the protocols to try$/],
  ];
  for (const [args, why] of cases) {
    it(`are refused in one line with exit 2: ${args.join(" ")}`, () => {
      const { code, stdout, stderr } = run(...args);
      const lines = stderr.trimEnd().split("\n");
      assert.equal(lines.length, 2);
      assert.match(lines[1] ?? "", why);
      assert.deepEqual([code, stdout], [2, ""]);
    });
  }
});

describe("a plugin that cannot be loaded", () => {
  let place: Place;
  before(() => {
    place = createPlace();
  });
  after(() => place[Symbol.dispose]());

  const open = "open() { throw 1; }";
  const cases: Readonly<Record<string, readonly [text: string, why: string]>> = {
    "has a syntax error": ["export default {\n  a b\n}", 'line 2, column 5: Expected "}" but found "b"'],
    "has several": ["export default { a b };\nlet x x;", 'line 1, column 20: Expected "}" but found "b"'],
    "is no text": ["\xff\xfe\0\0", ""],
    "imports what is not there": ['import "nonesuch"; export default {};', "Cannot find package 'nonesuch'"],
    "imports what the API has not": ['import { frob } from "nettrace"; export default frob;', "frob"],
    "throws when it is loaded": ['throw new Error("two\\nlines");', "it failed while it was loaded: two lines"],
    "throws what is no error": ["throw undefined;", "it failed while it was loaded: undefined"],
    "has no default export": ["export const plugin = {};", "it has no default export"],
    "is empty": ["", "it has no default export"],
    "exports no plugin": ["export default 7;", "it is no object with name and open"],
    "has a bad name": [`export default { name: "Bad", ${open} };`, "its name is not kebab-case"],
    "has no open": ['export default { name: "x" };', "it has no function open"],
    "needs another API": [
      `import { definePlugin } from "nettrace"; export default definePlugin({ name: "x", api: "^2.0", ${open} });`,
      "it needs the plugin API ^2.0, and this nettrace has 1.2",
    ],
    "is called as a built-in one": [
      `export default { name: "icmp", ${open} };`,
      "its name icmp is that of a built-in one",
    ],
  };
  for (const [what, [text, why]] of Object.entries(cases)) {
    it(`is refused in one line with exit 2: it ${what}`, () => {
      const file = place.write("p.ts", text);
      const { code, stdout, stderr } = place.run([...TRACE, "--plugin", "./p.ts", "-P", "x"]);
      const told = stderr.replace(`nettrace: loads the plugin ${file}\n`, "");
      assert.match(told, /^nettrace: Cannot load the plugin [^\n]+\n$/);
      assert.ok(told.startsWith(`nettrace: Cannot load the plugin ${file}: `), told);
      assert.ok(told.includes(why), told);
      assert.deepEqual([code, stdout], [2, ""]);
    });
  }

  it("leaves nothing in the runtime's cache, however large it is", () => {
    // The runtime keeps what it makes of files above 50 kB.
    const filler = `export const filler = ${JSON.stringify("x".repeat(200_000))};\n`;
    place.write("large.ts", simplePlugin("large") + filler);
    const cache = join(place.path, "cache");
    const env = { XDG_CACHE_HOME: cache, BUN_RUNTIME_TRANSPILER_CACHE_PATH: join(cache, "named") };
    const { code } = place.run([...TRACE, "--plugin", "./large.ts", "-P", "large:9"], env);
    assert.equal(code, 0);
    assert.ok(!existsSync(cache));
    assert.ok(!existsSync(join(place.path, "home", ".bun")));
  });

  it("is refused before it runs where others may write it, and where it is not there", () => {
    const file = place.write("open.ts", 'console.log("ran");');
    chmodSync(file, 0o666);
    mkdirSync(join(place.path, "folder"));
    symlinkSync("open.ts", join(place.path, "link.ts"));
    for (const [given, why] of [
      ["./open.ts", /others may write .*open\.ts/],
      ["./link.ts", /others may write .*open\.ts/],
      ["./nowhere.ts", /there is no such file$/],
      ["./folder", /there is no such file$/],
      ["", /the plugin "": there is no such file$/],
      ["./a\x1b[31m.ts", /\.\/a\\x1b\[31m\.ts: there is no such file$/],
    ] as const) {
      const { code, stdout, stderr } = place.run([...TRACE, "--plugin", given, "-P", "x"]);
      assert.match(stderr, /^nettrace: Cannot load the plugin [^\n]+\n$/);
      assert.match(stderr.trimEnd(), why);
      assert.deepEqual([code, stdout], [2, ""]);
    }
  });

  it("is refused where two have one name, or the name it was called by is not its own", () => {
    place.write("one.ts", simplePlugin("same"));
    const two = place.write("two.ts", simplePlugin("same"));
    const twins = place.run([...TRACE, "--plugin", "./one.ts", "--plugin", "./two.ts", "-P", "same"]);
    assert.match(twins.stderr, new RegExp(`plugin ${two}: its name same is that of .*one\\.ts too\n$`));
    place.write("home/.config/nettrace/plugins/alias.ts", simplePlugin("real"));
    const alias = place.run([...TRACE, "-P", "alias"]);
    assert.match(alias.stderr, /the plugin in it is called real, not alias\n$/);
    assert.deepEqual([twins.code, alias.code], [2, 2]);
  });
});
