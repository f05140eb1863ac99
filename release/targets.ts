/** What a release is built for. */
export interface Target {
  /** As in the names of files: `linux-x64-musl`. */
  readonly name: string;
  readonly os: "linux" | "darwin" | "windows";
  readonly arch: "x64" | "arm64";
  readonly libc?: "glibc" | "musl";
  /** What Bun's compiler calls it. */
  readonly compileTarget: Bun.Build.CompileTarget;
  /** The npm package that holds the runtime. */
  readonly runtimePackage: string;
}

export const TARGETS: readonly Target[] = [
  linux("x64", "glibc"),
  linux("x64", "musl"),
  linux("arm64", "glibc"),
  linux("arm64", "musl"),
  other("darwin", "arm64"),
  other("darwin", "x64"),
  other("windows", "x64"),
];

/** npm's packages call it aarch64. */
function packageArch(arch: Target["arch"]): string {
  return arch === "arm64" ? "aarch64" : arch;
}

function linux(arch: Target["arch"], libc: "glibc" | "musl"): Target {
  const suffix = libc === "musl" ? "-musl" : "";
  return {
    name: `linux-${arch}${suffix}`,
    os: "linux",
    arch,
    libc,
    compileTarget: libc === "musl" ? `bun-linux-${arch}-musl` : `bun-linux-${arch}`,
    runtimePackage: `@oven/bun-linux-${packageArch(arch)}${suffix}`,
  };
}

function other(os: "darwin" | "windows", arch: Target["arch"]): Target {
  return {
    name: `${os}-${arch}`,
    os,
    arch,
    compileTarget: `bun-${os}-${arch}`,
    runtimePackage: `@oven/bun-${os}-${packageArch(arch)}`,
  };
}

/** The target that is this machine; undefined where no release is made for it. */
export function hostTarget(): Target | undefined {
  const { platform, arch } = process;
  const os = platform === "win32" ? "windows" : platform;
  // Bun's own builds differ by libc, and this one runs here.
  const libc = os !== "linux" ? undefined : isMusl() ? "musl" : "glibc";
  return TARGETS.find((each) => each.os === os && each.arch === arch && each.libc === libc);
}

function isMusl(): boolean {
  const report = Object(process.report?.getReport());
  return Object(report["header"])["glibcVersionRuntime"] === undefined;
}

/** `nettrace-0.1.0-linux-x64-musl`, `nettrace-0.1.0-windows-x64.exe`. */
export function executableName(version: string, { name, os }: Target): string {
  return `nettrace-${version}-${name}${os === "windows" ? ".exe" : ""}`;
}
