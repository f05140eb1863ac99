/** One executable: our sources, bundled, inside a runtime whose doors are closed. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { closeDoors } from "./doors.ts";
import { signAdHoc } from "./macho.ts";
import { standIns } from "./stand-ins.ts";
import { hostTarget, type Target } from "./targets.ts";

export interface ExecutableOptions {
  /** The folder with the sources. */
  readonly root: string;
  readonly target: Target;
  /** The runtime as Bun ships it; it is not changed. */
  readonly runtime: string;
  readonly outfile: string;
  /** As `--version --verbose` names it. */
  readonly commit: string;
}

/** Throws an Error where the bundle fails or a door cannot be closed. */
export async function buildExecutable({ root, target, runtime, outfile, commit }: ExecutableOptions): Promise<void> {
  // Beside the result, so that it can be renamed into place; of one name for all, since the executable carries its name.
  mkdirSync(dirname(outfile), { recursive: true });
  const work = mkdtempSync(join(dirname(outfile), ".building-"));
  const closed = mkdtempSync(join(tmpdir(), "nettrace-runtime-"));
  try {
    const bytes = readFileSync(runtime);
    closeDoors(bytes, target.arch);
    const executablePath = join(closed, basename(runtime));
    writeFileSync(executablePath, bytes, { mode: 0o755 });
    const built = join(work, target.os === "windows" ? "nettrace.exe" : "nettrace");
    await bundle(root, target, executablePath, built, commit);
    // Bun signs for arm64 only; on x64 it leaves a signature that no longer fits.
    if (target.os === "darwin" && target.arch === "x64") {
      writeFileSync(built, signAdHoc(readFileSync(built), "nettrace"));
    }
    chmodSync(built, 0o755);
    renameSync(built, outfile);
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(closed, { recursive: true, force: true });
  }
}

async function bundle(root: string, target: Target, executablePath: string, outfile: string, commit: string) {
  const isHost = hostTarget()?.name === target.name;
  await Bun.build({
    entrypoints: [join(root, "cli", "main.ts")],
    target: "bun",
    minify: { syntax: true, whitespace: true },
    // Compiled ahead of time it starts in half the time.
    bytecode: true,
    format: "esm",
    // What is imported when it is called for lies apart, and costs those nothing that never call for it.
    splitting: true,
    plugins: [standIns],
    define: {
      // React's development build is slow and remembers every render; a DEV=true of the user's is no wish for ink's tools.
      "process.env.NODE_ENV": '"production"',
      "process.env.DEV": '"false"',
      NETTRACE_COMMIT: JSON.stringify(commit),
      NETTRACE_TARGET: JSON.stringify(target.name),
      // Used on Node and Deno only (cli/plugins/hooked-modules.ts); it would be a path on this machine.
      "import.meta.url": JSON.stringify("file:///nettrace"),
    },
    // For Node only (core/ffi/node.ts, core/socket/raw-socket): nothing here asks for them.
    external: ["koffi", "raw-socket"],
    // The executable runs where anybody may have left files: nothing of the working directory is read or run.
    compile: {
      outfile,
      executablePath,
      ...(!isHost && { target: target.compileTarget }),
      // A trace is over before compiled code pays, and a sixth quicker without; what lasts takes it back (cli/main.ts).
      jitPolicy: 100,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      // Of the packages that a plugin imports only: nothing in the executable is resolved when it runs.
      autoloadPackageJson: true,
    },
  });
}
