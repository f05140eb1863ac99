import { NAME_SERVER, reverseName, TARGET, ZONE } from "./addresses.ts";
import type { ServedZone } from "./dns-server.ts";
import type { LabPlan, PlannedRouter } from "./plan.ts";
import type { DnsRecord, LabSpec } from "./spec.ts";

/** `r5a.lab.example`, or what the spec wants; undefined for none. */
export function ptrOf(router: PlannedRouter): string | undefined {
  return router.spec.ptr === undefined ? `${router.name}.${ZONE}` : (router.spec.ptr ?? undefined);
}

/** All names of a lab: each router both ways, `target`, `ns`, and `v4only` and `v6only`, which also are the target. */
export function zoneOf(spec: LabSpec, plan: LabPlan): ServedZone {
  const named = plan.routers.flat().flatMap((router) => {
    const ptr = ptrOf(router);
    const forward = both(`${router.name}.${ZONE}`, router);
    return ptr === undefined ? forward : [...forward, ...reverse(router, ptr)];
  });
  return {
    silent: spec.dns?.mode === "silent",
    silentNames: spec.dns?.silentNames ?? [],
    records: [
      ...named,
      ...both(`target.${ZONE}`, TARGET),
      ...reverse(TARGET, `target.${ZONE}`),
      ...both(`ns.${ZONE}`, NAME_SERVER),
      ...reverse(NAME_SERVER, `ns.${ZONE}`),
      { name: `v4only.${ZONE}`, type: "A", value: TARGET.v4 },
      { name: `v6only.${ZONE}`, type: "AAAA", value: TARGET.v6 },
      ...(spec.dns?.records ?? []),
    ],
  };
}

function both(name: string, { v4, v6 }: { readonly v4: string; readonly v6: string }): DnsRecord[] {
  return [
    { name, type: "A", value: v4 },
    { name, type: "AAAA", value: v6 },
  ];
}

function reverse({ v4, v6 }: { readonly v4: string; readonly v6: string }, value: string): DnsRecord[] {
  return [v4, v6].map((address) => ({ name: reverseName(address), type: "PTR", value }));
}
