/**
 * Branches for random ARM and Thumb sequences, as assembler text with holes: they need labels, which words cannot have.
 *
 * Holes: `%c` a condition or nothing, `%C` a condition, `%L` a label further down, `%N` one that `cbz` reaches, `%r` and `%b` two temporary registers, the
 * same wherever they stand in the row, `%l` one of r0 to r7, `%A` %r = the label, `%B` %b = the scratch memory.
 */
import type { Random } from "./prng.ts";
import { SCRATCH } from "./arm-program.ts";

const CONDITIONS = ["eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"];

const A32 = [
  "b%c %L",
  "b%C %L",
  "b%C %L",
  "bl%c %L",
  "%A\nbx%c %r",
  "%A\nblx%c %r",
  "%A\nbxj%c %r",
  "%A\nmov%c pc, %r",
  "%A\nands%c pc, %r, %r",
  "%A\n%B\nstr %r, [%b]\nldr%c pc, [%b]",
  "%A\n%B\nstr %r, [%b, #4]\nldm%c %b!, {%b, pc}",
  "%A\n%B\nstr %r, [%b, #4]\nldm%c %b, {%r, pc}",
  "add %r, pc, #1\nbx %r\n.thumb\nadds r0, r0, r1\nnop\nbx pc\nnop\n.arm",
  "blx 1f\n.thumb\n.balign 4\n1:\neors r0, r1\nnop\nbx pc\nnop\n.arm",
].filter((text) => !/ands%c pc|ldm%c %b!/.test(text));

const T32 = [
  "b%C %L",
  "b%C %L",
  "b%C.w %L",
  "b %L",
  "bl %L",
  "cbz %l, %N",
  "cbnz %l, %N",
  "it %C\nb@C %L",
  "itt %C\nadd@C %l, #3\nb@C.w %L",
  "%A\nbx %r",
  "%A\nblx %r",
  "%A\nmov pc, %r",
  "%A\nit %C\nbx@C %r",
  "%A\n%B\nstr %r, [%b]\nldr.w pc, [%b]",
  "%A\n%B\nstr %r, [%b]\nmov sp, %b\npop {pc}",
  "%A\n%B\nstr %r, [%b, #4]\nldm.w %b, {%r, pc}",
  "and %r, %l, #1\ntbb [pc, %r]\n1:\n.byte (%N-1b)/2, (%N-1b)/2",
  "and %r, %l, #1\ntbh [pc, %r, lsl #1]\n1:\n.2byte (%N-1b)/2, (%N-1b)/2",
  ".balign 4\nbx pc\nnop\n.arm\nadds r0, r0, r1\nadd r2, pc, #1\nbx r2\n.thumb",
  ".balign 4\nblx 1f\n.arm\n.balign 4\n1:\neors r0, r0, r1\nadd r2, pc, #1\nbx r2\n.thumb",
];

/** The lines of a random branch; `near` and `far`: the units that it may go to. */
export function makeBranch(random: Random, thumb: boolean, near: number, far: number): string[] {
  const temporary = random.below(7);
  const [r, b] = [`r${temporary}`, `r${temporary + 1 + random.below(12 - temporary)}`];
  let condition = "";
  const constant = (register: string, low: string, high: string): string =>
    `movw ${register}, #${low}\nmovt ${register}, #${high}`;
  const hole = (letter: string): string => {
    switch (letter) {
      case "c":
        return random.oneIn(2) ? random.pick(CONDITIONS) : "";
      case "C":
        return (condition = random.pick(CONDITIONS));
      case "L":
        return `@to(${far})`;
      case "N":
        return `@to(${near})`;
      case "r":
        return r;
      case "b":
        return b;
      case "l":
        return `r${random.below(8)}`;
      case "A": {
        const label = `@to(${far})${thumb ? "+1" : ""}`;
        return constant(r, `:lower16:(${label})`, `:upper16:(${label})`);
      }
      case "B": {
        const address = SCRATCH + 4 * random.below(100);
        return constant(b, String(address & 0xffff), String(address >>> 16));
      }
      default:
        throw new Error(`no hole %${letter}`);
    }
  };
  return random
    .pick(thumb ? T32 : A32)
    .replace(/%(.)|@C/g, (_, letter) => (letter ? hole(letter) : condition))
    .split("\n");
}
