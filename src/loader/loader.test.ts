import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { AddressSpace } from "../memory/address-space.ts";
import { PAGE_COUNT, PAGE_EXEC, PAGE_READ, PAGE_WRITE } from "../memory/page-table.ts";
import { softwareProtection } from "../memory/protection.ts";
import { AT, addressLayout, BytesFile, LoadError, loadProgram, type ProcessImage, readProgram } from "./index.ts";
import { pieBase } from "./layout.ts";
import { parseScriptLine } from "./script.ts";

const STACK = 1 << 20;
const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
const pageTable = new Uint8Array(PAGE_COUNT);
const protection = softwareProtection(memory);

/** An empty address space; only one is in use at a time. */
function newSpace(littleEndian = true): AddressSpace {
  const { limit, mmapBase } = addressLayout("mips", STACK);
  return new AddressSpace({ memory, pageTable, protection, limit, mmapBase, littleEndian });
}

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

type Files = Readonly<Record<string, Uint8Array | string>>;

function load<T>(
  files: Files,
  path: string,
  use: (image: ProcessImage, space: AddressSpace) => T,
  argv: readonly string[] = [path],
  envp: readonly string[] = [],
): T {
  const program = readProgram({
    path,
    argv,
    envp,
    open(name) {
      const content = files[name];
      if (content === undefined) throw { name: "ENOENT" };
      return new BytesFile(typeof content === "string" ? Buffer.from(content) : content);
    },
  });
  const space = newSpace(program.personality.endian === "little");
  try {
    const image = loadProgram(space, program, {
      processor: { hwcap: 0, basePlatform: "mips32r2" },
      identity: { uid: 1000, euid: 1000, gid: 100, egid: 100 },
      random: new Uint8Array(16).fill(0x5a),
      stackLimit: STACK,
    });
    return use(image, space);
  } finally {
    space.destroy();
  }
}

function refusal(files: Files, path = "/p"): LoadError {
  try {
    load(files, path, () => undefined);
  } catch (error) {
    if (error instanceof LoadError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

/** A little-endian ELF with the given program headers [type, offset, address, fileSize, memorySize, flags, align]. */
function elf(headers: readonly (readonly number[])[], change: (view: DataView) => void = () => undefined): Uint8Array {
  const bytes = new Uint8Array(0x2000);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 8, true);
  view.setUint32(20, 1, true);
  view.setUint32(24, 0x400000, true);
  view.setUint32(28, 52, true);
  view.setUint32(36, 0x70001000, true);
  view.setUint16(40, 52, true);
  view.setUint16(42, 32, true);
  view.setUint16(44, headers.length, true);
  headers.forEach(([type, offset, address, fileSize, memorySize, flags, align], i) => {
    [type, offset, address, address, fileSize, memorySize, flags, align].forEach((word, j) => {
      view.setUint32(52 + 32 * i + 4 * j, word!, true);
    });
  });
  bytes.fill(0xaa, 0x1000);
  change(view);
  return bytes;
}
const LOAD = [1, 0, 0x400000, 0x2000, 0x2000, 5, 0x1000] as const;

describe("a static program", () => {
  test.each([
    ["mipsel", "little"],
    ["mips", "big"],
  ])("%s: segments, entry, break", (directory, endian) => {
    load({ "/p": fixture(`${directory}/hello`) }, "/p", (image, space) => {
      expect(image.personality).toEqual({ machine: "mips", endian, floatMode: "fr1", executableStack: false });
      expect(image.loadBias).toBe(0);
      expect(image.interpreterBase).toBeUndefined();
      // The first instruction: move $a0, $sp.
      expect([0x03a02025, 0x03a02021]).toContain(space.guest.code.read32(image.entry));
      expect(space.brk(0)).toBe(image.brk);
      expect(space.find(image.stackPointer)!.protection).toBe(PAGE_READ | PAGE_WRITE);
    });
  });

  test("ARM: a Thumb entry keeps its bit, and the processor's facts are in the auxiliary vector", () => {
    const arm = elf([LOAD], (view) => {
      view.setUint16(18, 40, true);
      view.setUint32(24, 0x400101, true);
      view.setUint32(36, 0x05000400, true);
    });
    const program = readProgram({ path: "/p", argv: ["p"], envp: [], open: () => new BytesFile(arm) });
    expect(program.personality).toEqual({ machine: "arm", endian: "little", executableStack: true });
    const { limit, mmapBase } = addressLayout("arm", STACK);
    const space = new AddressSpace({ memory, pageTable, protection, limit, mmapBase, littleEndian: true });
    try {
      const image = loadProgram(space, program, {
        processor: { hwcap: 0x8097, hwcap2: 0x10, platform: "v7l" },
        identity: { uid: 1000, euid: 1000, gid: 100, egid: 100 },
        random: new Uint8Array(16),
        stackLimit: STACK,
      });
      expect(image.entry).toBe(0x400101);
      expect(image.stackPointer % 8).toBe(0);
      expect(image.stackPointer).toBeGreaterThan(0xbe000000);
      const aux = new Map(image.auxv);
      expect([AT.ENTRY, AT.HWCAP, AT.HWCAP2].map((type) => aux.get(type))).toEqual([0x400101, 0x8097, 0x10]);
      expect(Buffer.from(space.guest.readBytes(aux.get(AT.PLATFORM)!, 4)).toString()).toBe("v7l\0");
      expect(aux.has(AT.BASE_PLATFORM)).toBe(false);
    } finally {
      space.destroy();
    }
  });

  test("bss is zero, what the file has after the data is not in it, and gaps stay unmapped", () => {
    const data = [1, 0x1000, 0x500000, 0x10, 0x3000, 6, 0x1000];
    load({ "/p": elf([LOAD, data]) }, "/p", (image, space) => {
      expect(space.guest.readU8(0x50000f)).toBe(0xaa);
      expect(space.guest.readBytes(0x500010, 0x2ff0)).toEqual(new Uint8Array(0x2ff0));
      expect(space.find(0x500000)!.protection).toBe(PAGE_READ | PAGE_WRITE);
      expect(space.find(0x400000)!.protection).toBe(PAGE_READ | PAGE_EXEC);
      expect(space.isMapped(0x402000, 1)).toBe(false);
      expect(image.brk).toBe(0x503000);
    });
  });

  test("PT_GNU_STACK decides whether the stack is executable; without it, it is", () => {
    const stack = (flags: number): number[] => [0x6474e551, 0, 0, 0, 0, flags, 16];
    const executable = (headers: readonly (readonly number[])[]): boolean =>
      load({ "/p": elf(headers) }, "/p", (image, space) => {
        const can = (space.find(image.stackPointer)!.protection & PAGE_EXEC) !== 0;
        expect(image.personality.executableStack).toBe(can);
        return can;
      });
    expect(executable([LOAD])).toBe(true);
    expect(executable([LOAD, stack(6)])).toBe(false);
    expect(executable([LOAD, stack(7)])).toBe(true);
  });
});

describe("a program that goes anywhere", () => {
  test("a PIE is put at its base, with its interpreter elsewhere", () => {
    load({ "/p": fixture("mipsel/pie") }, "/p", (image) => {
      expect(image.loadBias).toBe(pieBase("mips"));
      expect(new Map(image.auxv).get(AT.BASE)).toBe(0);
      expect(new Map(image.auxv).get(AT.ENTRY)).toBe(image.entry);
    });
  });

  test("the dynamic linker runs first and is told of the program", () => {
    const files = { "/p": fixture("mipsel/interpreted"), "/lib/linker": fixture("mipsel/linker") };
    load(files, "/p", (image, space) => {
      const aux = new Map(image.auxv);
      expect(image.interpreterBase).toBeGreaterThan(0);
      expect(aux.get(AT.BASE)).toBe(image.interpreterBase);
      expect(image.entry).not.toBe(aux.get(AT.ENTRY));
      expect(space.find(image.entry)!.protection & PAGE_EXEC).toBe(PAGE_EXEC);
      // AT_PHDR shows the program's own headers: PT_INTERP is among them.
      const headers = aux.get(AT.PHDR)!;
      const types = Array.from({ length: aux.get(AT.PHNUM)! }, (_, i) => space.guest.readU32(headers + 32 * i));
      expect(types).toContain(3);
    });
  });

  test("a missing or foreign dynamic linker is named", () => {
    const program = fixture("mipsel/interpreted");
    const missing = refusal({ "/p": program });
    expect(missing.message).toMatch(/^\/p: needs \/lib\/linker: not found.*-L/);
    expect(missing.exitCode).toBe(127);
    const other = refusal({ "/p": program, "/lib/linker": fixture("mips/linker") });
    expect(other.message).toMatch(/other byte order/);
    expect(other.exitCode).toBe(126);
    expect(refusal({ "/p": program, "/lib/linker": "text" }).message).toMatch(/not an ELF file/);
  });
});

describe("the initial stack", () => {
  test("argc, argv, envp and the auxiliary vector lie as Linux puts them", () => {
    const files = { "/p": fixture("mips/hello") };
    load(
      files,
      "/p",
      ({ stackPointer, auxv, ...image }, space) => {
        const { guest } = space;
        const string = (at: number): string => Buffer.from(guest.readCString(at, 100) ?? []).toString();
        expect(stackPointer % 16).toBe(0);
        expect(guest.readU32(stackPointer)).toBe(3);
        const word = (i: number): number => guest.readU32(stackPointer + 4 * i);
        expect([1, 2, 3].map((i) => string(word(i)))).toEqual(["p", "", "drei ä"]);
        expect(word(4)).toBe(0);
        expect([5, 6].map((i) => string(word(i)))).toEqual(["A=1", "B=x y"]);
        expect(word(7)).toBe(0);
        const found = auxv.map((_, i) => [word(8 + 2 * i), word(9 + 2 * i)]);
        expect(found).toEqual(auxv);
        expect(auxv.at(-1)).toEqual([AT.NULL, 0]);
        const aux = new Map(auxv);
        expect(string(aux.get(AT.EXECFN)!)).toBe("/p");
        expect(string(aux.get(AT.BASE_PLATFORM)!)).toBe("mips32r2");
        expect(guest.readBytes(aux.get(AT.RANDOM)!, 16)).toEqual(new Uint8Array(16).fill(0x5a));
        expect([aux.get(AT.UID), aux.get(AT.EGID), aux.get(AT.SECURE)]).toEqual([1000, 100, 0]);
        expect(guest.readBytes(image.arguments[0], 4)).toEqual(Uint8Array.from(Buffer.from("p\0\0d")));
        expect(image.arguments[1]).toBe(image.environment[0]);
        expect(string(image.environment[0])).toBe("A=1");
        expect(guest.readU32(image.stackTop - 4)).toBe(0);
      },
      ["p", "", "drei ä"],
      ["A=1", "B=x y"],
    );
  });

  test("arguments that are too long are E2BIG", () => {
    const many = Array.from({ length: 10 }, () => "x".repeat(100_000));
    expect(() => load({ "/p": fixture("mips/hello") }, "/p", () => 0, many)).toThrow(/too long/);
    expect(() => load({ "/p": fixture("mips/hello") }, "/p", () => 0, ["x".repeat(131072)])).toThrow(/too long/);
  });
});

describe("#! scripts", () => {
  const hello = fixture("mipsel/hello");
  const line = (text: string): (string | null)[] | null => {
    const parsed = parseScriptLine(Buffer.from(text));
    if (parsed === null) return null;
    return [parsed.interpreter, parsed.argument].map((each) => each && Buffer.from(each).toString());
  };

  test("the line: one argument, whatever blanks it holds", () => {
    expect(line("#!/bin/sh\n")).toEqual(["/bin/sh", null]);
    expect(line("#! \t/bin/sh  -e  -u \t\nrest")).toEqual(["/bin/sh", "-e  -u"]);
    expect(line("#!/bin/sh")).toEqual(["/bin/sh", null]);
    expect(line("#!\n/bin/sh")).toBeNull();
    expect(line("#!   ")).toBeNull();
    expect(line(`#!/${"x".repeat(254)}`)).toBeNull();
    expect(line(`#!/bin/sh ${"x".repeat(246)}`)).toEqual(["/bin/sh", "x".repeat(246)]);
  });

  test("argv is interpreter, argument, script, the script's arguments; AT_EXECFN stays the script", () => {
    const files = { "/s": "#!/i -x y\n", "/i": hello };
    const program = readProgram({
      path: "/s",
      argv: ["name", "one"],
      envp: [],
      open: (path) => new BytesFile(Buffer.from(files[path as keyof typeof files] ?? "")),
    });
    expect(program.argv.map((each) => Buffer.from(each as Uint8Array).toString())).toEqual(["/i", "-x y", "/s", "one"]);
    expect([program.path, program.execFileName]).toEqual(["/i", "/s"]);
  });

  test("four scripts may start each other, five may not", () => {
    const chain = { "/1": "#!/2", "/2": "#!/3", "/3": "#!/4", "/4": "#!/i", "/i": hello };
    load(chain, "/1", (image) => expect(image.path).toBe("/i"));
    expect(refusal({ ...chain, "/0": "#!/1" }, "/0").errno).toBe("ELOOP");
    expect(refusal({ "/s": "#!/s" }, "/s").errno).toBe("ELOOP");
    const missing = refusal({ "/s": "#!/nowhere\n" }, "/s");
    expect(missing.message).toMatch(/^\/s: needs \/nowhere: not found/);
    expect(missing.exitCode).toBe(127);
  });
});

describe("refusals", () => {
  const patched = (offset: number, value: number, size: 1 | 2 | 4 = 4): Uint8Array =>
    elf([LOAD], (view) => {
      if (size === 1) view.setUint8(offset, value);
      else if (size === 2) view.setUint16(offset, value, true);
      else view.setUint32(offset, value, true);
    });

  test.each([
    [
      "x86-64",
      Uint8Array.from({ ...elf([LOAD]), 4: 2, 18: 62, length: 0x2000 }),
      /built for x86-64; babelf runs 32-bit MIPS/,
    ],
    [
      "big-endian ARM",
      Uint8Array.from({ ...elf([LOAD]), 5: 2, 18: 0, 19: 40, length: 0x2000 }),
      /built for ARM, big-endian;/,
    ],
    [
      "BE8 ARM",
      elf([LOAD], (view) => {
        view.setUint16(18, 40, true);
        view.setUint32(36, 0x05800000, true);
      }),
      /big-endian \(BE8\)/,
    ],
    ["n64", patched(4, 2, 1), /n64/],
    ["n32", patched(36, 0x70001020), /n32/],
    ["o64", patched(36, 0x70002000), /o64/],
    ["release 6", patched(36, 0x90001000), /release 6/],
    ["microMIPS", patched(36, 0x72001000), /microMIPS/],
    ["NaN 2008", patched(36, 0x70001400), /2008/],
    ["MIPS16 entry", patched(24, 0x400001), /MIPS16/],
    ["object file", patched(16, 1, 2), /object file/],
    ["core dump", patched(16, 4, 2), /core dump/],
    ["byte order", patched(5, 3, 1), /byte order/],
    ["no headers", patched(44, 0, 2), /no program headers/],
    ["header size", patched(42, 56, 2), /program headers of 56/],
    ["headers outside", patched(28, 0xfffffff0), /past the end/],
    ["segment outside", patched(52 + 4, 0x1000), /past the end/],
    ["segment not on a page", patched(52 + 4, 0x123), /page/],
    ["larger than its memory", patched(52 + 20, 0x1000), /larger than its memory/],
    ["at the top", patched(52 + 8, 0xfffff000), /beyond/],
    ["over the stack", patched(52 + 20, 0x7fb00000), /stack/],
    ["text", "hello\n", /neither an ELF/],
    ["nothing", "", /empty/],
  ] as const)("%s", (_, bytes, message) => {
    const error = refusal({ "/p": bytes });
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("\n");
    expect(error.exitCode).toBe(126);
  });

  test("not found, not executable", () => {
    expect(refusal({}).exitCode).toBe(127);
    const open = (): never => {
      throw { name: "EACCES" };
    };
    expect(() => readProgram({ path: "/p", argv: [], envp: [], open })).toThrow(/not an executable file/);
  });
});

describe("hostile files", () => {
  /** Loads, or refuses with a LoadError; anything else fails the test. */
  function survive(bytes: Uint8Array): "loaded" | "refused" {
    try {
      load({ "/p": bytes, "/lib/linker": fixture("mipsel/linker") }, "/p", (image, space) => {
        expect(image.entry).toBeLessThan(space.limit);
        expect(image.stackPointer % 8).toBe(0);
        expect(space.guest.readU32(image.stackPointer)).toBe(1);
      });
      return "loaded";
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      expect(error.message).not.toContain("\n");
      return "refused";
    }
  }

  test("cut off at every byte", () => {
    const bytes = fixture("mipsel/pie");
    const headers = 52 + 32 * new DataView(bytes.buffer, bytes.byteOffset).getUint16(44, true);
    const outcomes = Array.from({ length: bytes.length }, (_, length) => survive(bytes.subarray(0, length)));
    expect(outcomes.slice(0, headers).every((each) => each === "refused")).toBe(true);
    // What is cut off the end are section headers, which nobody needs.
    expect(survive(bytes)).toBe("loaded");
  });

  test("flipped bits in the headers", () => {
    // xorshift32, so that a failure can be found again
    let state = 0x2545f491;
    const random = (below: number): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % below;
    };
    const outcomes = { loaded: 0, refused: 0 };
    for (const name of ["mipsel/pie", "mipsel/interpreted", "mipsel/hello"]) {
      const original = fixture(name);
      for (let i = 0; i < 150; i++) {
        const bytes = Uint8Array.from(original);
        for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(0x180)]! ^= 1 << random(8);
        outcomes[survive(bytes)]++;
      }
    }
    expect(outcomes.loaded).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(20);
  });
});
