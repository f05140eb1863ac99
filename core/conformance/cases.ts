import type { ConformanceCase } from "./case.ts";
import { FLOW_CASES } from "./flow-cases.ts";
import { HOSTILE_CASES } from "./hostile-cases.ts";
import { IDENTITY_CASES } from "./identity-cases.ts";
import { PATH_CASES } from "./path-cases.ts";
import { REFUSAL_CASES } from "./refusal-cases.ts";
import { TROUBLE_CASES } from "./trouble-cases.ts";

/** All that every plugin must do; no two have the same name. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  ...PATH_CASES,
  ...IDENTITY_CASES,
  ...TROUBLE_CASES,
  ...FLOW_CASES,
  ...REFUSAL_CASES,
  ...HOSTILE_CASES,
];
