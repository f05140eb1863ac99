/** What is in the executables, as CycloneDX 1.5: npm's own list of our dependencies, and the runtimes. */
import { createHash } from "node:crypto";
import { locked, run } from "./runtimes.ts";
import { TARGETS } from "./targets.ts";

/** The same for the same commit: npm's random serial number, clock and folder name are replaced. */
export function sbom(root: string, version: string, commit: string, date: Date): string {
  const args = [
    "sbom",
    "--prefix",
    root,
    "--sbom-format=cyclonedx",
    "--package-lock-only",
    "--omit=dev",
    "--omit=optional",
    // The workspace is for building only, and npm cannot name a package without a version.
    "--workspaces=false",
  ];
  const bom = Object(JSON.parse(run("npm", [...args, "--loglevel=error"])));
  const { metadata, components, dependencies } = bom;
  const runtimes = TARGETS.map(({ runtimePackage }) => runtimeComponent(root, runtimePackage));
  const document = {
    ...bom,
    serialNumber: `urn:uuid:${uuidOf(`${version} ${commit}`)}`,
    metadata: {
      ...metadata,
      timestamp: date.toISOString(),
      // Without the version of npm, which says nothing about what is in here.
      tools: [{ vendor: "npm", name: "cli" }],
      component: { ...metadata.component, type: "application", name: "nettrace", version },
    },
    components: [...components, ...runtimes],
    dependencies: [...dependencies, ...runtimes.map((each) => ({ ref: each["bom-ref"], dependsOn: [] }))],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function runtimeComponent(root: string, name: string) {
  const { version, integrity } = locked(root, name);
  return {
    "bom-ref": `${name}@${version}`,
    type: "platform",
    name,
    version,
    scope: "required",
    description:
      "The Bun runtime; one of these is in each executable, with the variables that run code made unreadable",
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    hashes: [{ alg: "SHA-512", content: Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex") }],
    licenses: [{ license: { id: "MIT" } }],
  };
}

/** RFC 9562, version 8: of one's own making. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
