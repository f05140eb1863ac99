import type { Family } from "../../address.ts";

/** One instruction of classic BPF (linux/filter.h): code, jump if true, jump if false, operand. */
export type Instruction = readonly [code: number, yes: number, no: number, k: number];

const LOAD_WORD = 0x20;
const LOAD_HALF = 0x28;
const LOAD_BYTE = 0x30;
const LOAD_HALF_INDEXED = 0x48;
const LOAD_BYTE_INDEXED = 0x50;
/** X = 4 * (octet & 15): the length of an IPv4 header. */
const LOAD_HEADER_LENGTH = 0xb1;
const JUMP_EQUAL = 0x15;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

const ACCEPT = 0xffff_ffff;
const DROP = 0;

/** SKF_AD_OFF + SKF_AD_PKTTYPE: whom the link layer addressed; 0 is PACKET_HOST, this host. */
const PACKET_TYPE = 0xffff_f000 + 4;
const PACKET_HOST = 0;

/** ICMP messages that answer a probe: echo reply and the errors that quote a packet. */
const ANSWERS: Readonly<Record<Family, readonly number[]>> = { 4: [0, 3, 11, 12], 6: [1, 2, 3, 4, 129] };

/**
 * The blocking mask of ICMP_FILTER (32 types) or ICMP6_FILTER (256 types), as words in host order: a set bit drops.
 */
export function icmpMask(family: Family): readonly number[] {
  const words = new Array<number>(family === 4 ? 1 : 8).fill(0xffff_ffff);
  for (const type of ANSWERS[family]) words[type >> 5] = ((words[type >> 5] ?? 0) & ~(1 << (type & 31))) >>> 0;
  return words;
}

/** Lets nothing in. */
export const DROP_ALL: readonly Instruction[] = [[RETURN, 0, 0, DROP]];

/** Lets packets from port `remote` to port `local` into a raw socket. */
export function portFilter(family: Family, remote: number, local: number): readonly Instruction[] {
  // A raw socket's filter sees the IP header in IPv4 only (net/ipv4/raw.c, net/ipv6/raw.c).
  const load = family === 4 ? LOAD_HALF_INDEXED : LOAD_HALF;
  return [
    ...(family === 4 ? ([[LOAD_HEADER_LENGTH, 0, 0, 0]] as const) : []),
    [load, 0, 0, 0],
    [JUMP_EQUAL, 0, 3, remote],
    [load, 0, 0, 2],
    [JUMP_EQUAL, 0, 1, local],
    [RETURN, 0, 0, ACCEPT],
    [RETURN, 0, 0, DROP],
  ];
}

/** Lets whole ICMP answers to this host into a cooked packet socket, whose filter sees packets from the IP header on. */
export function tapFilter(family: Family): readonly Instruction[] {
  const tests: readonly Instruction[] =
    family === 4
      ? [
          [LOAD_BYTE, 0, 0, 9],
          [JUMP_EQUAL, 0, NO, 1],
          // More fragments, or an offset: the tap stands before reassembly.
          [LOAD_HALF, 0, 0, 6],
          [JUMP_ANY_BIT, NO, 0, 0x3fff],
          [LOAD_HEADER_LENGTH, 0, 0, 0],
          [LOAD_BYTE_INDEXED, 0, 0, 0],
        ]
      : [
          // Answers behind an IPv6 extension header are left to the raw socket.
          [LOAD_BYTE, 0, 0, 6],
          [JUMP_EQUAL, 0, NO, 58],
          [LOAD_BYTE, 0, 0, 40],
        ];
  const types = ANSWERS[family];
  const program: Instruction[] = [[LOAD_WORD, 0, 0, PACKET_TYPE], [JUMP_EQUAL, 0, NO, PACKET_HOST], ...tests];
  types.forEach((type, i) => {
    program.push([JUMP_EQUAL, types.length - i, 0, type]);
  });
  program.push([RETURN, 0, 0, DROP], [RETURN, 0, 0, ACCEPT]);
  const drop = program.length - 2;
  return program.map(([code, yes, no, k], at) => [code, target(yes, at, drop), target(no, at, drop), k]);
}

/** Stands for a jump to the instruction that drops, until its distance is known. */
const NO = -1;

function target(jump: number, at: number, drop: number): number {
  return jump === NO ? drop - at - 1 : jump;
}
