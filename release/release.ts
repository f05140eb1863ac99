import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { SCRIPTS } from "../cli/completion/scripts.ts";
import { commitOf, commitTime } from "./commit.ts";
import { buildDeb, type PackageOptions } from "./deb.ts";
import { buildExecutable } from "./executable.ts";
import type { Texts } from "./files.ts";
import { manPage } from "./man.ts";
import { notices } from "./notices.ts";
import { buildRpm } from "./rpm.ts";
import { run, unpackRuntime } from "./runtimes.ts";
import { sbom } from "./sbom.ts";
import { executableName, type Target } from "./targets.ts";

export interface ReleaseOptions {
  readonly root: string;
  /** Emptied first. */
  readonly into: string;
  readonly targets: readonly Target[];
  readonly version: string;
  readonly packing: Packing;
}

/** `none`: executables alone, nothing compressed and no packages. `fast`: as little as can be, and packages not
 * at all, for tests. */
export const PACKINGS = ["none", "fast", "best"] as const;
export type Packing = (typeof PACKINGS)[number];

/** Everything in it follows from the commit: no clock, no path, no name of this machine. Throws an Error where a part fails. */
export async function buildRelease({ root, into, targets, version, packing }: ReleaseOptions): Promise<void> {
  const commit = commitOf(root);
  const seconds = commitTime(root);
  if (commit === undefined || seconds === undefined)
    throw new Error("Cannot make a release: this is no git repository");
  if (commit.endsWith("-dirty"))
    console.error("nettrace: there are changes that are not committed; the release says so");
  const date = new Date(seconds * 1000);
  const texts: Texts = { version, manPage: manPage(version, date), notices: notices(root) };
  const bom = sbom(root, version, commit, date);
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "nettrace-release-"));
  try {
    for (const target of targets) {
      const name = executableName(version, target);
      const runtime = unpackRuntime(root, target, join(work, target.name));
      await buildExecutable({ root, target, runtime, outfile: join(into, name), commit });
      rmSync(join(work, target.name), { recursive: true });
      console.log(`${name}: ${megabytes(join(into, name))}`);
      if (packing === "none") continue;
      compress(join(into, name), packing);
      if (target.libc !== "glibc") continue;
      packages({ arch: target.arch, executable: join(into, name), texts, date, into, work }, packing);
    }
    writeTexts(root, into, texts, bom);
    writeFileSync(join(into, "SHA256SUMS"), sums(into));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * In two threads, which split the data as any more would. Harder than -6 saves 3 % and takes seven times the memory to
 * unpack.
 */
function compress(path: string, packing: Packing): void {
  run("xz", ["--keep", "--threads=2", packing === "fast" ? "-0" : "-6", path]);
  console.log(`${basename(path)}.xz: ${megabytes(`${path}.xz`)}`);
}

function packages(options: Omit<PackageOptions, "isPacked">, packing: Packing): void {
  const isPacked = packing === "best";
  for (const [build, kind] of [
    [buildDeb, "deb"],
    [buildRpm, "rpm"],
  ] as const) {
    const work = join(options.work, kind);
    mkdirSync(work);
    const name = build({ ...options, work, isPacked });
    rmSync(work, { recursive: true });
    console.log(`${name}: ${megabytes(join(options.into, name))}`);
  }
}

function writeTexts(root: string, into: string, texts: Texts, bom: string): void {
  const files: Readonly<Record<string, string>> = {
    "nettrace.1": texts.manPage,
    "nettrace.bash": SCRIPTS.bash,
    _nettrace: SCRIPTS.zsh,
    "nettrace.fish": SCRIPTS.fish,
    [`nettrace-${texts.version}.cdx.json`]: bom,
    LICENSE: texts.notices,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(into, name), text);
  copyFileSync(join(root, "release", "install.sh"), join(into, "install.sh"));
  for (const name of readdirSync(into)) chmodSync(join(into, name), isProgram(name) ? 0o755 : 0o644);
}

function isProgram(name: string): boolean {
  return name === "install.sh" || /^nettrace-[^/]*-(linux|darwin|windows)-[^.]*(\.exe)?$/.test(name);
}

/** As sha256sum writes and checks them. */
function sums(folder: string): string {
  const lines = readdirSync(folder)
    .filter((name) => name !== "SHA256SUMS")
    .sort()
    .map(
      (name) =>
        `${createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex")}  ${name}\n`,
    );
  return lines.join("");
}

function megabytes(path: string): string {
  return `${(statSync(path).size / 1e6).toFixed(1)} MB`;
}
