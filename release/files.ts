/** What the packages of distributions put where, beside the executable. */
import { chmodSync, copyFileSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { SCRIPTS } from "../cli/completion/scripts.ts";

/** The texts of a release. */
export interface Texts {
  readonly version: string;
  readonly manPage: string;
  readonly notices: string;
}

export interface Installed {
  /** Absolute, as on the machine it is installed on. */
  readonly path: string;
  readonly content: string | Buffer;
}

/** Of both kinds of packages; `zsh` and `notices` are where the distribution keeps such files. */
export function installedTexts(texts: Texts, zsh: string, notices: string): readonly Installed[] {
  return [
    { path: "/usr/share/man/man1/nettrace.1.gz", content: gzipSync(texts.manPage, { level: 9 }) },
    { path: "/usr/share/bash-completion/completions/nettrace", content: SCRIPTS.bash },
    { path: `${zsh}/_nettrace`, content: SCRIPTS.zsh },
    { path: "/usr/share/fish/vendor_completions.d/nettrace.fish", content: SCRIPTS.fish },
    { path: notices, content: texts.notices },
  ];
}

/** Lays out a tree as it is to be packed, whatever the umask. */
export function layOut(tree: string, executable: string, texts: readonly Installed[], date: Date): void {
  const place = (path: string, mode: number, write: (to: string) => void): void => {
    const to = join(tree, path);
    makeFolders(tree, dirname(path));
    write(to);
    chmodSync(to, mode);
    utimesSync(to, date, date);
  };
  for (const { path, content } of texts) place(path, 0o644, (to) => writeFileSync(to, content));
  place("/usr/bin/nettrace", 0o755, (to) => copyFileSync(executable, to));
}

function makeFolders(tree: string, path: string): void {
  if (path === "/") return;
  makeFolders(tree, dirname(path));
  mkdirSync(join(tree, path), { recursive: true });
  chmodSync(join(tree, path), 0o755);
}
