import { VERSION_LINE } from "../../help.ts";
import type { PersonalityCall } from "../mod.ts";

export function usageText({ calledAs }: PersonalityCall): string {
  return `Usage: ${calledAs} [-nNFS] [-i DEVICE] [-f FIRST_TTL] [-m MAX_TTL]
       [-q QUERIES] [-w SECONDS] [-t TOS] [-l LENGTH] [-p SOURCE_PORT]
       [-s SOURCE] [--track-port] [--fallback] HOST [PORT] [LENGTH]

`;
}

/** What the tool is, and which one it plays. */
export function aboutText(): string {
  return `${VERSION_LINE}, as tcptraceroute 1.5\n`;
}
