import { describe, it } from "node:test";
import type { PluginBenches } from "../../core/conformance/bench.ts";
import { type Expectations, runCase, type Subject, whySkipped } from "../../core/conformance/case.ts";
import { CONFORMANCE_CASES } from "../../core/conformance/cases.ts";
import { look } from "../../core/conformance/survey.ts";
import type { ProtocolPlugin } from "../../core/plugin.ts";

/** Registers the cases that every plugin passes, on each of the arrangements given. */
export function pluginContract(
  name: string,
  plugin: ProtocolPlugin,
  benches: PluginBenches,
  expects: Expectations = {},
): void {
  const { protocol, speaks } = look(plugin, plugin.defaultPort ?? 0);
  const subject: Subject = { plugin, expects, protocol, speaks, allows: benches.allows ?? ["raw", "ping", "none"] };
  for (const family of benches.families) {
    describe(`${name}, a plugin, over IPv${family}`, () => {
      for (const each of CONFORMANCE_CASES) {
        const skip = whySkipped(each, subject, benches) ?? false;
        it(each.name, { skip }, () => runCase(each, subject, benches, family));
      }
    });
  }
}
