import { defineConfig } from "tsup";
import { DOORS } from "./package-doors.ts";

/** The npm package's JavaScript: all doors and the command share their chunks, so that each class exists once. */
export default defineConfig({
  entry: {
    ...Object.fromEntries(DOORS.map(({ name, source }) => [name, source])),
    cli: "cli/main.ts",
    // A program of its own on Node 20: cli/plugins/hooked-modules.ts names it.
    "module-hooks": "cli/plugins/module-hooks.ts",
  },
  outDir: "dist/npm",
  format: "esm",
  platform: "node",
  target: "node20",
  splitting: true,
  clean: true,
  silent: true,
  // Beside the dependencies, which tsup leaves out by itself; each is imported by its own runtime alone.
  external: ["bun", /^bun:/, "koffi", "raw-socket"],
});
