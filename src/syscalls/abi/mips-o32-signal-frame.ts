/**
 * Signals on MIPS o32: structs, and the two frames that a handler can run on (Linux: arch/mips/kernel/signal.c,
 * uapi/asm/{signal,sigcontext,siginfo,ucontext}.h).
 *
 *     struct sigframe    { u32 argumentSlots[4]; u32 pad[2]; struct sigcontext sc; sigset_t mask; }
 *     struct rt_sigframe { u32 argumentSlots[4]; u32 pad[2]; siginfo_t info; struct ucontext uc; }
 */
import { forceSignal } from "../../kernel/signal-sending.ts";
import type { SignalAction } from "../../kernel/signal-actions.ts";
import type { Delivery } from "../../kernel/signal-delivery.ts";
import { kernelSignal } from "../../kernel/siginfo.ts";
import type { SignalSet } from "../../kernel/signal.ts";
import { NO_ALTERNATE_STACK, isOn } from "../../kernel/task.ts";
import { GuestFault } from "../../memory/guest-fault.ts";
import { ConstantSet } from "../flags.ts";
import type { SlotOffset } from "./abi.ts";
import { mipsExceptionSignal, raisingCauses } from "./mips-exceptions.ts";
import type { FloatControl } from "./mips-exceptions.ts";
import { O32_NUMBERS } from "./mips-o32-numbers.ts";
import type { OnProcessor, SignalAbi, StackArgument } from "./signal-abi.ts";
import {
  INFO_BYTES,
  packInfo,
  putSet as packSet,
  readInfo,
  restoreStack,
  stackFlags,
  takeSet as unpackSet,
  viewOf,
} from "./signal-structs.ts";

export const MIPS_ACTION_FLAGS = new ConstantSet({
  SA_NOCLDSTOP: 0x1,
  SA_SIGINFO: 0x8,
  SA_NOCLDWAIT: 0x10000,
  SA_ONSTACK: 0x08000000,
  SA_RESTART: 0x10000000,
  SA_NODEFER: 0x40000000,
  SA_RESETHAND: 0x80000000,
});
export const MIPS_HOW = new ConstantSet({ SIG_BLOCK: 1, SIG_UNBLOCK: 2, SIG_SETMASK: 3 });

const SET_BYTES = 16;
/** Only MIPS has si_code before si_errno. */
const INFO_ORDER = { code: 4, errno: 8 } as const;

/** struct sigcontext. */
const SC = {
  pc: 8,
  registers: 16,
  float: 272,
  fcsr: 532,
  fir: 536,
  usedMath: 540,
  hi: 552,
  lo: 560,
  bytes: 592,
} as const;
const USED_FP = 1;
const USED_FR1 = 2;

/** struct ucontext: uc_flags, uc_link, uc_stack, uc_mcontext, uc_sigmask. */
const UC = { stack: 8, context: 24, mask: 24 + SC.bytes, bytes: 24 + SC.bytes + SET_BYTES } as const;

/** Both frames start with the argument slots that every o32 function may use, and the old trampoline's place. */
const FRAME_HEAD = 24;
const FRAME = { context: FRAME_HEAD, mask: FRAME_HEAD + SC.bytes, bytes: FRAME_HEAD + SC.bytes + SET_BYTES } as const;
const RT_FRAME = {
  info: FRAME_HEAD,
  ucontext: FRAME_HEAD + INFO_BYTES,
  bytes: FRAME_HEAD + INFO_BYTES + UC.bytes,
} as const;

/** Linux leaves room for a trampoline of its FPU emulator above each frame. */
const EMULATOR_ROOM = 32;
const FRAME_ALIGNMENT = 8;

/**
 * The trampolines begin behind a `nop`: an unwinder looks one byte before a return address for the function it is in.
 * It knows them by their two instructions.
 */
const SIGRETURN_AT = 4;
const RT_SIGRETURN_AT = 16;
const LI_V0 = 0x24020000;
const SYSCALL = 0x0000000c;

export interface MipsSignalOptions {
  readonly littleEndian: boolean;
  /** Where the ISA keeps a register: "at" … "ra", "hi", "lo", "f0" … "f31" (64 bits each), "fir", "status.fr", "lladdr". */
  readonly slotOffset: SlotOffset;
  readonly pcOffset: number;
  readonly control: FloatControl;
  /** A value for "lladdr" that no `sc` matches. */
  readonly noReservation: number;
}

export function mipsO32Signals(options: MipsSignalOptions): SignalAbi {
  const { littleEndian, slotOffset, pcOffset, control, noReservation } = options;
  // r0's slot is the array's first; the others follow in order.
  const r = (n: number) => slotOffset("at") + 4 * (n - 1);
  const [A0, A1, A2, T9, SP, RA] = [r(4), r(5), r(6), r(25), r(29), r(31)];
  const [HI, LO] = [slotOffset("hi"), slotOffset("lo")];
  const [F0, FIR, STATUS_FR] = [slotOffset("f0"), slotOffset("fir"), slotOffset("status.fr")];
  const LL_ADDRESS = slotOffset("lladdr");

  const putSet = (to: DataView, at: number, set: SignalSet) => packSet(to, at, set, SET_BYTES, littleEndian);
  const takeSet = (from: DataView, at: number) => unpackSet(from, at, SET_BYTES, littleEndian);
  const wide = (to: DataView, at: number, value: number) => to.setBigUint64(at, BigInt(value >>> 0), littleEndian);
  const narrow = (from: DataView, at: number) => Number(from.getBigUint64(at, littleEndian) & 0xffffffffn);

  function putContext(to: DataView, at: number, registers: DataView): void {
    wide(to, at + SC.pc, registers.getUint32(pcOffset, true));
    for (let n = 1; n < 32; n++) wide(to, at + SC.registers + 8 * n, registers.getUint32(r(n), true));
    wide(to, at + SC.hi, registers.getUint32(HI, true));
    wide(to, at + SC.lo, registers.getUint32(LO, true));
    const fr1 = registers.getUint32(STATUS_FR, true) !== 0;
    for (let n = 0; n < 32; n += fr1 ? 1 : 2) {
      to.setBigUint64(at + SC.float + 8 * n, registers.getBigUint64(F0 + 8 * n, true), littleEndian);
    }
    to.setUint32(at + SC.fcsr, control.read(registers), littleEndian);
    to.setUint32(at + SC.fir, registers.getUint32(FIR, true), littleEndian);
    to.setUint32(at + SC.usedMath, fr1 ? USED_FP | USED_FR1 : USED_FP, littleEndian);
  }

  function takeContext(from: DataView, at: number, { task, registers }: OnProcessor): void {
    registers.setUint32(pcOffset, narrow(from, at + SC.pc), true);
    for (let n = 1; n < 32; n++) registers.setUint32(r(n), narrow(from, at + SC.registers + 8 * n), true);
    registers.setUint32(HI, narrow(from, at + SC.hi), true);
    registers.setUint32(LO, narrow(from, at + SC.lo), true);
    registers.setUint32(LL_ADDRESS, noReservation, true);
    if ((from.getUint32(at + SC.usedMath, littleEndian) & USED_FP) === 0) return;
    const fr1 = registers.getUint32(STATUS_FR, true) !== 0;
    for (let n = 0; n < 32; n += fr1 ? 1 : 2) {
      registers.setBigUint64(F0 + 8 * n, from.getBigUint64(at + SC.float + 8 * n, littleEndian), true);
    }
    // A frame that asks for an exception at once gets its SIGFPE, and FCSR without the cause.
    const fcsr = from.getUint32(at + SC.fcsr, littleEndian);
    const raising = raisingCauses(fcsr);
    control.write(registers, fcsr & ~raising);
    if (raising !== 0) forceSignal(task, kernelSignal(task.process.kernel.signals.number("SIGFPE")));
  }

  /** Where the frame goes. Throws `GuestFault` where an alternate stack is used up. */
  function framePlace(task: OnProcessor["task"], action: SignalAction, stackPointer: number, bytes: number): number {
    const stack = task.alternateStack;
    const onStack = isOn(stack, stackPointer) && !stack.autoDisarm;
    let top = stackPointer - EMULATOR_ROOM;
    if (onStack) {
      if (!isOn(stack, stackPointer - bytes)) throw new GuestFault(stack.pointer, "write");
    } else if (action.onStack && stack.size !== 0) top = stack.pointer + stack.size;
    return ((top - bytes) & -FRAME_ALIGNMENT) >>> 0;
  }

  const signalAbi: SignalAbi = {
    setBytes: SET_BYTES,
    actionFlags: MIPS_ACTION_FLAGS,
    how: MIPS_HOW,
    minimumStack: 2048,
    trampolines: trampolines(littleEndian),

    readSet: (memory, address) => takeSet(viewOf(memory.readBytes(address, SET_BYTES)), 0),
    writeSet(memory, address, set) {
      const bytes = new Uint8Array(SET_BYTES);
      putSet(viewOf(bytes), 0, set);
      memory.writeBytes(address, bytes);
    },

    // struct sigaction { unsigned sa_flags; void (*sa_handler)(); sigset_t sa_mask; }
    readAction(memory, address) {
      const from = viewOf(memory.readBytes(address, 8 + SET_BYTES));
      const rawFlags = from.getUint32(0, littleEndian);
      const flag = (name: string) => (rawFlags & (MIPS_ACTION_FLAGS.guest[name] ?? 0)) >>> 0 !== 0;
      return {
        handler: from.getUint32(4, littleEndian),
        mask: takeSet(from, 8),
        siginfo: flag("SA_SIGINFO"),
        onStack: flag("SA_ONSTACK"),
        restart: flag("SA_RESTART"),
        noDefer: flag("SA_NODEFER"),
        resetHandler: flag("SA_RESETHAND"),
        noChildStop: flag("SA_NOCLDSTOP"),
        noChildWait: flag("SA_NOCLDWAIT"),
        rawFlags,
        restorer: 0,
      };
    },
    writeAction(memory, address, action) {
      const bytes = new Uint8Array(8 + SET_BYTES);
      const to = viewOf(bytes);
      to.setUint32(0, action.rawFlags, littleEndian);
      to.setUint32(4, action.handler, littleEndian);
      putSet(to, 8, action.mask);
      memory.writeBytes(address, bytes);
    },

    oldAction: null,

    packInfo: (info) => packInfo(info, INFO_ORDER, littleEndian),
    readInfo: (memory, address, signal) => readInfo(memory, address, signal, INFO_ORDER, littleEndian),

    // stack_t { void *ss_sp; size_t ss_size; int ss_flags; }
    readStack(memory, address): StackArgument {
      const from = viewOf(memory.readBytes(address, 12));
      return {
        pointer: from.getUint32(0, littleEndian),
        size: from.getUint32(4, littleEndian),
        flags: from.getUint32(8, littleEndian),
      };
    },
    writeStack(memory, address, stack) {
      const bytes = new Uint8Array(12);
      const to = viewOf(bytes);
      to.setUint32(0, stack.pointer, littleEndian);
      to.setUint32(4, stack.size, littleEndian);
      to.setUint32(8, stack.flags, littleEndian);
      memory.writeBytes(address, bytes);
    },

    pushFrame({ task, memory, registers }: OnProcessor, { info, action }: Delivery, mask: SignalSet) {
      const layout = action.siginfo ? RT_FRAME : FRAME;
      const frame = framePlace(task, action, registers.getUint32(SP, true), layout.bytes);
      const bytes = new Uint8Array(layout.bytes);
      const to = viewOf(bytes);
      if (action.siginfo) {
        const uc = RT_FRAME.ucontext;
        bytes.set(packInfo(info, INFO_ORDER, littleEndian), RT_FRAME.info);
        to.setUint32(uc + UC.stack, task.alternateStack.pointer, littleEndian);
        to.setUint32(uc + UC.stack + 4, task.alternateStack.size, littleEndian);
        to.setUint32(uc + UC.stack + 8, stackFlags(task.alternateStack), littleEndian);
        putContext(to, uc + UC.context, registers);
        putSet(to, uc + UC.mask, mask);
      } else {
        putContext(to, FRAME.context, registers);
        putSet(to, FRAME.mask, mask);
      }
      memory.writeBytes(frame, bytes);

      const trampoline = task.process.trampolines + (action.siginfo ? RT_SIGRETURN_AT : SIGRETURN_AT);
      registers.setUint32(A0, info.signal, true);
      registers.setUint32(A1, action.siginfo ? frame + RT_FRAME.info : 0, true);
      registers.setUint32(A2, action.siginfo ? frame + RT_FRAME.ucontext : frame + FRAME.context, true);
      registers.setUint32(SP, frame, true);
      registers.setUint32(RA, trampoline, true);
      registers.setUint32(T9, action.handler, true);
      registers.setUint32(pcOffset, action.handler, true);
      registers.setUint32(LL_ADDRESS, noReservation, true);
      if (task.alternateStack.autoDisarm) task.alternateStack = NO_ALTERNATE_STACK;
    },

    popFrame(on, withInfo) {
      const { task, memory, registers } = on;
      const frame = registers.getUint32(SP, true);
      const from = viewOf(memory.readBytes(frame, (withInfo ? RT_FRAME : FRAME).bytes));
      if (!withInfo) {
        task.setBlocked(takeSet(from, FRAME.mask));
        takeContext(from, FRAME.context, on);
        return;
      }
      const uc = RT_FRAME.ucontext;
      task.setBlocked(takeSet(from, uc + UC.mask));
      takeContext(from, uc + UC.context, on);
      const stack = {
        pointer: from.getUint32(uc + UC.stack, littleEndian),
        size: from.getUint32(uc + UC.stack + 4, littleEndian),
        flags: from.getUint32(uc + UC.stack + 8, littleEndian),
      };
      restoreStack(task, registers.getUint32(SP, true), stack, signalAbi.minimumStack);
    },

    exceptionSignal: (on, exception) => mipsExceptionSignal(on, exception, control),
    badCall: () => null,
  };
  return signalAbi;
}

function trampolines(littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(32);
  const to = new DataView(bytes.buffer);
  for (const [at, name] of [
    [SIGRETURN_AT, "sigreturn"],
    [RT_SIGRETURN_AT, "rt_sigreturn"],
  ] as const) {
    to.setUint32(at, LI_V0 | (O32_NUMBERS.get(name) ?? 0), littleEndian);
    to.setUint32(at + 4, SYSCALL, littleEndian);
  }
  return bytes;
}
