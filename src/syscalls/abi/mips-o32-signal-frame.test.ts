/**
 * The frame's layout is checked through what a C program would see: offsets from asm/sigcontext.h and asm/ucontext.h as
 * gcc-mipsel lays them out. `fixtures/src/signals.c` does the same from inside.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { SI_KERNEL, faultSignal, kernelSignal, userSignal } from "../../kernel/siginfo.ts";
import type { SignalInfo } from "../../kernel/siginfo.ts";
import { DEFAULT_ACTION } from "../../kernel/signal-actions.ts";
import { signalBit } from "../../kernel/signal.ts";
import { testKernel } from "../../kernel/kernel.test-support.ts";
import { AddressSpace } from "../../memory/address-space.ts";
import { GuestFault } from "../../memory/guest-fault.ts";
import { PAGE_COUNT, PAGE_READ, PAGE_WRITE } from "../../memory/page-table.ts";
import { softwareProtection } from "../../memory/protection.ts";
import { mipsO32Signals } from "./mips-o32-signal-frame.ts";
import type { OnProcessor, SignalAbi } from "./signal-abi.ts";

const STACK = 0x70000000;
const STACK_BYTES = 0x10000;
const TRAMPOLINES = 0x7fff1000;
const HANDLER = 0x400100;

/** A register file of the test's own: PC at 0, r0 at 0x100 and on, the FPU's behind. */
const NAMES = "at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7 s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp s8 ra".split(" ");
const OFFSETS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(NAMES.map((name, index) => [name, 0x104 + 4 * index])),
  hi: 0x180,
  lo: 0x184,
  lladdr: 0x188,
  fir: 0x18c,
  "status.fr": 0x190,
  f0: 0x200,
};
const FCSR = 0x194;
const slotOffset = (name: string): number => OFFSETS[name] ?? Number.NaN;

const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });

describe.each([true, false])("little-endian %s", (littleEndian) => {
  let on: OnProcessor;
  let abi: SignalAbi;
  let registers: DataView;
  const get = (name: string) => registers.getUint32(slotOffset(name), true);
  const set = (name: string, value: number) => registers.setUint32(slotOffset(name), value, true);

  beforeEach(() => {
    const { task } = testKernel();
    const space = new AddressSpace({
      memory,
      pageTable: new Uint8Array(PAGE_COUNT),
      protection: softwareProtection(memory),
      limit: 0x7fff8000,
      mmapBase: 0x60000000,
      littleEndian,
    });
    space.mapStack(STACK, STACK_BYTES, PAGE_READ | PAGE_WRITE);
    task.process.space = space;
    task.process.memory = space.guest;
    task.process.trampolines = TRAMPOLINES;
    registers = new DataView(new ArrayBuffer(0x400));
    on = { task, memory: space.guest, registers };
    abi = mipsO32Signals({
      littleEndian,
      slotOffset,
      pcOffset: 0,
      control: {
        read: (view) => view.getUint32(FCSR, true),
        write: (view, value) => view.setUint32(FCSR, value, true),
      },
      noReservation: 1,
    });
    NAMES.forEach((name, index) => set(name, 0x8000_0000 + index));
    set("sp", STACK - 0x1004);
    set("hi", 0x1111);
    set("lo", 0x2222);
    for (let n = 0; n < 32; n++)
      registers.setBigUint64(slotOffset("f0") + 8 * n, 0x4009_21fb_5444_2d18n + BigInt(n), true);
    registers.setUint32(FCSR, 0x0080_0001, true);
    registers.setUint32(0, 0x400044, true);
  });

  const push = (info: SignalInfo, changes = {}, mask = signalBit(1) | signalBit(100)) =>
    abi.pushFrame(on, { info, action: { ...DEFAULT_ACTION, handler: HANDLER, ...changes } }, mask);

  test("a handler with siginfo finds everything where the C library's structs say", () => {
    push(faultSignal(11, 2, 0x1234), { siginfo: true });
    const frame = get("sp");
    expect(frame % 8).toBe(0);
    expect(frame).toBeLessThan(STACK - 0x1004 - 24 - 128 - 632);
    expect([get("a0"), get("a1"), get("a2")]).toEqual([11, frame + 24, frame + 24 + 128]);
    expect([get("t9"), registers.getUint32(0, true)]).toEqual([HANDLER, HANDLER]);
    expect(get("ra")).toBe(TRAMPOLINES + 16);
    expect(get("lladdr")).toBe(1);
    const read = (address: number) => on.memory.readU32(address);
    expect([0, 4, 8, 12].map((offset) => read(get("a1") + offset))).toEqual([11, 2, 0, 0x1234]);
    const context = get("a2") + 24;
    expect(on.memory.readU64(context + 8)).toBe(0x400044n);
    expect(on.memory.readU64(context + 16 + 8 * 31)).toBe(BigInt(0x8000_0000 + 30));
    expect(on.memory.readU64(context + 16)).toBe(0n);
    expect(on.memory.readU64(context + 272)).toBe(0x4009_21fb_5444_2d18n);
    expect(read(context + 532)).toBe(0x0080_0001);
    expect(read(context + 540)).toBe(1);
    expect([on.memory.readU64(context + 552), on.memory.readU64(context + 560)]).toEqual([0x1111n, 0x2222n]);
    const mask = get("a2") + 24 + 592;
    expect([0, 4, 8, 12].map((offset) => read(mask + offset))).toEqual([1, 0, 0, 1 << 3]);
  });

  test.each([true, false])("what was pushed comes back (siginfo: %s)", (siginfo) => {
    const before = new Uint8Array(registers.buffer.slice(0));
    push(userSignal(16, 0, 3, 4), { siginfo });
    for (let at = 0x100; at < 0x180; at += 4) if (at !== slotOffset("sp")) registers.setUint32(at, 0xdead, true);
    for (let at = 0x200; at < 0x300; at += 4) registers.setUint32(at, 0xbeef, true);
    abi.popFrame(on, siginfo);
    const after = new DataView(registers.buffer.slice(0));
    // With 32-bit FPU registers only the even containers exist; r0 and the reservation are not the program's.
    for (let n = 1; n < 32; n += 2) after.setBigUint64(0x200 + 8 * n, 0x4009_21fb_5444_2d18n + BigInt(n), true);
    after.setUint32(0x100, 0, true);
    after.setUint32(slotOffset("lladdr"), 0, true);
    expect(new Uint8Array(after.buffer)).toEqual(before);
    expect(on.task.blocked).toBe(signalBit(1) | signalBit(100));
  });

  test("the handler can change where and with what the program goes on", () => {
    push(kernelSignal(16), { siginfo: true });
    const context = get("a2") + 24;
    on.memory.writeU64(context + 8, 0x400048n);
    on.memory.writeU64(context + 16 + 8 * 2, 0x5eedn);
    abi.popFrame(on, true);
    expect([registers.getUint32(0, true), get("v0")]).toEqual([0x400048, 0x5eed]);
  });

  test("a frame whose FCSR asks for an exception gets SIGFPE instead", () => {
    push(kernelSignal(16), { siginfo: true });
    on.memory.writeU32(get("a2") + 24 + 532, (1 << 15) | (1 << 10) | 1);
    abi.popFrame(on, true);
    expect(registers.getUint32(FCSR, true)).toBe((1 << 10) | 1);
    expect(on.task.signals.take(~0n)).toMatchObject({ signal: 8, code: SI_KERNEL });
  });

  test("the alternate stack is used from its top, unless the program is on it; used up, it faults", () => {
    on.task.alternateStack = { pointer: STACK - STACK_BYTES, size: 0x2000, autoDisarm: false };
    push(kernelSignal(16), { siginfo: true, onStack: true });
    const first = get("sp");
    expect(first).toBeLessThanOrEqual(STACK - STACK_BYTES + 0x2000 - 784);
    expect(first).toBeGreaterThan(STACK - STACK_BYTES + 0x2000 - 784 - 16);
    push(kernelSignal(16), { siginfo: true, onStack: true });
    expect(get("sp")).toBeLessThan(first - 784);
    const depth = () => {
      for (let n = 0; n < 20; n++) push(kernelSignal(16), { siginfo: true, onStack: true });
    };
    expect(depth).toThrow(GuestFault);
  });

  test("a stack that cannot be written leaves the registers alone", () => {
    set("sp", 0x10000);
    expect(() => push(kernelSignal(16))).toThrow(GuestFault);
    expect([get("sp"), registers.getUint32(0, true)]).toEqual([0x10000, 0x400044]);
  });

  test("sets, actions and the trampolines", () => {
    const at = STACK - 64;
    abi.writeSet(on.memory, at, signalBit(1) | signalBit(33) | signalBit(127));
    expect([0, 4, 8, 12].map((offset) => on.memory.readU32(at + offset))).toEqual([1, 1, 0, 1 << 30]);
    expect(abi.readSet(on.memory, at)).toBe(signalBit(1) | signalBit(33) | signalBit(127));
    on.memory.writeU32(at, 0x1000_0008);
    on.memory.writeU32(at + 4, HANDLER);
    const action = abi.readAction(on.memory, at);
    expect(action).toMatchObject({
      handler: HANDLER,
      siginfo: true,
      restart: true,
      onStack: false,
      resetHandler: false,
    });
    const code = new DataView(abi.trampolines.buffer);
    expect([4, 8, 16, 20].map((offset) => code.getUint32(offset, littleEndian))).toEqual([
      0x24021017, 0x0000000c, 0x24021061, 0x0000000c,
    ]);
  });

  describe("CPU exceptions", () => {
    const signal = (exception: string, info = 0) => {
      const { signal: number, code, fields } = abi.exceptionSignal(on, { exception, info, pc: 0x400044 });
      return [number, code, fields.kind === "fault" ? fields.address : null];
    };

    test("traps and breakpoints, by their codes", () => {
      expect(signal("trap", 7)).toEqual([8, 1, 0x400044]);
      expect(signal("trap", 6)).toEqual([8, 2, 0x400044]);
      expect(signal("trap", 0)).toEqual([5, SI_KERNEL, null]);
      expect(signal("breakpoint", 0)).toEqual([5, 1, 0x400044]);
      expect(signal("breakpoint", 7)).toEqual([8, 1, 0x400044]);
      // `break 7` as assemblers encode it: the code is ten bits higher.
      expect(signal("breakpoint", 7 << 10)).toEqual([8, 1, 0x400044]);
      expect(signal("overflow")).toEqual([8, 2, 0x400044]);
      expect(signal("illegal")).toEqual([4, SI_KERNEL, null]);
      expect(signal("addressError", 0x400001)).toEqual([10, 1, 0x400001]);
    });

    test("memory: unmapped, protected, the kernel's half", () => {
      expect(signal("memory", 0x1000)).toEqual([11, 1, 0x1000]);
      expect(signal("fetch", STACK - 16)).toEqual([11, 2, STACK - 16]);
      expect(signal("memory", 0x9000_0000)).toEqual([10, SI_KERNEL, null]);
    });

    test("floating point, by cause; the cause is then cleared", () => {
      // Divide by zero and inexact were raised, only divide by zero is enabled.
      registers.setUint32(FCSR, (1 << 15) | (1 << 12) | (1 << 10), true);
      expect(signal("floatingPoint")).toEqual([8, 3, 0x400044]);
      expect(registers.getUint32(FCSR, true)).toBe((1 << 12) | (1 << 10));
    });
  });
});
