import { domainToASCII } from "node:url";

/** The name as DNS has it: international names in their ASCII form (RFC 5890). */
export function asciiName(name: string): string {
  return /^[\x00-\x7f]*$/.test(name) ? name : domainToASCII(name) || name;
}
