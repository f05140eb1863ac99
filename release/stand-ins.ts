import type { BunPlugin } from "bun";

/** Modules of packages that stand for others in the executable. */
const STAND_INS: Readonly<Record<string, string>> = {
  // Ink imports them where DEV=true was set, which it never is here; they are not installed.
  "react-devtools-core": "export default {}",
  // The same widths from the runtime's own code: half of what ink takes for a frame goes into them.
  "string-width": "export default (text, options) => Bun.stringWidth(text, options)",
};

/** Puts them in the place of the packages of their names. */
export const standIns: BunPlugin = {
  name: "stand-ins",
  setup(builder) {
    const filter = new RegExp(`^(${Object.keys(STAND_INS).join("|")})$`);
    builder.onResolve({ filter }, ({ path }) => ({ path, namespace: "stand-in" }));
    builder.onLoad({ filter, namespace: "stand-in" }, ({ path }) => ({
      contents: STAND_INS[path] ?? "",
      loader: "js",
    }));
  },
};
