/**
 * `node_modules/.bin/bun bench/path-error.ts`: how late the paths behind the TUN device are, by itself and in half a minute;
 * `npm run bench` measures it too, and writes it down. Needs root.
 */
import { measuring } from "./kit/access.ts";
import { shownMachine, thisMachine } from "./kit/machine.ts";
import { measurePathError, pathErrorText } from "./kit/path-error.ts";

await measuring(async () => {
  console.log(shownMachine(thisMachine()));
  console.log(pathErrorText(await measurePathError()));
});
