import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GetoptError, getopt, type OptionSpec } from "../../cli/personalities/getopt.ts";

const SPECS: readonly OptionSpec[] = [
  { short: "r", long: "report" },
  { short: "w", long: "report-wide" },
  { short: "b", long: "show-ips" },
  { short: "c", long: "report-cycles", value: "required" },
  { short: "T", long: "tcp" },
  { short: "P", long: "port", value: "required" },
  { short: "z", long: "aslookup", value: "optional" },
];

const read = (line: string): unknown => {
  const { options, operands } = getopt(line.split(" "), SPECS);
  return { given: options.map(({ spec, value }) => [spec.short, value]), operands };
};

const problem = (line: string): unknown => {
  try {
    getopt(line.split(" "), SPECS);
  } catch (error) {
    assert.ok(error instanceof GetoptError, String(error));
    return [error.problem, error.option];
  }
  return undefined;
};

describe("a command line read as getopt reads it", () => {
  it("takes clustered flags, and options behind the operands", () => {
    assert.deepEqual(read("-rwb host -c 10 -T -P 443"), {
      given: [
        ["r", undefined],
        ["w", undefined],
        ["b", undefined],
        ["c", "10"],
        ["T", undefined],
        ["P", "443"],
      ],
      operands: ["host"],
    });
  });

  it("takes a value attached or as the next word, even one that begins with a dash", () => {
    assert.deepEqual(read("-rc10 -P -1 --port=7 --port 8"), {
      given: [
        ["r", undefined],
        ["c", "10"],
        ["P", "-1"],
        ["P", "7"],
        ["P", "8"],
      ],
      operands: [],
    });
  });

  it("takes an optional value only where it is attached", () => {
    assert.deepEqual(read("-z 3 -z3 --aslookup=4 --aslookup 5"), {
      given: [
        ["z", undefined],
        ["z", "3"],
        ["z", "4"],
        ["z", undefined],
      ],
      operands: ["3", "5"],
    });
  });

  it("takes long names that are cut, as long as one option alone can be meant", () => {
    assert.deepEqual(read("--show --report"), {
      given: [
        ["b", undefined],
        ["r", undefined],
      ],
      operands: [],
    });
    assert.deepEqual(problem("--rep"), ["ambiguous", "--rep"]);
  });

  it("ends the options at --, and takes a lone dash for an operand", () => {
    assert.deepEqual(read("-r - -- -c 10"), { given: [["r", undefined]], operands: ["-", "-c", "10"] });
  });

  it("names what it cannot read", () => {
    assert.deepEqual(problem("-rxw"), ["unknown", "-x"]);
    assert.deepEqual(problem("--nothing=1"), ["unknown", "--nothing"]);
    assert.deepEqual(problem("host -c"), ["missing-value", "-c"]);
    assert.deepEqual(problem("--tcp=1"), ["unexpected-value", "--tcp"]);
    assert.deepEqual(problem("-é"), ["unknown", "-é"]);
  });
});
