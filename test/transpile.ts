/**
 * A program: `bun test/transpile.ts DIRECTORY` writes every TypeScript file of ours there as JavaScript for Node 20, which
 * cannot run TypeScript and has no `using`. File by file, not as a bundle: each module stays where the others and
 * `import.meta.url` expect it, and is one instance however many tests load it.
 */
import { chmodSync, copyFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const ROOMS = ["core", "plugins", "cli", "examples/plugins", "test", "bench"];

const [outdir] = process.argv.slice(2);
if (outdir === undefined) throw new Error("Cannot transpile: no directory given");

const entrypoints = ROOMS.flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(root, room, name)),
);

await Bun.build({
  entrypoints,
  outdir,
  root,
  target: "node",
  format: "esm",
  packages: "external",
  plugins: [
    {
      name: "leave our modules apart",
      setup(build) {
        build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path }) => ({
          path: path.replace(/\.ts$/, ".js"),
          external: true,
        }));
        // What comes with nettrace finds the public door as it stands here; everybody else by the package's name.
        build.onResolve({ filter: /^nettrace$/ }, ({ importer }) =>
          importer.startsWith(join(root, "examples", "plugins"))
            ? { path: "../../core/mod.js", external: true }
            : undefined,
        );
      },
    },
  ],
});
// Says that .js files are ES modules, and lets packages be found.
copyFileSync(join(root, "package.json"), join(outdir, "package.json"));
// Some tests run a program as nobody.
chmodSync(outdir, 0o755);
symlinkSync(join(root, "node_modules"), join(outdir, "node_modules"));
