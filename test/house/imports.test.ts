import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, it } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const CONTRACTS = ["core/address.ts", "core/probe.ts", "core/plugin.ts", "core/network.ts", "core/errors.ts"];

/** Who may import what of ours; the first rule whose `who` begins the importer's path holds. */
const RULES: readonly { readonly who: string; readonly may: readonly string[] }[] = [
  { who: "core/wire/", may: ["core/wire/"] },
  { who: "core/ffi/", may: ["core/ffi/"] },
  {
    who: "core/egress/",
    may: [...CONTRACTS, "core/egress/", "core/wire/", "core/icmp-reply.ts", "core/tracer/pacer.ts"],
  },
  { who: "core/asn/", may: [...CONTRACTS, "core/asn/", "core/scan/ranges.ts", "core/scan/reserved.ts"] },
  {
    who: "core/scan/",
    may: [
      ...CONTRACTS,
      "core/scan/",
      "core/wire/",
      "core/tracer/guard.ts",
      "core/tracer/pacer.ts",
      "core/tracer/queue.ts",
    ],
  },
  { who: "core/proxy/", may: [...CONTRACTS, "core/proxy/"] },
  { who: "core/sim/", may: ["core/sim/", "core/wire/", ...CONTRACTS] },
  { who: "core/socket/", may: ["core/socket/", "core/ffi/", "core/wire/", ...CONTRACTS] },
  ...CONTRACTS.map((who) => ({ who, may: CONTRACTS })),
  { who: "core/icmp-reply.ts", may: [...CONTRACTS, "core/wire/"] },
  { who: "core/icmp-listener.ts", may: [...CONTRACTS, "core/icmp-reply.ts"] },
  {
    who: "core/udp-service.ts",
    may: [...CONTRACTS, "core/wire/", "core/icmp-reply.ts", "core/icmp-listener.ts", "core/padding.ts"],
  },
  { who: "core/tcp-service.ts", may: [...CONTRACTS, "core/icmp-reply.ts", "core/tcp-dials.ts", "core/padding.ts"] },
  { who: "core/many-errors.ts", may: [...CONTRACTS, "core/icmp-reply.ts", "core/wire/"] },
  {
    who: "core/icmp-many.ts",
    may: [...CONTRACTS, "core/icmp-reply.ts", "core/many-errors.ts", "core/padding.ts", "core/wire/"],
  },
  { who: "core/mod.ts", may: ["core/"] },
  { who: "core/testing.ts", may: ["core/"] },
  {
    who: "core/conformance/",
    may: ["core/conformance/", "core/sim/", "core/tracer/guard.ts", "core/tracer/trace.ts", "core/wire/", ...CONTRACTS],
  },
  { who: "core/tracer/", may: [...CONTRACTS, "core/tracer/", "core/end-of-path.ts"] },
  {
    who: "core/auto/",
    may: [...CONTRACTS, "core/auto/", "core/tracer/", "core/path.ts"],
  },
  {
    who: "core/",
    may: [
      ...CONTRACTS,
      "core/end-of-path.ts",
      "core/statistics.ts",
      "core/path.ts",
      "core/hop-tally.ts",
      "core/transit-loss.ts",
      "core/ascii-name.ts",
    ],
  },
  { who: "plugins/mod.ts", may: ["plugins/", "core/plugin.ts"] },
  // An example knows the public door only, and so may come with nettrace too.
  { who: "plugins/more.ts", may: ["plugins/", "examples/plugins/sctp.ts"] },
  {
    who: "plugins/",
    may: [
      ...CONTRACTS,
      "plugins/tcp-many.ts",
      "plugins/tcp-session.ts",
      "plugins/udp-many.ts",
      "plugins/udp-session.ts",
      "core/wire/",
      "core/icmp-reply.ts",
      "core/icmp-listener.ts",
      "core/icmp-many.ts",
      "core/many-errors.ts",
      "core/tcp-service.ts",
      "core/padding.ts",
    ],
  },
  { who: "cli/", may: ["cli/", "core/mod.ts", "core/testing.ts", "plugins/mod.ts", "plugins/more.ts", "package.json"] },
];

function sources(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return sources(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

const ours = ["core", "plugins", "cli"].flatMap(sources);

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

describe("the house", () => {
  it("lets each room import only what the architecture allows", () => {
    const offences: string[] = [];
    for (const file of ours) {
      const rule = RULES.find(({ who }) => file.startsWith(who));
      assert.ok(rule, `no rule for ${file}`);
      for (const name of importsOf(file)) {
        if (!name.startsWith(".")) continue;
        const target = relative(root, join(root, dirname(file), name));
        if (!rule.may.some((prefix) => target.startsWith(prefix))) offences.push(`${file} imports ${target}`);
      }
    }
    assert.deepEqual(offences, []);
  });

  it("names a runtime only in ffi, socket and where plugins are loaded, the console and the process only in cli", () => {
    const offences: string[] = [];
    for (const file of ours) {
      const text = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
      const isRuntimeRoom = file.startsWith("core/ffi/") || file.startsWith("core/socket/");
      const loadsModules = file.startsWith("cli/plugins/");
      if (!isRuntimeRoom && !loadsModules && /\b(Bun|Deno)\.|(from|import\() ?"bun/.test(text))
        offences.push(`${file}: a runtime`);
      if (!isRuntimeRoom && !file.startsWith("cli/") && /\b(console|process)\./.test(text)) {
        offences.push(`${file}: console or process`);
      }
    }
    assert.deepEqual(offences, []);
  });

  it("keeps files below 400 lines", () => {
    const long = [...ours, ...sources("release"), ...sources("test")].filter(
      (file) => readFileSync(join(root, file), "utf8").split("\n").length > 401,
    );
    assert.deepEqual(long, []);
  });
});
