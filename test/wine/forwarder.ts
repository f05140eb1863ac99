/**
 * A Windows library that has no code and hands one function over to another library (PE/COFF specification, "Export
 * Directory Table": an address inside of the export directory is a forwarder). Bun for Windows asks for ProcessPrng of
 * bcryptprimitives.dll, which Wine before version 9 does not have; RtlGenRandom of advapi32.dll (SystemFunction036) takes
 * the same arguments and does the same.
 */
export function forwardingLibrary(library: string, name: string, target: string): Uint8Array {
  const image = new Uint8Array(2 * ALIGNMENT);
  const view = new DataView(image.buffer);
  const u16 = (at: number, ...values: readonly number[]): void => {
    values.forEach((value, i) => {
      view.setUint16(at + 2 * i, value, true);
    });
  };
  const u32 = (at: number, ...values: readonly number[]): void => {
    values.forEach((value, i) => {
      view.setUint32(at + 4 * i, value, true);
    });
  };
  const size = writeExports(image, { library, name, target });

  image.set(new TextEncoder().encode("MZ"));
  u32(0x3c, PE_AT);
  image.set(new TextEncoder().encode("PE"), PE_AT);
  // IMAGE_FILE_HEADER: x64, one section; executable image, large addresses, DLL.
  u16(PE_AT + 4, 0x8664, 1);
  u16(PE_AT + 20, OPTIONAL_SIZE, 0x2022);
  const optional = PE_AT + 24;
  u16(optional, 0x20b);
  u32(optional + 8, ALIGNMENT);
  u32(optional + 20, SECTION_AT);
  view.setBigUint64(optional + 24, 0x1_8000_0000n, true);
  u32(optional + 32, SECTION_AT, ALIGNMENT);
  // Versions of the system and of the subsystem, then the sizes of the image in memory and of its headers.
  u16(optional + 40, 6, 0, 0, 0, 6, 0);
  u32(optional + 56, 2 * SECTION_AT, ALIGNMENT);
  // Subsystem: console. No execution of data.
  u16(optional + 68, 3, 0x0100);
  u32(optional + 108, 16);
  u32(optional + 112, SECTION_AT, size);
  const section = optional + OPTIONAL_SIZE;
  image.set(new TextEncoder().encode(".edata"), section);
  u32(section + 8, size, SECTION_AT, ALIGNMENT, ALIGNMENT);
  u32(section + 36, 0x4000_0040);
  return image;
}

const PE_AT = 0x40;
const OPTIONAL_SIZE = 240;
/** Of sections in the file; headers and exports fit into one unit each. */
const ALIGNMENT = 0x200;
/** Where the one section lies in memory. */
const SECTION_AT = 0x1000;
const DIRECTORY = 40;

interface Forward {
  readonly library: string;
  readonly name: string;
  readonly target: string;
}

/** Writes the export directory and what it points to; its length. */
function writeExports(image: Uint8Array, { library, name, target }: Forward): number {
  const view = new DataView(image.buffer, ALIGNMENT);
  let end = DIRECTORY + 4 + 4 + 2;
  const string = (text: string): number => {
    const at = end;
    const bytes = new TextEncoder().encode(text);
    image.set(bytes, ALIGNMENT + at);
    end += bytes.length + 1;
    return SECTION_AT + at;
  };
  view.setUint32(12, string(library), true);
  // Ordinals begin at 1; one function, one name.
  for (const at of [16, 20, 24]) view.setUint32(at, 1, true);
  for (const [i, at] of [28, 32, 36].entries()) view.setUint32(at, SECTION_AT + DIRECTORY + 4 * i, true);
  view.setUint32(DIRECTORY, string(target), true);
  view.setUint32(DIRECTORY + 4, string(name), true);
  return end;
}
