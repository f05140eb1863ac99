import { it } from "node:test";
import { executableOf } from "./built.ts";
import { assertItRuns } from "./chroot.ts";
import { describeWith, run } from "./tools.ts";

/** Debian's C library for AArch64 (libc6-arm64-cross). */
const SYSROOT = "/usr/aarch64-linux-gnu";

describeWith(["qemu-aarch64"], "linux-arm64 on an emulated processor", () => {
  it("runs, and traces", { timeout: 300_000 }, () => {
    const executable = executableOf("linux-arm64");
    const emulated = (...args: readonly string[]) => run("qemu-aarch64", ["-L", SYSROOT, executable, ...args]);
    // The emulator has a thread of its own, which no call of the emulated program can make another user's.
    assertItRuns(emulated, "linux-arm64", /^libc +glibc 2\.\d+$/m, ["--keep-privileges"]);
  });
});
