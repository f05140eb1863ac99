/** A program: removes what labs of killed runs left behind, and names it. */
import { sweep } from "./lifetime.ts";

if (import.meta.main) {
  for (const name of sweep()) process.stdout.write(`removed ${name}\n`);
}
