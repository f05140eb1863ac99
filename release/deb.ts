import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installedTexts, layOut, type Texts } from "./files.ts";
import { run } from "./runtimes.ts";

export interface PackageOptions {
  readonly arch: "x64" | "arm64";
  readonly executable: string;
  readonly texts: Texts;
  readonly date: Date;
  /** An empty folder to work in. */
  readonly work: string;
  readonly into: string;
  readonly isPacked: boolean;
}

/** Packs for Debian and what comes from it; returns the name of the file. Throws an Error where dpkg-deb fails. */
export function buildDeb({ arch, executable, texts, date, work, into, isPacked }: PackageOptions): string {
  const architecture = arch === "x64" ? "amd64" : "arm64";
  const name = `nettrace_${texts.version}_${architecture}.deb`;
  const tree = join(work, "tree");
  const installed = installedTexts(texts, "/usr/share/zsh/vendor-completions", "/usr/share/doc/nettrace/copyright");
  mkdirSync(join(tree, "DEBIAN"), { recursive: true });
  chmodSync(tree, 0o755);
  chmodSync(join(tree, "DEBIAN"), 0o755);
  layOut(tree, executable, installed, date);

  const files = ["/usr/bin/nettrace", ...installed.map(({ path }) => path)].sort();
  const kilobytes = files.reduce((sum, path) => sum + Math.ceil(statSync(join(tree, path)).size / 1024), 0);
  const sums = files.map((path) => {
    const sum = createHash("md5")
      .update(readFileSync(join(tree, path)))
      .digest("hex");
    return `${sum}  ${path.slice(1)}\n`;
  });
  write(join(tree, "DEBIAN", "control"), control(texts.version, architecture, kilobytes));
  write(join(tree, "DEBIAN", "md5sums"), sums.join(""));
  // Never stripped: what strip takes for ballast is the program. Two threads split the data as any more would; one would
  // not.
  const args = [
    "--root-owner-group",
    ...(isPacked ? ["-Zxz", "-z6"] : ["-Znone"]),
    "--threads-max=2",
    "--build",
    tree,
    join(into, name),
  ];
  run("dpkg-deb", args, { SOURCE_DATE_EPOCH: String(date.getTime() / 1000) });
  return name;
}

function write(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o644);
}

function control(version: string, architecture: string, kilobytes: number): string {
  return `Package: nettrace
Version: ${version}
Architecture: ${architecture}
Maintainer: the nettrace authors <nettrace@nettrace.invalid>
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.17)
Section: net
Priority: optional
Description: ${SUMMARY}
 Tries icmp, udp, tcp-syn and tcp-connect in turn, moves on at once where the
 firewall of this host refuses a send, and prints the path with an account of
 what was tried and who refused what. Needs no privilege for udp and TCP.
`;
}

export const SUMMARY = "shows the network path from a host that lets almost nothing out";
