import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkPlugin, definePlugin, PLUGIN_API, PluginError } from "nettrace";
import * as core from "../../core/mod.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain } from "../../core/sim/topologies.ts";
import { builtInPlugins } from "../../plugins/mod.ts";

const open = (): never => {
  throw new Error("not opened here");
};

describe("the name nettrace", () => {
  it("is the core itself, to sources of this repository too", () => {
    assert.equal(definePlugin, core.definePlugin);
    assert.equal(PluginError, core.PluginError);
  });
});

describe("definePlugin", () => {
  it("returns the plugin itself", () => {
    const plugin = { name: "dns", open };
    assert.equal(definePlugin(plugin), plugin);
  });

  it("accepts all that a plugin may state", () => {
    definePlugin({
      name: "tcp-ack2",
      summary: "one line",
      api: `^${PLUGIN_API}`,
      defaultPort: 53,
      options: [
        { name: "qname", description: "what to ask for", type: "string", default: "example.com" },
        { name: "max-tries", description: "a number", type: "number" },
        { name: "recurse", description: "a switch", type: "boolean", default: false },
      ],
      modes: [{ name: "raw", needs: "raw" }],
      open,
    });
  });

  for (const api of ["^1", "^1.0", " ^1.0 ", "^7.3 || ^1.0"]) {
    it(`accepts the API range "${api}"`, () => assert.ok(definePlugin({ name: "dns", api, open })));
  }
  for (const api of ["^2.0", "^1.99", "^0.9", "^2 || ^3"]) {
    it(`refuses a plugin that needs the API "${api}"`, () => {
      assert.throws(() => definePlugin({ name: "dns", api, open }), {
        name: "PluginError",
        message: `Cannot use the plugin dns: it needs the plugin API ${api}, and this nettrace has ${PLUGIN_API}`,
      });
    });
  }
  it("looks at the API before anything else, since another version may know another shape", () => {
    assert.throws(() => checkPlugin({ api: "^9.0" }), /needs the plugin API \^9\.0/);
  });

  const option = { name: "x", description: "x", type: "string" };
  const wrong: readonly (readonly [value: unknown, why: RegExp])[] = [
    [undefined, /no object/],
    [null, /no object/],
    ["dns", /no object/],
    [() => {}, /no object/],
    [{}, /name is not kebab-case/],
    [{ name: "Dns", open }, /name is not kebab-case/],
    [{ name: "dns:53", open }, /name is not kebab-case/],
    [{ name: "d".repeat(33), open }, /name is not kebab-case/],
    [{ name: "dns" }, /no function open/],
    [{ name: "dns", open, api: "latest" }, /no range such as/],
    [{ name: "dns", open, api: 1 }, /no range such as/],
    [{ name: "dns", open, summary: "two\nlines" }, /summary/],
    [{ name: "dns", open, defaultPort: 0 }, /defaultPort/],
    [{ name: "dns", open, defaultPort: "53" }, /defaultPort/],
    [{ name: "dns", open, options: {} }, /no array/],
    [{ name: "dns", open, options: [null] }, /option's name/],
    [{ name: "dns", open, options: [{ ...option, name: "qName" }] }, /option's name/],
    [{ name: "dns", open, options: [option, option] }, /two options x/],
    [{ name: "dns", open, options: [{ ...option, description: "" }] }, /no description/],
    [{ name: "dns", open, options: [{ ...option, type: "list" }] }, /types/],
    [{ name: "dns", open, options: [{ ...option, default: 1 }] }, /default that is no string/],
    [{ name: "dns", open, modes: ["raw"] }, /a mode is not/],
    [{ name: "dns", open, modes: [{ name: "raw", needs: "root" }] }, /a mode is not/],
  ];
  for (const [value, why] of wrong) {
    it(`refuses ${why.source}: ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => checkPlugin(value),
        (error) => error instanceof PluginError && why.test(error.message),
      );
    });
  }
});

describe("the built-in plugins", () => {
  for (const plugin of builtInPlugins) {
    it(`keep to the same rules, and state the modes in which they open: ${plugin.name}`, () => {
      assert.equal(checkPlugin(plugin), plugin);
      assert.ok(plugin.summary);
      const modes = plugin.modes?.map(({ name }) => name) ?? [];
      const topology = plain(3);
      const target = endpointOf(topology, 4, plugin.defaultPort ?? 0);
      for (const host of [{}, { refusedSockets: [{ types: ["raw"], errno: "EPERM" }] }] as const) {
        using network = createSimNetwork(topology, { host });
        try {
          using session = plugin.open(network, target, {});
          assert.ok(modes.includes(session.mode), session.mode);
        } catch (error) {
          assert.ok(
            plugin.modes?.every(({ needs }) => needs === "raw"),
            String(error),
          );
        }
      }
    });
  }
});
