import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PingExit } from "../../cli/personalities/ping/exit.ts";
import { type PingOptions, readCommand } from "../../cli/personalities/ping/options.ts";

function read(line: string, isRoot = true): PingOptions {
  const command = readCommand(line.split(" "), { family: undefined }, isRoot);
  assert.equal(command.type, "ping");
  return command.type === "ping" ? command.options : assert.fail();
}

describe("ping's command line", () => {
  it("has iputils' defaults", () => {
    const { intervalMs, count, dataLength, hopLimit, lingerMs, preload, deadlineMs, family } = read("h");
    assert.deepEqual([intervalMs, count, dataLength, hopLimit, lingerMs], [1000, undefined, 56, 64, 10_000]);
    assert.deepEqual([preload, deadlineMs, family], [1, undefined, undefined]);
  });

  it("takes clustered flags, attached values and options behind the host", () => {
    const { isNumeric, isQuiet, count, intervalMs, lingerMs, printsTimestamps } = read("-nqc3 h -i .2 -DW1");
    assert.deepEqual(
      [isNumeric, isQuiet, count, intervalMs, lingerMs, printsTimestamps],
      [true, true, 3, 200, 1000, true],
    );
  });

  it("floods without a pause and without names unless an interval is given", () => {
    assert.deepEqual([read("-f h").intervalMs, read("-f h").isNumeric, read("-f -i 0.5 h").intervalMs], [0, true, 500]);
  });

  it("takes zero for a deadline as none and for a linger time as for ever", () => {
    assert.equal(read("-w 0 h").deadlineMs, undefined);
    assert.equal(read("-W 0 h").lingerMs, Number.POSITIVE_INFINITY);
  });

  it("takes an address, an interface or both for -I", () => {
    assert.equal(read("-I eth0 h").device, "eth0");
    assert.equal(read("-I 192.0.2.1 h").source?.text, "192.0.2.1");
    const both = read("-I fe80::1%eth0 h");
    assert.deepEqual([both.source?.text, both.device, both.family], ["fe80::1", "eth0", 6]);
    const apart = read("-I 192.0.2.1 -I eth0 h");
    assert.deepEqual([apart.source?.text, apart.device], ["192.0.2.1", "eth0"]);
  });

  it("takes hex and decimal traffic classes and flow labels, and patterns of up to 16 octets", () => {
    assert.deepEqual([read("-Q 0x2e h").trafficClass, read("-Q 46 h").trafficClass], [46, 46]);
    assert.equal(read("-F 0xabcde h").flowLabel, 0xabcde);
    assert.deepEqual([...(read("-p ff0 h").pattern ?? [])], [255, 0]);
    assert.equal(read(`-p ${"ab".repeat(20)} h`).pattern?.length, 16);
  });

  const cases: readonly (readonly [line: string, message: string | RegExp, exitCode: number])[] = [
    ["-c 0 h", "invalid argument: '0': out of range: 1 <= value <= 9223372036854775807", 1],
    ["-c 99999999999999999999 h", /^invalid argument: '99999999999999999999': out of range/, 1],
    ["-c x h", "invalid argument: 'x'", 1],
    ["-s -1 h", "invalid argument: '-1': out of range: 0 <= value <= 2147483647", 1],
    ["-t 256 h", "invalid argument: '256': out of range: 0 <= value <= 255", 1],
    ["-t 0 h", "cannot set unicast time-to-live: Invalid argument", 2],
    ["-i x h", "option argument contains garbage: x", 2],
    ["-i 1e9 h", "bad timing interval: 1e9", 2],
    ["-W -1 h", "bad linger time: -1", 2],
    ["-w 1.5 h", "invalid argument: '1.5'", 1],
    ["-M maybe h", "invalid -M argument: maybe", 2],
    ["-Q 300 h", "the decimal value of TOS bits must be in range 0-255: 300", 2],
    ["-Q x h", "bad TOS value: x", 2],
    ["-F 0x100000 h", "flow value is greater than 20 bits: 0x100000", 2],
    ["-F ab h", "bad value for flowinfo: ab", 2],
    ["-p fxyz h", "patterns must be specified as hex digits: xyz", 2],
    ["-I ::zz h", "invalid source address: ::zz", 2],
    ["-4 -6 h", "only one -4 or -6 option may be specified", 2],
    ["-c", "option requires an argument -- 'c'", 2],
    ["-Z h", "invalid option -- 'Z'", 2],
    ["--frob h", "unrecognized option '--frob'", 2],
    ["-n", "usage error: Destination address required", 1],
    ["a b", "cannot send by way of a: source routes are not sent", 2],
    ["--tcp 0 h", /^invalid --tcp argument: '0': a port is/, 2],
    ["-\x1b h", "invalid option -- '\\x1b'", 2],
  ];
  for (const [line, message, exitCode] of cases) {
    it(`is refused as iputils would: ${JSON.stringify(line)}`, () => {
      assert.throws(
        () => read(line),
        (error) => {
          assert.ok(error instanceof PingExit);
          if (typeof message === "string") assert.equal(error.message, message);
          else assert.match(error.message, message);
          assert.equal(error.exitCode, exitCode);
          return true;
        },
      );
    });
  }

  it("refuses by name what cannot be had", () => {
    for (const flag of ["-b", "-C", "-d", "-e 5", "-L", "-N name", "-R", "-S 9", "-T tsonly", "-U"]) {
      assert.throws(() => read(`${flag} h`), {
        name: "PingExit",
        message: new RegExp(`^option ${flag.slice(0, 2)} cannot be had here: `),
      });
    }
  });

  it("leaves large preloads to root", () => {
    assert.equal(read("-l 3 h", false).preload, 3);
    assert.throws(() => read("-l 4 h", false), { message: "cannot set preload to value greater than 3: 4" });
    assert.equal(read("-l 4 h", true).preload, 4);
  });
});
