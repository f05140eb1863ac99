import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PackageOptions, SUMMARY } from "./deb.ts";
import { installedTexts, layOut } from "./files.ts";
import { run } from "./runtimes.ts";

/** Packs for Fedora, RHEL, SUSE and the like; returns the name of the file. Throws an Error where rpmbuild fails. */
export function buildRpm({ arch, executable, texts, date, work, into, isPacked }: PackageOptions): string {
  const architecture = arch === "x64" ? "x86_64" : "aarch64";
  const name = `nettrace-${texts.version}-1.${architecture}.rpm`;
  const tree = join(work, "tree");
  const installed = installedTexts(texts, "/usr/share/zsh/site-functions", "/usr/share/licenses/nettrace/LICENSE");
  layOut(tree, executable, installed, date);
  mkdirSync(join(work, "top"), { recursive: true });
  const spec = join(work, "nettrace.spec");
  writeFileSync(
    spec,
    specOf(
      texts.version,
      tree,
      installed.map(({ path }) => path),
      isPacked ? "w6T2.xzdio" : "w.ufdio",
    ),
  );
  const define = [`_topdir ${join(work, "top")}`, `_rpmdir ${work}`].flatMap((each) => ["--define", each]);
  run("rpmbuild", ["-bb", "--quiet", "--target", `${architecture}-linux`, ...define, spec], {
    SOURCE_DATE_EPOCH: String(date.getTime() / 1000),
  });
  renameSync(join(work, name), join(into, name));
  return name;
}

/** The tree is ready: nothing is built, and nothing stripped (what strip takes for ballast is the program). */
function specOf(version: string, tree: string, texts: readonly string[], payload: string): string {
  const listed = texts.map((path) => (path.includes("/licenses/") ? `%license ${path}` : path));
  return `%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
%global _binary_payload ${payload}
%global _buildhost nettrace.invalid
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global _rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm
Name: nettrace
Version: ${version.replace("-", "~")}
Release: 1
Summary: ${SUMMARY}
License: MIT
AutoReqProv: no
Requires: libc.so.6(GLIBC_2.17)(64bit)

%description
Tries icmp, udp, tcp-syn and tcp-connect in turn, moves on at once where the
firewall of this host refuses a send, and prints the path with an account of
what was tried and who refused what. Needs no privilege for udp and TCP.

%install
cp -a "${tree}/." "%{buildroot}/"

%files
%defattr(-,root,root,-)
%attr(0755,root,root) /usr/bin/nettrace
${listed.join("\n")}
`;
}
