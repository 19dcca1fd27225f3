/** Random sequences of MIPS32 release 2, for both byte orders and both floating-point register modes. */
import { runTool } from "../harness/child.ts";
import { type Generator, hex } from "./generator.ts";
import { floatOperand, fcsrOperand, integerOperand } from "./operands.ts";
import { buildProgram } from "./mips-program.ts";
import { LAYOUT, RECORD_SIZE, differences, nameOf } from "./mips-record.ts";
import { makeSequence } from "./mips-sequence.ts";

/** The register mode belongs to the program. */
const [FR0, FR1] = ["FR=0", "FR=1"] as const;

export const mips: Generator = {
  recordSize: RECORD_SIZE,
  variants: [FR0, FR1],
  makeUnits: (random, variant) => makeSequence(random, variant === FR1),
  differences,
  buildProgram: (sequences, target, variant, folder, name) =>
    buildProgram(sequences, target, variant === FR1, folder, name),

  makeState(random, littleEndian) {
    const bytes = new Uint8Array(RECORD_SIZE);
    const view = new DataView(bytes.buffer);
    const put = (index: number, value: number) => view.setUint32(index * 4, value, littleEndian);
    for (let n = 1; n < 32; n++) put(LAYOUT.gpr + n, n >= 26 && n <= 29 ? 0 : integerOperand(random));
    put(LAYOUT.hi, integerOperand(random));
    put(LAYOUT.lo, integerOperand(random));
    put(LAYOUT.fcsr, fcsrOperand(random));
    for (let n = 0; n < 32; n++) view.setBigUint64((LAYOUT.fpr + 2 * n) * 4, floatOperand(random), littleEndian);
    for (let n = LAYOUT.scratch; n < LAYOUT.words; n += 2) view.setBigUint64(n * 4, floatOperand(random), littleEndian);
    return bytes;
  },

  async listing(program, target) {
    const text = await runTool(`${target.triple}-objdump`, ["-d", "-M", "reg-names=numeric", program]);
    const code = /<q0>:\n([^]*?)(?:\n\n|$)/.exec(text)?.[1] ?? "";
    // Without the four instructions that set the harness's registers, and the jump back at the end.
    const lines = code.split("\n").slice(4);
    return lines.slice(
      0,
      lines.findLastIndex((line) => line.includes("<save>")),
    );
  },

  before(listing, state, variant, littleEndian) {
    const used = new Set([...listing.join(" ").matchAll(/\$(f?)(\d+)/g)].map((m) => `${m[1]}${m[2]}`));
    const view = new DataView(state.buffer, state.byteOffset);
    const before: string[] = [];
    for (let index = 1; index < LAYOUT.scratch; index++) {
      const name = index < 32 ? String(index) : index >= LAYOUT.fpr ? `f${(index - LAYOUT.fpr) >> 1}` : "";
      const always = index >= LAYOUT.hi && index <= LAYOUT.fcsr;
      const paired = variant === FR0 && index >= LAYOUT.fpr && used.has(`f${((index - LAYOUT.fpr) >> 1) + 1}`);
      if (always || (name && (used.has(name) || paired)))
        before.push(`${nameOf(index)}=${hex(view.getUint32(index * 4, littleEndian))}`);
    }
    return before;
  },
};
