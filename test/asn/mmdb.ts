import type { IpAddress } from "../../core/address.ts";

/**
 * A database in MaxMind's format (https://maxmind.github.io/MaxMind-DB/), small: 32-bit records, an IPv6 tree with IPv4
 * under ::/96, maps of strings and numbers.
 */
export interface Network {
  readonly address: IpAddress;
  readonly length: number;
  readonly fields: Readonly<Record<string, string | number>>;
}

type Node = [Node | number | undefined, Node | number | undefined];

export function encodeMmdb(networks: readonly Network[]): Uint8Array {
  const root: Node = [undefined, undefined];
  const data: number[] = [];
  for (const { address, length, fields } of networks) {
    const offset = data.length;
    data.push(...encodeMap(fields));
    const bits =
      address.family === 4 ? [...Array<number>(96).fill(0), ...bitsOf(address.bytes)] : bitsOf(address.bytes);
    insert(root, bits.slice(0, address.family === 4 ? 96 + length : length), offset);
  }
  const nodes: Node[] = [];
  const number = (node: Node): void => {
    nodes.push(node);
    for (const child of node) if (Array.isArray(child)) number(child);
  };
  number(root);
  const tree = nodes.flatMap((node) =>
    node.flatMap((child) => {
      if (child === undefined) return u32(nodes.length);
      return u32(Array.isArray(child) ? nodes.indexOf(child) : nodes.length + 16 + child);
    }),
  );
  const metadata = encodeMap({
    node_count: nodes.length,
    record_size: 32,
    ip_version: 6,
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1,
    database_type: "Test-ASN",
  });
  const marker = [0xab, 0xcd, 0xef, ...new TextEncoder().encode("MaxMind.com")];
  return Uint8Array.from([...tree, ...Array<number>(16).fill(0), ...data, ...marker, ...metadata]);
}

function insert(root: Node, bits: readonly number[], offset: number): void {
  let node = root;
  for (const [index, bit] of bits.entries()) {
    const side = bit === 0 ? 0 : 1;
    if (index === bits.length - 1) {
      node[side] = offset;
      return;
    }
    const next = node[side];
    const below: Node = Array.isArray(next) ? next : [undefined, undefined];
    node[side] = below;
    node = below;
  }
}

const bitsOf = (bytes: Uint8Array): number[] =>
  [...bytes].flatMap((byte) => Array.from({ length: 8 }, (_, at) => (byte >> (7 - at)) & 1));
const u32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

function encodeMap(fields: Readonly<Record<string, string | number>>): number[] {
  const entries = Object.entries(fields);
  return [
    (7 << 5) | entries.length,
    ...entries.flatMap(([key, value]) => [
      ...encodeText(key),
      ...(typeof value === "string" ? encodeText(value) : [(6 << 5) | 4, ...u32(value)]),
    ]),
  ];
}

function encodeText(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  const size = bytes.length < 29 ? [(2 << 5) | bytes.length] : [(2 << 5) | 29, bytes.length - 29];
  return [...size, ...bytes];
}
