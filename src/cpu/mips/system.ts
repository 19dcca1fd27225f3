/** Hardware registers, instruction-cache synchronisation, and what only the kernel may use (vol II-A; `rdhwr`: vol III-A 4). */
import type { Helper, I32, Emitter } from "../emitter.ts";
import { HELPER_RESULT } from "../emitter.ts";
import { address } from "./load-store.ts";
import { setGpr, SYNCI_LINE, SYNCI_STEP, USER_LOCAL } from "./registers.ts";
import type { Lift } from "./row.ts";
import { leaveBlock, raiseAlways, rowsOf, STOP } from "./row.ts";

const hardware = rowsOf("Hardware registers");
const cache = rowsOf("Instruction cache");
const privileged = rowsOf("Privileged");

/** Cycles that one step of the counter stands for. */
const CC_RESOLUTION = 2;

/** The cycle counter: the host's monotonic clock, as if the CPU ran at 1 GHz. */
const CYCLE_COUNTER: Helper<"i32"> = {
  name: "mips.cycleCounter",
  result: "i32",
  run: (state) => {
    const cycles = Math.floor((performance.now() * 1e6) / CC_RESOLUTION);
    state.setUint32(HELPER_RESULT, cycles % 2 ** 32, true);
  },
};

const readInto =
  (value: (e: Emitter) => I32): Lift<{ readonly t: number }> =>
  (e, { t }) =>
    setGpr(e, t, value(e));

const release2 = { release: 2 } as const;

/** Linux kills a program that touches coprocessor 0 with SIGILL. */
const needsKernel: Lift = (e, _fields, context) => raiseAlways(e, context, "coprocessorUnusable", 0);

export const SYSTEM_ROWS = [
  hardware(
    "rdhwr",
    "011111 00000 ttttt 00000 00000 111011",
    "rt,$0",
    readInto((e) => e.const32(0)),
    release2,
  ),
  hardware(
    "rdhwr",
    "011111 00000 ttttt 00001 00000 111011",
    "rt,$1",
    readInto((e) => e.const32(SYNCI_STEP)),
    release2,
  ),
  hardware(
    "rdhwr",
    "011111 00000 ttttt 00010 00000 111011",
    "rt,$2",
    readInto((e) => e.call(CYCLE_COUNTER)),
    release2,
  ),
  hardware(
    "rdhwr",
    "011111 00000 ttttt 00011 00000 111011",
    "rt,$3",
    readInto((e) => e.const32(CC_RESOLUTION)),
    release2,
  ),
  // Linux emulates this one on release 1, because thread-local storage is reached through it.
  hardware(
    "rdhwr",
    "011111 00000 ttttt 11101 00000 111011",
    "rt,$29",
    readInto((e) => e.get(USER_LOCAL)),
  ),

  cache(
    "synci",
    "000001 sssss 11111 iiiiiiiiiiiiiiii",
    "offset(base)",
    (e, { s, i }, context) => {
      e.set(SYNCI_LINE, e.i32.or(e.i32.and(address(e, s, i), e.const32(-SYNCI_STEP)), e.const32(1)));
      leaveBlock(e, context);
    },
    { ...STOP, release: 2 },
  ),

  privileged("cache", "101111 sssss hhhhh iiiiiiiiiiiiiiii", "hint,offset(base)", needsKernel, STOP),
  privileged("mfc0", "010000 00000 ttttt ddddd 00000 000lll", "rt,c0{optsel}", needsKernel, STOP),
  privileged("mtc0", "010000 00100 ttttt ddddd 00000 000lll", "rt,c0{optsel}", needsKernel, STOP),
  privileged("rdpgpr", "010000 01010 ttttt ddddd 00000 000000", "rd,rt", needsKernel, STOP),
  privileged("wrpgpr", "010000 01110 ttttt ddddd 00000 000000", "rd,rt", needsKernel, STOP),
  privileged("di", "010000 01011 ttttt 01100 00000 000000", "rt", needsKernel, STOP),
  privileged("ei", "010000 01011 ttttt 01100 00000 100000", "rt", needsKernel, STOP),
  privileged("tlbr", "010000 10000 00000 00000 00000 000001", "", needsKernel, STOP),
  privileged("tlbwi", "010000 10000 00000 00000 00000 000010", "", needsKernel, STOP),
  privileged("tlbwr", "010000 10000 00000 00000 00000 000110", "", needsKernel, STOP),
  privileged("tlbp", "010000 10000 00000 00000 00000 001000", "", needsKernel, STOP),
  privileged("eret", "010000 10000 00000 00000 00000 011000", "", needsKernel, STOP),
  privileged("deret", "010000 10000 00000 00000 00000 011111", "", needsKernel, STOP),
  privileged("wait", "010000 1 ccccccccccccccccccc 100000", "code", needsKernel, STOP),
  privileged("c0", "010000 cccccccccccccccccccccccccc", "copcode", needsKernel, STOP),
];
