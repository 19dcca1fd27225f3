/**
 * The frame's layout is checked through what a C program would see: offsets from asm/sigcontext.h and asm/ucontext.h as
 * gcc-arm lays them out. `fixtures/src/signals.c` and `helpers.c` do the same from inside.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { testKernel } from "../../kernel/kernel.test-support.ts";
import { SI_KERNEL, faultSignal, kernelSignal } from "../../kernel/siginfo.ts";
import { DEFAULT_ACTION } from "../../kernel/signal-actions.ts";
import type { SignalAction } from "../../kernel/signal-actions.ts";
import { signalBit } from "../../kernel/signal.ts";
import { AddressSpace } from "../../memory/address-space.ts";
import { GuestFault } from "../../memory/guest-fault.ts";
import { PAGE_COUNT, PAGE_EXEC, PAGE_READ, PAGE_WRITE } from "../../memory/page-table.ts";
import { softwareProtection } from "../../memory/protection.ts";
import { armSignals } from "./arm-signal-frame.ts";
import type { OnProcessor, SignalAbi } from "./signal-abi.ts";

const STACK = 0xbeff8000;
const STACK_BYTES = 0x10000;
const CODE = 0x10000;
const TRAMPOLINES = 0xbeff9000;
const HANDLER = 0x10100;
const SIGUSR1 = 10;
const [SP, LR, PC] = [0x134, 0x138, 0];
const [CPSR, FPSCR, EXCLUSIVE, D0] = [0x180, 0x184, 0x188, 0x200];
const OPEN = 0xffffffff;
const OFFSETS: Readonly<Record<string, number>> = { r0: 0x100, sp: SP, lr: LR, exaddr: EXCLUSIVE, d0: D0 };
const THUMB = 0x20;

const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });

describe("ARM signal frames", () => {
  let on: OnProcessor;
  let abi: SignalAbi;
  let registers: DataView;
  const get = (offset: number) => registers.getUint32(offset, true);
  const r = (n: number) => get(0x100 + 4 * n);
  const push = (changes: Partial<SignalAction>, info = kernelSignal(SIGUSR1)) =>
    abi.pushFrame(on, { info, action: { ...DEFAULT_ACTION, handler: HANDLER, ...changes } }, signalBit(SIGUSR1));

  beforeEach(() => {
    const { task } = testKernel();
    const space = new AddressSpace({
      memory,
      pageTable: new Uint8Array(PAGE_COUNT),
      protection: softwareProtection(memory),
      limit: 0xbf000000,
      mmapBase: 0xb0000000,
      littleEndian: true,
    });
    space.mapStack(STACK, STACK_BYTES, PAGE_READ | PAGE_WRITE);
    const page = { length: 4096, protection: PAGE_READ | PAGE_EXEC, fixed: true, noReplace: false, shared: false };
    space.map({ ...page, address: CODE, backing: null, offset: 0 });
    task.process.space = space;
    task.process.memory = space.guest;
    task.process.trampolines = TRAMPOLINES;
    registers = new DataView(new ArrayBuffer(0x400));
    on = { task, memory: space.guest, registers };
    abi = armSignals({
      slotOffset: (name) => OFFSETS[name] ?? Number.NaN,
      pcOffset: PC,
      status: {
        readCpsr: (state, pc) => (state.getUint32(CPSR, true) | ((pc & 1) === 0 ? 0 : THUMB)) >>> 0,
        writeCpsr: (state, cpsr) => state.setUint32(CPSR, cpsr & ~THUMB, true),
        readFpscr: (state) => state.getUint32(FPSCR, true),
        writeFpscr: (state, fpscr) => state.setUint32(FPSCR, fpscr, true),
        doubles: 32,
      },
      noReservation: OPEN,
    });
    for (let n = 0; n < 15; n++) registers.setUint32(0x100 + 4 * n, 0x80000000 + n, true);
    registers.setUint32(SP, STACK - 0x1004, true);
    registers.setUint32(PC, 0x10045, true);
    // Q and an IT block in the middle.
    registers.setUint32(CPSR, 0x68000010 | 0x0600fc00, true);
    registers.setUint32(FPSCR, 0x00330010, true);
    registers.setUint32(EXCLUSIVE, 0x1234, true);
    for (let n = 0; n < 32; n++) registers.setBigUint64(D0 + 8 * n, 0x4009_21fb_5444_2d18n + BigInt(n), true);
  });

  test("with siginfo", () => {
    push({ siginfo: true });
    const frame = get(SP);
    expect(frame % 8).toBe(0);
    expect([r(0), r(1), r(2)]).toEqual([SIGUSR1, frame, frame + 128]);
    const word = (at: number) => on.memory.readU32(frame + at);
    expect([word(0), word(4), word(8)]).toEqual([SIGUSR1, 0, SI_KERNEL]);
    // uc_mcontext at 20: trap_no, error_code, oldmask, r0 … cpsr, fault_address
    const sc = 128 + 20;
    expect([word(sc), word(sc + 4), word(sc + 8)]).toEqual([0, 0, 1 << (SIGUSR1 - 1)]);
    expect(word(sc + 12)).toBe(0x80000000);
    expect([word(sc + 64), word(sc + 72), word(sc + 76)]).toEqual([STACK - 0x1004, 0x10044, 0x6e00fc30]);
    expect(word(128 + 104)).toBe(1 << (SIGUSR1 - 1));
    // uc_regspace at 232
    const vfp = 128 + 232;
    expect([word(vfp), word(vfp + 4)]).toEqual([0x56465001, 288]);
    expect(on.memory.readU64(frame + vfp + 8 + 8 * 31)).toBe(0x4009_21fb_5444_2d37n);
    expect([word(vfp + 264), word(vfp + 272), word(vfp + 288)]).toEqual([0x00330010, 0x40000000, 0]);
  });

  test("a handler starts with clear flags, outside of an IT block and without vectors", () => {
    push({ handler: HANDLER + 1 });
    expect(get(PC)).toBe(HANDLER + 1);
    expect(get(CPSR)).toBe(0x10);
    expect(get(FPSCR)).toBe(0x10);
    expect(get(EXCLUSIVE)).toBe(OPEN);
    expect([r(0), r(1)]).toEqual([SIGUSR1, 0x80000001]);
    expect(on.memory.readU32(get(SP))).toBe(0x5ac3c35a);
  });

  test.each([
    ["ARM", false, HANDLER, 4, [0xe3a07077, 0xef000000]],
    ["ARM with siginfo", true, HANDLER, 16, [0xe3a070ad, 0xef000000]],
    ["Thumb", false, HANDLER + 1, 13, [0xdf002777]],
    ["Thumb with siginfo", true, HANDLER + 1, 25, [0xdf0027ad]],
  ] as const)("the way back: %s", (_, siginfo, handler, offset, words) => {
    push({ siginfo, handler });
    expect(get(LR)).toBe(TRAMPOLINES + offset);
    const code = new Uint32Array(abi.trampolines.slice().buffer);
    expect([...code.subarray(offset >> 2, (offset >> 2) + words.length)]).toEqual(words);
    // The same where a debugger looks for it.
    const retcode = get(SP) + (siginfo ? 128 : 0) + 744;
    words.forEach((word, n) => expect(on.memory.readU32(retcode + 4 * n)).toBe(word));
  });

  test("a restorer of the C library's", () => {
    push({ rawFlags: 0x04000000, restorer: 0x20001 });
    expect(get(LR)).toBe(0x20001);
  });

  test.each([false, true])("sigreturn brings everything back, siginfo %s", (siginfo) => {
    const before = new Uint8Array(registers.buffer.slice(0));
    push({ siginfo });
    for (let n = 0; n < 13; n++) registers.setUint32(0x100 + 4 * n, 7, true);
    for (let n = 0; n < 32; n++) registers.setBigUint64(D0 + 8 * n, 7n, true);
    abi.popFrame(on, siginfo);
    new DataView(before.buffer).setUint32(EXCLUSIVE, OPEN, true);
    expect(new Uint8Array(registers.buffer)).toEqual(before);
    expect(on.task.blocked).toBe(signalBit(SIGUSR1));
  });

  test("a frame that is none", () => {
    push({});
    const frame = get(SP);
    on.memory.writeU32(frame + 232, 0);
    expect(() => abi.popFrame(on, false)).toThrow(GuestFault);
    registers.setUint32(SP, frame + 4, true);
    expect(() => abi.popFrame(on, false)).toThrow(GuestFault);
    registers.setUint32(SP, 0x1000, true);
    expect(() => abi.popFrame(on, true)).toThrow(GuestFault);
  });

  test("a stack that is used up leaves the registers", () => {
    registers.setUint32(SP, STACK - STACK_BYTES + 64, true);
    expect(() => push({})).toThrow(GuestFault);
    expect(get(PC)).toBe(0x10045);
  });

  describe("exceptions", () => {
    const signalOf = (exception: string, info: number, pc = CODE) => {
      const signal = abi.exceptionSignal(on, { exception, info, pc });
      const name = on.task.process.kernel.signals.name(signal.signal);
      const { fields } = signal;
      return [name, signal.code, fields.kind === "fault" ? fields.address : null];
    };
    const code = (...halves: number[]) =>
      on.task.process.space.poke(CODE, new Uint8Array(Uint16Array.from(halves).buffer));

    test("breakpoints and undefined instructions", () => {
      expect(signalOf("breakpoint", 1, CODE + 1)).toEqual(["SIGTRAP", 1, CODE]);
      code(0x42f0, 0xe7f5);
      expect(signalOf("illegal", 0)).toEqual(["SIGILL", 1, CODE]);
      code(0x01f0, 0xe7f0);
      expect(signalOf("illegal", 0)).toEqual(["SIGTRAP", 1, CODE]);
      code(0xde01);
      expect(signalOf("illegal", 0, CODE + 1)).toEqual(["SIGTRAP", 1, CODE]);
      code(0xf7f0, 0xa000);
      expect(signalOf("illegal", 0, CODE + 1)).toEqual(["SIGTRAP", 1, CODE]);
      code(0xde02);
      expect(signalOf("illegal", 0, CODE + 1)).toEqual(["SIGILL", 1, CODE]);
    });

    test("memory, and what the frame says of it", () => {
      expect(signalOf("memory", 0x5000)).toEqual(["SIGSEGV", 1, 0x5000]);
      expect(signalOf("memory", CODE + 8)).toEqual(["SIGSEGV", 2, CODE + 8]);
      expect(signalOf("memory", 0xc0000000)).toEqual(["SIGSEGV", 1, 0xc0000000]);
      expect(signalOf("addressError", 0x20002)).toEqual(["SIGBUS", 1, 0x20002]);
      expect(signalOf("memory", CODE + 8)).toEqual(["SIGSEGV", 2, CODE + 8]);
      push({ siginfo: true }, faultSignal(11, 2, CODE + 8));
      const sc = get(SP) + 128 + 20;
      expect([0, 4, 80].map((at) => on.memory.readU32(sc + at))).toEqual([14, 0x80f, CODE + 8]);
    });

    test("numbers that are no call", () => {
      const bad = (number: number) => {
        const signal = abi.badCall(on, number);
        return signal === null ? null : on.task.process.kernel.signals.name(signal.signal);
      };
      expect([400_000, 0xf0006, 0xf07ff].map(bad)).toEqual([null, null, null]);
      expect([0xf0800, 0x100000, -1, 0xf0003].map(bad)).toEqual(["SIGILL", "SIGILL", "SIGILL", "SIGILL"]);
      expect(bad(0xf0001)).toBe("SIGTRAP");
      expect(get(PC)).toBe(0x10043);
    });
  });
});
