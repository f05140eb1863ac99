import { hostname } from "node:os";
import type { RoundsTable } from "../../../core/mod.ts";
import { printable } from "../../printable.ts";
import { csvDocument, jsonDocument, xmlDocument } from "./documents.ts";
import type { HostRun } from "./measure.ts";
import { reportText } from "./text.ts";
import type { MtrView } from "./view.ts";

export function viewOf({ settings, host, context, names, infos }: HostRun, table: RoundsTable): MtrView {
  return {
    localHost: printable(context.hostName ?? hostname()),
    host,
    // Where nobody has answered, mtr shows no hop.
    rows: table.farthestHop === undefined ? [] : table.rows(),
    fields: settings.fields,
    names,
    showIps: settings.showIps,
    wide: settings.wide,
    mpls: settings.mpls,
    info: settings.info,
    infoOf: infos.of,
  };
}

/** What is printed at the end; nothing for formats that are written as things happen. */
export function endText(run: HostRun, table: RoundsTable): string {
  const { settings, context } = run;
  const view = viewOf(run, table);
  switch (settings.mode) {
    case "report":
      return reportText(view);
    case "json":
      return jsonDocument(view, settings);
    case "xml":
      return xmlDocument(view, settings);
    case "csv":
      return csvDocument(view, context.now());
    default:
      return "";
  }
}
