import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { buildDeb } from "../../release/deb.ts";
import { buildRpm } from "../../release/rpm.ts";
import { build, root } from "./built.ts";
import { describeWith, temporary } from "./tools.ts";

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

    it("has packages that are the same when fully compressed, wherever and under whatever umask", TIME, () => {
      // A piece that xz splits among its threads.
      const piece = readFileSync(join(root, "dist", "nettrace")).subarray(0, 26_000_000);
      const texts = { version: "1.2.3", manPage: ".TH X 1\n", notices: "notices\n" };
      const packages = ["one", "another/and/longer"].map((name, index) => {
        using place = temporary();
        const executable = join(place.path, "executable");
        writeFileSync(executable, piece);
        const before = process.umask(index === 0 ? 0o022 : 0o077);
        try {
          return [buildDeb, buildRpm].map((pack, kind) => {
            const work = join(place.path, name, String(kind));
            mkdirSync(work, { recursive: true });
            const date = new Date(1_790_000_000_000);
            const file = pack({ arch: "arm64", executable, texts, date, work, into: place.path, isPacked: true });
            return readFileSync(join(place.path, file));
          });
        } finally {
          process.umask(before);
        }
      });
      const [[deb, rpm] = [], [otherDeb, otherRpm] = []] = packages;
      assert.ok(deb && rpm && otherDeb && otherRpm);
      assert.ok(deb.equals(otherDeb), "deb");
      assert.ok(rpm.equals(otherRpm), "rpm");
    });
  },
);
