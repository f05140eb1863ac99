import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, symlinkSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findByName, judge, listFolder, pluginFolder } from "../../cli/plugins/folder.ts";
import { distrust, whoAmI } from "../../cli/plugins/trust.ts";
import { createPlace, type Place } from "./place.ts";

const uid = process.getuid?.() ?? 0;
const me = { uid };
const OTHER = 54_321;
const needsRoot = uid === 0 ? {} : { skip: "only root can give files away" };

describe("the trust in a plugin's file", () => {
  let place: Place;
  let file = "";
  before(() => {
    place = createPlace();
  });
  after(() => place[Symbol.dispose]());
  const fresh = (name: string): string => {
    file = place.write(`${name}/in/p.ts`, "");
    return file;
  };

  it("is given to what only root and we may write, below a sticky directory too", () => {
    assert.equal(distrust(fresh("own"), me, false), undefined);
    const sticky = dirname(dirname(file));
    chmodSync(sticky, 0o1777);
    assert.equal(distrust(file, me, false), undefined);
  });

  for (const mode of [0o664, 0o646, 0o666]) {
    it(`is refused to a file of mode ${mode.toString(8)}`, () => {
      chmodSync(fresh(`file${mode}`), mode);
      const why = `others may write ${file} (mode 0${mode.toString(8)}; chmod go-w mends it)`;
      assert.equal(distrust(file, me, false), why);
    });
  }

  for (const mode of [0o775, 0o757, 0o777]) {
    it(`is refused below a directory of mode ${mode.toString(8)}, however far above`, () => {
      const directory = dirname(dirname(fresh(`directory${mode}`)));
      chmodSync(directory, mode);
      assert.match(distrust(file, me, false) ?? "", new RegExp(`^others may write ${directory} `));
    });
  }

  it("is given, where there are no owners, to what was asked for and to what lies in the user's own folder", () => {
    const path = fresh("windows");
    chmodSync(path, 0o666);
    const who = (profile: string) => ({ uid: -1, profile });
    assert.equal(distrust(path, who(dirname(path)), false), undefined);
    assert.equal(distrust(path, who("/elsewhere"), true), undefined);
    assert.match(
      distrust(path, who("/elsewhere"), false) ?? "",
      / is not in \/elsewhere, which others may not change$/,
    );
    assert.match(distrust(dirname(path), who("/elsewhere"), true) ?? "", /is no regular file$/);
  });

  it("is refused to what is no regular file", () => {
    assert.match(distrust(dirname(fresh("kind")), me, false) ?? "", /is no regular file$/);
  });

  it("is refused to the files and directories of another user", needsRoot, () => {
    chownSync(fresh("other"), OTHER, OTHER);
    assert.equal(distrust(file, me, true), `${file} belongs to another user (uid ${OTHER})`);
    chownSync(file, 0, 0);
    chownSync(dirname(file), OTHER, OTHER);
    assert.equal(distrust(file, me, true), `${dirname(file)} belongs to another user (uid ${OTHER})`);
    assert.equal(distrust(file, { uid: OTHER }, false), undefined);
  });

  it("is given under sudo to the invoking user's file where it was asked for, and only there", needsRoot, () => {
    const who = { uid: 0, sudoUid: OTHER };
    chownSync(fresh("sudo"), OTHER, OTHER);
    assert.equal(distrust(file, who, true), undefined);
    assert.equal(distrust(file, who, false), `${file} belongs to another user (uid ${OTHER})`);
  });

  it("looks at what a link leads to", () => {
    chmodSync(fresh("link"), 0o666);
    const link = join(place.path, "link.ts");
    symlinkSync(file, link);
    assert.deepEqual(judge(link, me, true), {
      refused: `others may write ${file} (mode 0666; chmod go-w mends it)`,
    });
    chmodSync(file, 0o600);
    assert.deepEqual(judge(link, me, true), { file });
  });

  it("says in words what cannot be found or read", () => {
    const loop = join(place.path, "loop.ts");
    symlinkSync(loop, loop);
    assert.deepEqual(judge(join(place.path, "nowhere.ts"), me, true), { refused: "there is no such file" });
    assert.deepEqual(judge(join(fresh("below"), "x.ts"), me, true), { refused: "there is no such file" });
    assert.deepEqual(judge(loop, me, true), { refused: "its symbolic links go round" });
    const text = place.write("readme.txt", "");
    assert.deepEqual(judge(text, me, true), { refused: `${text} is no .ts or .js file` });
  });

  const entries: Readonly<Record<string, object>> = {
    "lib/a.ts": { exports: "./lib/a.ts" },
    "lib/b.ts": { exports: { ".": "./lib/b.ts" } },
    "lib/c.ts": { exports: { ".": { import: "./lib/c.ts" } } },
    "lib/d.js": { exports: { default: "./lib/d.js" } },
    "lib/e.js": { module: "lib/e.js", main: "none.js" },
    "lib/f.js": { main: "lib/f.js" },
    "index.ts": { name: "x" },
  };
  for (const [entry, manifest] of Object.entries(entries)) {
    it(`enters a folder by its package.json: ${JSON.stringify(manifest)}`, () => {
      const folder = `folder-${entry.replace(/\W/g, "-")}`;
      place.write(`${folder}/package.json`, JSON.stringify(manifest));
      const expected = place.write(`${folder}/${entry}`, "");
      assert.deepEqual(judge(join(place.path, folder), me, true), { file: expected });
    });
  }

  it("refuses a folder whose package.json is missing, no JSON, or others' to write", () => {
    const folder = join(place.path, "bad-folder");
    mkdirSync(folder);
    assert.deepEqual(judge(folder, me, true), { refused: "there is no such file" });
    const manifest = place.write("bad-folder/package.json", "{");
    assert.match(JSON.stringify(judge(folder, me, true)), /its package\.json is no JSON/);
    chmodSync(manifest, 0o666);
    assert.match(JSON.stringify(judge(folder, me, true)), /others may write .*package\.json/);
  });
});

describe("the plugin folder", () => {
  it("is $XDG_CONFIG_HOME's, else the home's; relative paths count as unset", () => {
    const who = { uid: 1000 };
    assert.equal(pluginFolder({ XDG_CONFIG_HOME: "/c", HOME: "/h" }, who), "/c/nettrace/plugins");
    assert.equal(pluginFolder({ XDG_CONFIG_HOME: "c", HOME: "/h" }, who), "/h/.config/nettrace/plugins");
    assert.equal(pluginFolder({ XDG_CONFIG_HOME: "", HOME: "/h" }, who), "/h/.config/nettrace/plugins");
    assert.equal(pluginFolder({ HOME: "." }, who), join(userInfo().homedir, ".config/nettrace/plugins"));
  });

  it("is root's own under sudo, whatever the environment says", () => {
    const env = { XDG_CONFIG_HOME: "/c", HOME: "/home/alice", SUDO_UID: "1000" };
    const expected = join(userInfo().homedir, ".config/nettrace/plugins");
    assert.equal(pluginFolder(env, { uid: 0, sudoUid: 1000 }), expected);
  });

  it("knows who calls", () => {
    assert.deepEqual(whoAmI({}), { uid });
    assert.deepEqual(whoAmI({ SUDO_UID: "1000" }), uid === 0 ? { uid, sudoUid: 1000 } : { uid });
    assert.deepEqual(whoAmI({ SUDO_UID: "0" }), { uid });
    assert.deepEqual(whoAmI({ SUDO_UID: "me" }), { uid });
  });

  it("has NAME.ts before NAME.js before a folder NAME, and lists each name once", () => {
    using place = createPlace();
    const folder = join(place.path, "plugins");
    assert.deepEqual(listFolder(folder), []);
    place.write("plugins/a/package.json", "{}");
    assert.equal(findByName(folder, "a")?.path, join(folder, "a"));
    place.write("plugins/a.js", "");
    assert.equal(findByName(folder, "a")?.path, join(folder, "a.js"));
    place.write("plugins/a.ts", "");
    assert.equal(findByName(folder, "a")?.path, join(folder, "a.ts"));
    for (const name of ["b.js", "C.ts", "notes.txt", "empty/x.ts", "a.test.ts"]) place.write(`plugins/${name}`, "");
    assert.deepEqual(
      listFolder(folder).map(({ name }) => name),
      ["a", "b"],
    );
    assert.equal(findByName(folder, "empty"), undefined);
  });
});
