import { existsSync } from "node:fs";
import { labAccess } from "../../test/lab/access.ts";
import { EXECUTABLE } from "./tools.ts";

/** Says in one line what is lacking for measuring, if anything is: root and TUN devices, a built executable. */
function whatIsLacking(): string | undefined {
  const access = labAccess();
  if (access.kind === "refused") return access.detail;
  if (access.kind === "user-namespace") return "not root, and what a user namespace adds would be measured too";
  if (!existsSync("/dev/net/tun")) return "no /dev/net/tun: the paths stand behind TUN devices";
  return existsSync(EXECUTABLE) ? undefined : "no dist/nettrace: npm run build makes it";
}

/** Runs a program of measurement, or says why it cannot be run. */
export async function measuring(body: () => Promise<void>): Promise<void> {
  const lacking = whatIsLacking();
  if (lacking === undefined) return body();
  process.stderr.write(`Cannot measure: ${lacking}\n`);
  process.exitCode = 1;
}
