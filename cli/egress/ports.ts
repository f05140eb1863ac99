import { OPERATORS_PORTS, UsageError } from "../../core/mod.ts";
import { echo } from "../host.ts";

/** More would take minutes without privilege. */
const MOST = 65_535;

/** `1-1024,8443` as ascending ports, each once; absent: those that matter to operators. Throws UsageError. */
export function parsePorts(text: string | undefined): readonly number[] {
  if (text === undefined) return OPERATORS_PORTS;
  const ports = new Set<number>();
  for (const part of text.split(",")) {
    const [, from, to] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? [];
    const least = Number(from);
    const most = Number(to ?? from);
    if (from === undefined || least < 1 || most > MOST || least > most) {
      throw new UsageError(
        `Cannot use --ports ${echo(text) || '""'}: give ports and ranges from 1 to 65535, such as 1-1024,8443`,
      );
    }
    for (let port = least; port <= most; port += 1) ports.add(port);
  }
  return [...ports].sort((a, b) => a - b);
}

/** Ports as text, neighbours among those that were asked for merged: `1-79,81-442`. */
export function portRanges(ports: readonly number[], asked: readonly number[]): string {
  const position = new Map(asked.map((port, at) => [port, at]));
  const parts: string[] = [];
  let first: number | undefined;
  let last: number | undefined;
  const close = (): void => {
    if (first !== undefined) parts.push(first === last ? String(first) : `${first}-${last}`);
  };
  for (const port of ports) {
    // A range says something of every port in it: it spans only ports that were asked for one after the other.
    const follows = last !== undefined && port === last + 1 && position.get(port) === (position.get(last) ?? -2) + 1;
    if (!follows) {
      close();
      first = port;
    }
    last = port;
  }
  close();
  return parts.join(",");
}
