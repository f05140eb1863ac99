import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { it } from "node:test";
import { describeInLab } from "../lab/suite.ts";
import { executableOf } from "./built.ts";
import { assertItRuns, type Chroot, createChroot } from "./chroot.ts";
import { describeWith, run, temporary } from "./tools.ts";

const TIME = { timeout: 300_000 };
const GLIBC = "/lib/x86_64-linux-gnu";
const GLIBC_LOADER = "/lib64/ld-linux-x86-64.so.2";
const MUSL_LOADER = "/lib/ld-musl-x86_64.so.1";

function withChroot(body: (chroot: Chroot) => void): void {
  using chroot = createChroot();
  body(chroot);
}

describeInLab("an executable in a root of its own", import.meta.path, () => {
  if (process.arch !== "x64") return;

  describeWith(["unshare", "mount", "chroot"], "linux-x64 beside nothing but the C library and /proc", () => {
    it("runs, and traces", TIME, () =>
      withChroot((chroot) => {
        for (const name of ["libc.so.6", "libpthread.so.0", "libdl.so.2", "libm.so.6"]) {
          chroot.place(`${GLIBC}/${name}`, `${GLIBC}/${name}`);
        }
        chroot.place(GLIBC_LOADER, GLIBC_LOADER);
        chroot.place(executableOf("linux-x64"), "/nettrace");
        assertItRuns((...args) => chroot.run("/nettrace", ...args), "linux-x64", /^libc +glibc 2\.\d+$/m);
      }),
    );
  });

  describeWith(["gcc", "unshare", "mount", "chroot"], "linux-x64-musl", () => {
    it("needs libstdc++, and says so where it is not there", TIME, () =>
      withChroot((chroot) => {
        assert.ok(existsSync(MUSL_LOADER), "musl is not installed");
        chroot.place(MUSL_LOADER, MUSL_LOADER);
        chroot.place(executableOf("linux-x64-musl"), "/nettrace");
        const { code, stderr } = chroot.run("/nettrace", "--version");
        assert.equal(code, 127);
        assert.match(stderr, /^Error loading shared library libstdc\+\+\.so\.6: No such file or directory/);
      }),
    );

    it("cannot use that of glibc by itself", TIME, () =>
      withChroot((chroot) => {
        placeMusl(chroot);
        const { code, stderr } = chroot.run("/nettrace", "--version");
        assert.equal(code, 127);
        assert.match(stderr, /^Error loading shared library ld-linux-x86-64\.so\.2/);
        assert.match(stderr, /libstdc\+\+\.so\.6: arc4random: symbol not found/);
      }),
    );

    it("runs, and traces, with musl, Debian's libstdc++, and what that misses of glibc", TIME, () =>
      withChroot((chroot) => {
        using built = temporary();
        const bridge = `${built.path}/ld-linux-x86-64.so.2`;
        const source = `${import.meta.dirname}/musl-bridge.c`;
        const { code, stderr } = run("gcc", ["-shared", "-fPIC", "-nostdlib", "-O1", "-o", bridge, source]);
        assert.equal(code, 0, stderr);
        placeMusl(chroot);
        chroot.place(bridge, "/lib/ld-linux-x86-64.so.2");
        assertItRuns((...args) => chroot.run("/nettrace", ...args), "linux-x64-musl", /^libc +musl$/m);
      }),
    );
  });
});

function placeMusl(chroot: Chroot): void {
  chroot.place(MUSL_LOADER, MUSL_LOADER);
  chroot.place(`/usr${GLIBC}/libstdc++.so.6`, "/lib/libstdc++.so.6");
  chroot.place(`${GLIBC}/libgcc_s.so.1`, "/lib/libgcc_s.so.1");
  chroot.place(executableOf("linux-x64-musl"), "/nettrace");
}
