/**
 * Builds a release into dist/release/. `--out DIR` builds elsewhere, `--only TARGET[,TARGET]` less, `--pack fast`
 * compresses as little as can be and `--pack none` not at all (for tests), `--verify` builds the last commit twice, in two folders, and compares all bytes.
 */

import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import packageJson from "../package.json" with { type: "json" };
import { buildRelease, PACKINGS } from "./release.ts";
import { TARGETS } from "./targets.ts";
import { verify } from "./verify.ts";

const root = join(import.meta.dirname, "..");

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: "string" },
      only: { type: "string" },
      pack: { type: "string", default: "best" },
      verify: { type: "boolean", default: false },
    },
  });
  const names = values.only?.split(",") ?? TARGETS.map(({ name }) => name);
  const targets = names.map((name) => {
    const target = TARGETS.find((each) => each.name === name);
    if (target !== undefined) return target;
    throw new Error(`Cannot build for ${name}: there are ${TARGETS.map((each) => each.name).join(", ")}`);
  });
  const packing = PACKINGS.find((each) => each === values.pack);
  if (packing === undefined) throw new Error(`Cannot pack ${values.pack}: there are ${PACKINGS.join(", ")}`);
  if (values.verify) return verify(root, names, packing);
  const into = resolve(values.out ?? join(root, "dist", "release"));
  await buildRelease({ root, into, targets, version: packageJson.version, packing });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
