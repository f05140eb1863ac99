import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { PATH } from "../lab/access.ts";
import { root } from "./built.ts";
import { describeWith, type Ran, run, temporary } from "./tools.ts";

const TARGETS = ["linux-x64", "linux-arm64", "linux-x64-musl", "linux-arm64-musl", "darwin-x64", "darwin-arm64"];
const SCRIPT = '#!/bin/sh\necho "it is for TARGET"\n';

interface Place extends Disposable {
  readonly path: string;
  readonly release: string;
  /** Runs the installer of the release on a machine that says it is such a one. */
  install(args: readonly string[], machine?: { system?: string; machine?: string; asNobody?: boolean }): Ran;
}

/** A release whose executables are little scripts. */
function createPlace(): Place {
  const { path, [Symbol.dispose]: dispose } = temporary();
  chmodSync(path, 0o755);
  const release = join(path, "release");
  const bin = join(path, "bin");
  for (const folder of [release, bin, join(path, "home")]) mkdirSync(folder);
  for (const target of TARGETS)
    writeFileSync(join(release, `nettrace-1.2.3-${target}`), SCRIPT.replace("TARGET", target));
  copyFileSync(join(root, "release", "install.sh"), join(release, "install.sh"));
  writeSums(release);
  return {
    path,
    release,
    install(args, { system = "Linux", machine = "x86_64", asNobody = false } = {}) {
      const uname = `#!/bin/sh\ncase $1 in -s) echo ${system} ;; -m) echo ${machine} ;; esac\n`;
      writeFileSync(join(bin, "uname"), uname, { mode: 0o755 });
      chmodSync(join(bin, "uname"), 0o755);
      const env = { PATH: `${bin}:${PATH}`, HOME: join(path, "home") };
      return run("sh", [join(release, "install.sh"), ...args], { cwd: path, env, asNobody });
    },
    [Symbol.dispose]: dispose,
  };
}

function writeSums(release: string): void {
  const names = readdirSync(release).filter((name) => name !== "SHA256SUMS");
  const line = (name: string): string =>
    `${createHash("sha256")
      .update(readFileSync(join(release, name)))
      .digest("hex")}  ${name}\n`;
  writeFileSync(join(release, "SHA256SUMS"), names.sort().map(line).join(""));
}

/** All files below a folder, with what is in them. */
function snapshot(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

describe("install.sh", () => {
  it("installs into ~/.local/bin, and touches nothing else", () => {
    using place = createPlace();
    place.install(["--help"]);
    const before = snapshot(place.path);
    const { code, stdout, stderr } = place.install([]);
    assert.deepEqual([code, stderr], [0, ""]);
    const installed = join(place.path, "home", ".local", "bin", "nettrace");
    assert.match(stdout, new RegExp(`^installed nettrace-1\\.2\\.3-linux-x64(-musl)? as ${installed}\n`));
    assert.equal(statSync(installed).mode & 0o777, 0o755);
    const { "home/.local/bin/nettrace": content, ...rest } = snapshot(place.path);
    assert.match(content ?? "", /it is for linux-x64/);
    assert.deepEqual(rest, before);
  });

  for (const [args, path] of [
    [["--prefix", "p q"], "p q/bin"],
    [["--prefix=p"], "p/bin"],
    [["--bindir", "-b"], "-b"],
    [["--bindir=b"], "b"],
  ] as const) {
    it(`installs where it is told to: ${args.join(" ")}`, () => {
      using place = createPlace();
      assert.equal(place.install(args).code, 0);
      assert.deepEqual(readdirSync(join(place.path, path)), ["nettrace"]);
    });
  }

  it("replaces an older one, and never writes through a link", () => {
    using place = createPlace();
    mkdirSync(join(place.path, "b"));
    writeFileSync(join(place.path, "older"), "older");
    symlinkSync("../older", join(place.path, "b", "nettrace"));
    for (const round of ["a link", "a file"]) {
      assert.equal(place.install(["--bindir", "b"]).code, 0, round);
      assert.match(readFileSync(join(place.path, "b", "nettrace"), "utf8"), /it is for/);
      assert.deepEqual(readdirSync(join(place.path, "b")), ["nettrace"]);
      assert.equal(readFileSync(join(place.path, "older"), "utf8"), "older");
    }
  });

  for (const [system, machine, target] of [
    ["Linux", "aarch64", "linux-arm64"],
    ["Darwin", "arm64", "darwin-arm64"],
    ["Darwin", "x86_64", "darwin-x64"],
  ] as const) {
    it(`picks ${target} on ${system} ${machine}`, () => {
      using place = createPlace();
      assert.equal(place.install(["--bindir", "b"], { system, machine }).code, 0);
      assert.match(readFileSync(join(place.path, "b", "nettrace"), "utf8"), new RegExp(`it is for ${target}`));
    });
  }

  it("is found from anywhere, and takes another folder by --from", () => {
    using place = createPlace();
    const script = join(place.path, "install.sh");
    copyFileSync(join(place.release, "install.sh"), script);
    const alone = run("sh", [script, "--bindir", "b"], { cwd: place.path });
    assert.equal(alone.code, 1);
    assert.equal(
      alone.stderr,
      `install.sh: Cannot find ${place.path}/SHA256SUMS: give the folder of the release with --from\n`,
    );
    assert.equal(run("sh", [script, "--bindir", "b", "--from", "release"], { cwd: place.path }).code, 0);
  });

  /** Each ends with status 1 and this line, and leaves nothing behind where it should have installed. */
  const refusals: readonly (readonly [name: string, prepare: (place: Place) => Ran, line: RegExp])[] = [
    [
      "a wrong checksum",
      (place) => {
        for (const target of TARGETS) writeFileSync(join(place.release, `nettrace-1.2.3-${target}`), "other");
        return place.install(["--bindir", "b"]);
      },
      /Cannot install nettrace-1\.2\.3-linux-x64(-musl)?: its checksum is not that of SHA256SUMS/,
    ],
    [
      "a missing file",
      (place) => {
        for (const target of TARGETS) rmSync(join(place.release, `nettrace-1.2.3-${target}`));
        return place.install(["--bindir", "b"]);
      },
      /Cannot find nettrace-1\.2\.3-linux-x64(-musl)? or nettrace-1\.2\.3-linux-x64(-musl)?\.xz in .*release/,
    ],
    [
      "an unknown processor",
      (place) => place.install(["--bindir", "b"], { machine: "riscv64" }),
      /Cannot install on Linux riscv64: there is no nettrace for it/,
    ],
    [
      "an unknown system",
      (place) => place.install(["--bindir", "b"], { system: "FreeBSD" }),
      /Cannot install on FreeBSD x86_64: there is no nettrace for it/,
    ],
    [
      "a folder that may not be written",
      (place) => {
        mkdirSync(join(place.path, "b"));
        chmodSync(join(place.path, "b"), 0o555);
        return place.install(["--bindir", "b"], { asNobody: true });
      },
      /Cannot write into b: permission denied, or no room/,
    ],
    [
      "a folder that cannot be made",
      (place) => place.install(["--bindir", "release/SHA256SUMS/b"]),
      /Cannot make the folder release\/SHA256SUMS\/b/,
    ],
    [
      "a folder in the place of the executable",
      (place) => {
        mkdirSync(join(place.path, "b", "nettrace"), { recursive: true });
        return place.install(["--bindir", "b"]);
      },
      /Cannot write b\/nettrace: it is a folder/,
    ],
    [
      "two versions",
      (place) => {
        for (const target of TARGETS) writeFileSync(join(place.release, `nettrace-1.2.4-${target}`), "");
        writeSums(place.release);
        return place.install(["--bindir", "b"]);
      },
      /Cannot choose between nettrace-1\.2\.3-linux-x64(-musl)? and nettrace-1\.2\.4-linux-x64(-musl)?: both are in SHA256SUMS/,
    ],
    ["an option that there is not", (place) => place.install(["--frob"]), /there is no --frob; see --help/],
    ["an option without its folder", (place) => place.install(["--bindir"]), /--bindir needs a folder/],
  ];
  for (const [name, prepare, line] of refusals) {
    it(`refuses ${name} in one line`, () => {
      using place = createPlace();
      const { code, stdout, stderr } = prepare(place);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^install\.sh: Cannot [^\n]+\n$/);
      assert.match(stderr, line);
      const left = Object.keys(snapshot(place.path)).filter((path) => /^(b|home)\//.test(path));
      assert.deepEqual(left, []);
    });
  }
});

describeWith(["xz"], "install.sh, of a release that is packed", () => {
  it("unpacks, and refuses what is damaged", () => {
    using place = createPlace();
    for (const target of TARGETS) run("xz", [join(place.release, `nettrace-1.2.3-${target}`)]);
    writeSums(place.release);
    assert.equal(place.install(["--bindir", "b"]).code, 0);
    assert.match(readFileSync(join(place.path, "b", "nettrace"), "utf8"), /it is for linux-x64/);
    assert.deepEqual(readdirSync(join(place.path, "b")), ["nettrace"]);

    for (const target of TARGETS) writeFileSync(join(place.release, `nettrace-1.2.3-${target}.xz`), "no archive");
    writeSums(place.release);
    const { code, stderr } = place.install(["--bindir", "c"]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^install\.sh: Cannot unpack nettrace-1\.2\.3-linux-x64(-musl)?\.xz: it is damaged, or there is no room\n$/,
    );
    assert.deepEqual(readdirSync(join(place.path, "c")), []);
  });
});

describeWith(["shellcheck"], "install.sh, read by shellcheck", () => {
  it("is plain POSIX sh", () => {
    const { code, stdout } = run("shellcheck", ["--shell=sh", join(root, "release", "install.sh")]);
    assert.equal(code, 0, stdout);
  });
});
