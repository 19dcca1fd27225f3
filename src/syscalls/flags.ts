/**
 * Named constants whose numbers depend on the ABI. The kernel (`src/kernel`) uses asm-generic's numbers; a guest's
 * numbers are translated by name, here and nowhere else.
 */

export type Constants = Readonly<Record<string, number>>;

/** A set of bits (O_*, MAP_* …) or a list of values (F_*, ioctl requests …) as one guest numbers it. */
export class ConstantSet {
  readonly guest: Constants;
  readonly generic: Constants;
  readonly #toKernel = new Map<number, number>();
  readonly #toGuest = new Map<number, number>();
  readonly #names = new Map<number, string>();
  /** Guest and kernel values of single flags, aliases once. */
  readonly #pairs: readonly (readonly [guest: number, kernel: number, name: string])[];
  readonly #same: boolean;

  constructor(generic: Constants, overrides: Constants = {}) {
    this.generic = generic;
    // An override of -1 says that this guest lacks the constant.
    this.guest = Object.fromEntries(Object.entries({ ...generic, ...overrides }).filter(([, value]) => value !== -1));
    let same = true;
    const pairs: [number, number, string][] = [];
    for (const [name, guest] of Object.entries(this.guest)) {
      const kernel = generic[name] ?? guest;
      if (guest !== kernel) same = false;
      if (!this.#names.has(guest >>> 0)) {
        this.#names.set(guest >>> 0, name);
        this.#toKernel.set(guest >>> 0, kernel);
        if (guest !== 0) pairs.push([guest, kernel, name]);
      }
      if (!this.#toGuest.has(kernel >>> 0)) this.#toGuest.set(kernel >>> 0, guest);
    }
    // Widest first, so that a flag made of several bits (O_SYNC, O_TMPFILE) wins over its parts.
    this.#pairs = pairs.sort((a, b) => bits(b[0]) - bits(a[0]));
    this.#same = same;
  }

  /** A bit set in the kernel's numbers. Bits without a name stay as they are if the two numberings agree, else go. */
  bitsToKernel(guest: number): number {
    if (this.#same) return guest;
    let kernel = 0;
    for (const [from, to] of this.#pairs) if ((guest & from) === from) kernel |= to;
    return kernel;
  }

  bitsToGuest(kernel: number): number {
    if (this.#same) return kernel;
    let guest = 0;
    for (const [to, from] of this.#pairs) if ((kernel & from) === from) guest |= to;
    return guest;
  }

  /** One value in the kernel's numbers, or undefined if the guest has none such. */
  toKernel(guest: number): number | undefined {
    return this.#toKernel.get(guest >>> 0);
  }

  toGuest(kernel: number): number | undefined {
    return this.#toGuest.get(kernel >>> 0);
  }

  nameOf(guest: number): string | undefined {
    return this.#names.get(guest >>> 0);
  }

  /** As strace prints a bit set: `O_RDWR|O_CREAT`, the rest in hex, `0` (or the name of zero) if none is set. */
  showBits(guest: number): string {
    let rest = guest >>> 0;
    const names: [number, string][] = [];
    for (const [value, , name] of this.#pairs) {
      const bit = value >>> 0;
      if (bit !== 0 && (rest & bit) >>> 0 === bit) {
        names.push([bit, name]);
        rest = (rest & ~bit) >>> 0;
      }
    }
    const text = names.sort((a, b) => a[0] - b[0]).map(([, name]) => name);
    if (rest !== 0) text.push(`0x${rest.toString(16)}`);
    if (text.length === 0) return this.#names.get(0) ?? "0";
    return text.join("|");
  }

  showValue(guest: number): string {
    return this.nameOf(guest) ?? `0x${(guest >>> 0).toString(16)}`;
  }
}

function bits(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}
