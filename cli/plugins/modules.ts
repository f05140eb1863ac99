import type { Who } from "./trust.ts";

/** A file to run as a plugin, in which the bare name `nettrace` is the core of this very process. */
export interface PluginFile {
  /** Absolute, without symbolic links. */
  readonly file: string;
  readonly who: Who;
  /** The user gave the file by its path. */
  readonly isAsked: boolean;
  /** Its descriptor, where it was found trusted and opened before root's rights were given away. */
  readonly opened: number | undefined;
  /** Told once the file is known to be trusted, before its first byte runs. */
  readonly onTrusted: () => void;
}

/** A file that the plugin would run could have been written by others. */
export class UntrustedError extends Error {
  override readonly name = "UntrustedError";
}

/** What a plugin imports from; it is this very program, whatever is installed beside the plugin. */
export const OWN_NAME = "nettrace";
/** What a plugin's test imports from. */
export const TESTING_NAME = "nettrace/testing";

/**
 * Runs a file and returns its exports. Rejects with UntrustedError where it, or what it imports, could have been written
 * by others; UsageError where this runtime cannot run it; and with whatever it throws itself.
 */
export async function importPlugin(plugin: PluginFile): Promise<Readonly<Record<string, unknown>>> {
  const { importPlugin: run } =
    "bun" in process.versions ? await import("./bun-modules.ts") : await import("./hooked-modules.ts");
  return run(plugin);
}
