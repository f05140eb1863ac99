import assert from "node:assert/strict";
import { it } from "node:test";
import { build } from "./built.ts";
import { describeWith } from "./tools.ts";

const TIME = { timeout: 600_000 };

describeWith(
  ["git", "xz", "dpkg-deb", "rpmbuild"],
  "a release built twice from the last commit, in two folders",
  () => {
    it("has the same bytes in its executables, for every target", TIME, () => {
      assert.match(build("--verify", "--pack", "none"), /^The same bytes in both: 15 files$/m);
    });

    it("has the same bytes in its packages and archives", TIME, () => {
      const printed = build("--verify", "--pack", "fast", "--only", "linux-arm64");
      assert.match(printed, /^The same bytes in both: 12 files$/m);
    });
  },
);
