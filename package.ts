/**
 * Builds dist/npm, the package for Node as `npm pack` takes it: JavaScript by tsup, declarations by tsc, a manifest of its
 * own; and has publint and attw check it. `--quiet` prints errors only.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import manifest from "./package.json" with { type: "json" };
import { DOORS } from "./package-doors.ts";

const root = import.meta.dirname;
const outdir = join(root, "dist", "npm");

/** Runs a tool of node_modules; ends this process with what it says where it fails. */
function run(tool: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(join(root, "node_modules", ".bin", tool), args, {
    cwd: root,
    encoding: "utf8",
  });
  if (status === 0) return;
  console.error(`Cannot build the package: ${tool} ${args.join(" ")}\n${stdout ?? ""}${stderr ?? ""}`);
  process.exit(1);
}

/** Of all declarations that tsc writes, those that a door leads to; what they import is named as JavaScript. */
function writeDeclarations(): void {
  const emitted = mkdtempSync(join(tmpdir(), "nettrace-types-"));
  try {
    run("tsc", "-p", "tsconfig.package.json", "--outDir", emitted);
    const files = new Set(DOORS.map(({ source }) => join(emitted, source)));
    for (const file of files) {
      const text = readFileSync(file.replace(/\.ts$/, ".d.ts"), "utf8");
      const named = text.replace(/(\bfrom |\bimport\()"(\.{1,2}\/[^"]+)\.ts"/g, (_, keyword: string, path: string) => {
        files.add(join(dirname(file), `${path}.ts`));
        return `${keyword}"${path}.js"`;
      });
      const target = join(outdir, "types", relative(emitted, file).replace(/\.ts$/, ".d.ts"));
      mkdirSync(dirname(target), { recursive: true });
      // Whatever `lib` the importer's TypeScript is set to, sockets are Disposable.
      writeFileSync(target, `/// <reference lib="esnext.disposable" />\n${named}`);
    }
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
}

function writeManifest(): void {
  const { name, version, description, license, type, engines, optionalDependencies } = manifest;
  // What draws the live screen asks for a newer Node than all the rest.
  const { ink, react, ...dependencies } = manifest.dependencies;
  const peerDependencies = { ...manifest.peerDependencies, ink, react };
  const optional = { optional: true };
  const peerDependenciesMeta = { ...manifest.peerDependenciesMeta, ink: optional, react: optional };
  const exports = Object.fromEntries(
    DOORS.map(({ path, name: file, source }) => [
      path,
      { types: `./types/${source.replace(/\.ts$/, ".d.ts")}`, default: `./${file}.js` },
    ]),
  );
  const written = {
    ...{ name, version, description, license, type, engines },
    exports: { ...exports, "./package.json": "./package.json" },
    bin: { nettrace: "cli.js" },
    sideEffects: ["./cli.js"],
    ...{ dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta },
  };
  writeFileSync(join(outdir, "package.json"), `${JSON.stringify(written, null, 2)}\n`);
  for (const file of ["README.md", "LICENSE", "CHANGELOG.md"]) copyFileSync(join(root, file), join(outdir, file));
}

rmSync(outdir, { recursive: true, force: true });
run("tsup");
chmodSync(join(outdir, "cli.js"), 0o755);
writeDeclarations();
writeManifest();
run("publint", outdir, "--strict");
run("attw", "--pack", outdir, "--profile", "esm-only");
if (!process.argv.includes("--quiet"))
  console.log(`dist/npm: nettrace ${manifest.version} for Node, as npm pack takes it`);
