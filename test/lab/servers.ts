import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { findTool } from "./access.ts";
import { TIME } from "./executable.ts";
import type { Lab } from "./lab.ts";

/** A server of a Debian package, to run on the target. */
export interface Server {
  readonly package: string;
  readonly program: string;
  /** What `ss` says of a socket once the server listens in both families. */
  readonly listens: { readonly v4: RegExp; readonly v6: RegExp };
  /** Prepares what it needs, and gives its arguments. */
  args(lab: Lab): Promise<readonly string[]>;
}

export const listensOn = (transport: "tcp" | "udp", port: number): Server["listens"] => ({
  v4: new RegExp(`^${transport} .* (0\\.0\\.0\\.0|\\*):${port} `, "m"),
  v6: new RegExp(`^${transport} .* (\\[::\\]|\\*):${port} `, "m"),
});

export const isInstalled = ({ program }: Pick<Server, "program">): boolean =>
  program.startsWith("/") ? existsSync(program) : findTool(program) !== undefined;

/** Starts a server, on the target if not elsewhere; it ends with the lab. */
export async function serve(
  lab: Lab,
  { program, listens, args }: Omit<Server, "package">,
  namespace = "target",
): Promise<void> {
  const child = lab.spawn(namespace, [program, ...(await args(lab))]);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  for (let tries = 0; tries < 100; tries++) {
    const { stdout } = await lab.run(namespace, ["ss", "-Hlntuw"]);
    if (listens.v4.test(stdout) && listens.v6.test(stdout)) return;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`Cannot serve with ${program}: it does not listen: ${said.slice(0, 1000)}`);
}

/** A test against a server; where its package is missing, one that says so, and fails in the continuous run. */
export function itWith(server: Server, title: string, lab: () => Lab, body: () => Promise<void>): void {
  if (isInstalled(server)) {
    it(title, TIME, async () => {
      await serve(lab(), server);
      await body();
    });
    return;
  }
  const why = `Debian's package ${server.package} is not installed`;
  if (process.env["CI"] === "true") it(title, () => assert.fail(`Cannot test with ${server.program}: ${why}`));
  else {
    process.stderr.write(`\nSKIPPED: ${title}: ${why}\n\n`);
    it.skip(`${title}: ${why}`, () => undefined);
  }
}

/** A key and a certificate of the target's own, in the lab's directory. */
export async function makeCertificate(lab: Lab): Promise<{ readonly key: string; readonly certificate: string }> {
  const [key, certificate] = [join(lab.directory, "key.pem"), join(lab.directory, "certificate.pem")];
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  const files = ["-subj", "/CN=target.lab.example", "-keyout", key, "-out", certificate];
  const { code, stderr } = await lab.run("target", ["openssl", ...request, ...files]);
  assert.equal(code, 0, stderr);
  return { key, certificate };
}
