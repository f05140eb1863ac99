import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { build, VERSION } from "./built.ts";
import { describeWith, run, temporary } from "./tools.ts";

const sumOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

describeWith(["xz", "dpkg-deb", "rpmbuild", "rpm2archive", "man", "mandoc"], "the files of a release", () => {
  const place = temporary();
  const release = join(place.path, "release");
  const file = (name: string): string => join(release, name);
  const executable = `nettrace-${VERSION}-linux-arm64`;

  before(() => void build("--out", release, "--only", "linux-arm64", "--pack", "fast"), { timeout: 300_000 });
  after(() => place[Symbol.dispose]());

  it("are these, and SHA256SUMS has the sums of all", () => {
    const names = [
      "LICENSE",
      "SHA256SUMS",
      "_nettrace",
      "install.sh",
      executable,
      `${executable}.xz`,
      `nettrace-${VERSION}-1.aarch64.rpm`,
      `nettrace-${VERSION}.cdx.json`,
      "nettrace.1",
      "nettrace.bash",
      "nettrace.fish",
      `nettrace_${VERSION}_arm64.deb`,
    ];
    assert.deepEqual(readdirSync(release).sort(), names.sort());
    const listed = readFileSync(file("SHA256SUMS"), "utf8").trimEnd().split("\n");
    assert.equal(listed.length, names.length - 1);
    const { code, stdout } = run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: release });
    assert.equal(code, 0, stdout);
  });

  it("unpack to the executable", () => {
    const { code } = run("sh", ["-c", `xz -dc "$1" | cmp - "$2"`, "sh", file(`${executable}.xz`), file(executable)]);
    assert.equal(code, 0);
  });

  const EXPECTED = {
    "/usr/bin/nettrace": 0o755,
    "/usr/share/man/man1/nettrace.1.gz": 0o644,
    "/usr/share/bash-completion/completions/nettrace": 0o644,
    "/usr/share/fish/vendor_completions.d/nettrace.fish": 0o644,
  };

  function assertInstalled(tree: string, own: readonly string[]): void {
    for (const [path, mode] of [...Object.entries(EXPECTED), ...own.map((path) => [path, 0o644] as const)]) {
      assert.equal(statSync(join(tree, path)).mode & 0o7777, mode, path);
    }
    // Stripped, it would be the bare runtime.
    assert.equal(sumOf(join(tree, "usr/bin/nettrace")), sumOf(file(executable)));
    assert.match(readFileSync(join(tree, own[1] ?? ""), "utf8"), /MIT License[\s\S]+commander[\s\S]+Bun runtime/);
  }

  it("are in the package of Debian, whole and owned by root", () => {
    const deb = file(`nettrace_${VERSION}_arm64.deb`);
    assert.equal(run("dpkg-deb", ["--field", deb, "Architecture"]).stdout, "arm64\n");
    assert.equal(run("dpkg-deb", ["--field", deb, "Depends"]).stdout, "libc6 (>= 2.17)\n");
    for (const line of run("dpkg-deb", ["--contents", deb]).stdout.trimEnd().split("\n")) {
      assert.match(line, /^[d-][rwx-]{9} root\/root /);
    }
    const tree = join(place.path, "deb");
    assert.equal(run("dpkg-deb", ["--extract", deb, tree]).code, 0);
    assertInstalled(tree, ["/usr/share/zsh/vendor-completions/_nettrace", "/usr/share/doc/nettrace/copyright"]);
    const control = join(place.path, "control");
    assert.equal(run("dpkg-deb", ["--control", deb, control]).code, 0);
    const check = run("md5sum", ["--check", "--strict", join(control, "md5sums")], { cwd: tree });
    assert.equal(check.code, 0, check.stdout);
    assert.deepEqual(readdirSync(control).sort(), ["control", "md5sums"]);
  });

  it("are in the package of Fedora, whole and owned by root", () => {
    const rpm = file(`nettrace-${VERSION}-1.aarch64.rpm`);
    const query = run("rpm", ["-qp", "--queryformat", "%{ARCH} %{LICENSE} %{BUILDHOST}\\n[%{FILEUSERNAME} ]", rpm]);
    assert.match(query.stdout, /^aarch64 MIT nettrace\.invalid\n(root )+$/);
    assert.match(run("rpm", ["-qp", "--requires", rpm]).stdout, /^libc\.so\.6\(GLIBC_2\.17\)\(64bit\)$/m);
    assert.doesNotMatch(run("rpm", ["-qp", "--scripts", rpm]).stdout, /\S/);
    const tree = join(place.path, "rpm");
    mkdirSync(tree);
    const unpack = run("sh", ["-c", `rpm2archive -n - <"$1" | tar -x`, "sh", rpm], { cwd: tree });
    assert.ok(existsSync(join(tree, "usr/bin/nettrace")), unpack.stderr);
    assertInstalled(tree, ["/usr/share/zsh/site-functions/_nettrace", "/usr/share/licenses/nettrace/LICENSE"]);
  });

  it("have a man page of which no formatter complains, with every option", () => {
    const page = file("nettrace.1");
    const lint = run("mandoc", ["-T", "lint", page]);
    assert.deepEqual([lint.stdout, lint.stderr, lint.code], ["", "", 0]);
    const args = ["--warnings", "-E", "UTF-8", "-l", page];
    const { stdout, stderr } = run("man", args, { env: { MANWIDTH: "200", LC_ALL: "C.UTF-8" } });
    assert.equal(stderr, "");
    for (const option of [
      "-4, --ipv4",
      "-b, --both",
      "-P, --protocol PLUGIN[:PORT]",
      "--kind raw|udp|tcp",
      "--order LIST",
    ]) {
      assert.ok(stdout.includes(`       ${option}\n`), option);
    }
  });

  it("tell what is inside, in CycloneDX's form", () => {
    const bom = JSON.parse(readFileSync(file(`nettrace-${VERSION}.cdx.json`), "utf8"));
    assert.deepEqual([bom.bomFormat, bom.specVersion], ["CycloneDX", "1.5"]);
    assert.deepEqual([bom.metadata.component.name, bom.metadata.component.version], ["nettrace", VERSION]);
    const names: string[] = bom.components.map(({ name }: { name: string }) => name);
    for (const name of ["commander", "mmdb-lib", "@oven/bun-linux-x64", "@oven/bun-windows-x64"]) {
      assert.ok(names.includes(name), name);
    }
    for (const { name, hashes } of bom.components) assert.match(hashes[0].content, /^[0-9a-f]{128}$/, name);
    assert.ok(!names.some((name) => /koffi|typescript|biome|ipaddr/.test(name)), "what is not inside");
    const refs = new Set([bom.metadata.component, ...bom.components].map((each) => each["bom-ref"]));
    for (const { ref, dependsOn } of bom.dependencies) {
      for (const each of [ref, ...dependsOn]) assert.ok(refs.has(each), each);
    }
  });
});
