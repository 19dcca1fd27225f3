/**
 * Signals on ARM: structs, and the two frames that a handler can run on (Linux: arch/arm/kernel/signal.c,
 * uapi/asm/{signal,sigcontext,ucontext}.h, asm/ucontext.h).
 *
 *     struct sigframe    { struct ucontext uc; unsigned long retcode[4]; }
 *     struct rt_sigframe { siginfo_t info; struct sigframe sig; }
 */
import type { SignalAction } from "../../kernel/signal-actions.ts";
import type { Delivery } from "../../kernel/signal-delivery.ts";
import type { SignalSet } from "../../kernel/signal.ts";
import { NO_ALTERNATE_STACK, isOn } from "../../kernel/task.ts";
import { GuestFault } from "../../memory/guest-fault.ts";
import { ConstantSet } from "../flags.ts";
import type { SlotOffset } from "./abi.ts";
import { EABI_NUMBERS } from "./arm-eabi-numbers.ts";
import { armBadCall, armExceptionSignal, lastFault } from "./arm-exceptions.ts";
import type { OnProcessor, SignalAbi } from "./signal-abi.ts";
import { INFO_BYTES, packInfo, putSet, readInfo, restoreStack, stackFlags, takeSet, viewOf } from "./signal-structs.ts";

export const ARM_ACTION_FLAGS = new ConstantSet({
  SA_NOCLDSTOP: 0x1,
  SA_NOCLDWAIT: 0x2,
  SA_SIGINFO: 0x4,
  SA_THIRTYTWO: 0x02000000,
  SA_RESTORER: 0x04000000,
  SA_ONSTACK: 0x08000000,
  SA_RESTART: 0x10000000,
  SA_NODEFER: 0x40000000,
  SA_RESETHAND: 0x80000000,
});
export const ARM_HOW = new ConstantSet({ SIG_BLOCK: 0, SIG_UNBLOCK: 1, SIG_SETMASK: 2 });

const SET_BYTES = 8;
const INFO_ORDER = { errno: 4, code: 8 } as const;

/** struct sigcontext. */
const SC = { trapNumber: 0, errorCode: 4, oldMask: 8, registers: 12, cpsr: 76, faultAddress: 80, bytes: 84 } as const;

/** struct ucontext: uc_flags, uc_link, uc_stack, uc_mcontext, uc_sigmask with room for 1024 signals, uc_regspace. */
const UC = {
  flags: 0,
  stack: 8,
  context: 20,
  mask: 20 + SC.bytes,
  regspace: 232,
  bytes: 232 + 512,
} as const;
/** uc_flags of a frame without siginfo, which nothing else tells apart. */
const OLD_FRAME_MAGIC = 0x5ac3c35a;

/** struct vfp_sigframe, the only record in uc_regspace; a zero word ends them. */
const VFP = { magic: 0, size: 4, registers: 8, fpscr: 264, fpexc: 272, bytes: 288 } as const;
const VFP_MAGIC = 0x56465001;
const FPEXC_ENABLED = 0x40000000;
/** FPSCR.Len and Stride, which are zero where a function begins (AAPCS 5.1.2.1). */
const FPSCR_VECTOR = 0x00370000;

const RETCODE_BYTES = 16;
const FRAME = { ucontext: 0, retcode: UC.bytes, bytes: UC.bytes + RETCODE_BYTES } as const;
const RT_FRAME = {
  info: 0,
  ucontext: INFO_BYTES,
  retcode: INFO_BYTES + UC.bytes,
  bytes: INFO_BYTES + FRAME.bytes,
} as const;
const FRAME_ALIGNMENT = 8;

const CPSR_THUMB = 1 << 5;
/** Flags, and the state of an IT block: clear where a handler begins. */
const CPSR_KEPT = ~(0xff000000 | 0x0600fc00);

// ── the way back from a handler ─────────────────────────────────────────────────────────────────────────────────────
const ARM_MOV_R7 = 0xe3a07000;
const ARM_SVC = 0xef000000;
const THUMB_MOV_R7 = 0x2700;
const THUMB_SVC = 0xdf00;

interface Trampoline {
  readonly arm: readonly number[];
  readonly thumb: readonly number[];
}
/** Unwinders know each by its instructions; the numbers of the calls fit both encodings. */
function trampoline(name: string): Trampoline {
  const number = EABI_NUMBERS.get(name) ?? 0;
  return { arm: [ARM_MOV_R7 | number, ARM_SVC], thumb: [THUMB_MOV_R7 | number | (THUMB_SVC << 16)] };
}
const SIGRETURN = trampoline("sigreturn");
const RT_SIGRETURN = trampoline("rt_sigreturn");
/** Behind a word of zeros: an unwinder looks one byte before a return address for the function it is in. */
const TRAMPOLINE_WORDS = [0, ...SIGRETURN.arm, ...SIGRETURN.thumb, ...RT_SIGRETURN.arm, ...RT_SIGRETURN.thumb];
const trampolineAt = (withInfo: boolean, thumb: boolean): number => 4 * (1 + (withInfo ? 3 : 0) + (thumb ? 2 : 0));

/** CPSR and FPSCR as one word each: how the ISA puts them together from their parts (`cpu/arm`). */
export interface ArmStatus {
  /** `pc`: with the Thumb bit. */
  readCpsr(registers: DataView, pc: number): number;
  /** Sets what a program can set; the Thumb bit is the PC's. */
  writeCpsr(registers: DataView, cpsr: number): void;
  readFpscr(registers: DataView): number;
  writeFpscr(registers: DataView, fpscr: number): void;
  /** How many of D0 to D31 the processor has: 16 or 32. */
  readonly doubles: number;
}

export interface ArmSignalOptions {
  readonly slotOffset: SlotOffset;
  readonly pcOffset: number;
  readonly status: ArmStatus;
  readonly noReservation: number;
}

export function armSignals({ slotOffset, pcOffset, status, noReservation }: ArmSignalOptions): SignalAbi {
  const [R0, SP, LR, D0] = ["r0", "sp", "lr", "d0"].map(slotOffset) as [number, number, number, number];
  const EXCLUSIVE = slotOffset("exaddr");
  /** r0 to r14 follow one another. */
  const REGISTERS = 15;

  function putContext(to: DataView, at: number, { task, registers }: OnProcessor, mask: SignalSet): void {
    const fault = lastFault(task);
    const pc = registers.getUint32(pcOffset, true);
    to.setUint32(at + SC.trapNumber, fault.trapNumber, true);
    to.setUint32(at + SC.errorCode, fault.errorCode, true);
    to.setUint32(at + SC.oldMask, Number(mask & 0xffffffffn), true);
    for (let n = 0; n < REGISTERS; n++)
      to.setUint32(at + SC.registers + 4 * n, registers.getUint32(R0 + 4 * n, true), true);
    to.setUint32(at + SC.registers + 4 * REGISTERS, pc & ~1, true);
    to.setUint32(at + SC.cpsr, status.readCpsr(registers, pc), true);
    to.setUint32(at + SC.faultAddress, fault.address, true);
  }

  function putFloat(to: DataView, at: number, registers: DataView): void {
    to.setUint32(at + VFP.magic, VFP_MAGIC, true);
    to.setUint32(at + VFP.size, VFP.bytes, true);
    for (let n = 0; n < status.doubles; n++) {
      to.setBigUint64(at + VFP.registers + 8 * n, registers.getBigUint64(D0 + 8 * n, true), true);
    }
    to.setUint32(at + VFP.fpscr, status.readFpscr(registers), true);
    to.setUint32(at + VFP.fpexc, FPEXC_ENABLED, true);
  }

  function takeContext(from: DataView, at: number, registers: DataView): void {
    for (let n = 0; n < REGISTERS; n++)
      registers.setUint32(R0 + 4 * n, from.getUint32(at + SC.registers + 4 * n, true), true);
    const cpsr = from.getUint32(at + SC.cpsr, true);
    const pc = from.getUint32(at + SC.registers + 4 * REGISTERS, true);
    status.writeCpsr(registers, cpsr);
    registers.setUint32(pcOffset, (cpsr & CPSR_THUMB) === 0 ? pc & ~1 : pc | 1, true);
    registers.setUint32(EXCLUSIVE, noReservation, true);
  }

  function takeFloat(from: DataView, at: number, registers: DataView): void {
    for (let n = 0; n < status.doubles; n++) {
      registers.setBigUint64(D0 + 8 * n, from.getBigUint64(at + VFP.registers + 8 * n, true), true);
    }
    status.writeFpscr(registers, from.getUint32(at + VFP.fpscr, true));
  }

  /** Where the frame goes. Throws `GuestFault` where an alternate stack is used up. */
  function framePlace(task: OnProcessor["task"], action: SignalAction, stackPointer: number, bytes: number): number {
    const stack = task.alternateStack;
    const onStack = isOn(stack, stackPointer) && !stack.autoDisarm;
    let top = stackPointer;
    if (onStack) {
      if (!isOn(stack, stackPointer - bytes)) throw new GuestFault(stack.pointer, "write");
    } else if (action.onStack && stack.size !== 0) top = stack.pointer + stack.size;
    return ((top - bytes) & -FRAME_ALIGNMENT) >>> 0;
  }

  /** The instructions and the address that a handler returns to. */
  function wayBack(
    task: OnProcessor["task"],
    action: SignalAction,
  ): readonly [words: readonly number[], address: number] {
    if ((action.rawFlags & (ARM_ACTION_FLAGS.guest["SA_RESTORER"] ?? 0)) !== 0) return [[], action.restorer];
    const thumb = (action.handler & 1) !== 0;
    const { arm, thumb: thumbCode } = action.siginfo ? RT_SIGRETURN : SIGRETURN;
    const address = task.process.trampolines + trampolineAt(action.siginfo, thumb);
    return thumb ? [thumbCode, address + 1] : [arm, address];
  }

  const signalAbi: SignalAbi = {
    setBytes: SET_BYTES,
    actionFlags: ARM_ACTION_FLAGS,
    how: ARM_HOW,
    minimumStack: 2048,
    trampolines: new Uint8Array(Uint32Array.from(TRAMPOLINE_WORDS).buffer),

    readSet: (memory, address) => takeSet(viewOf(memory.readBytes(address, SET_BYTES)), 0, SET_BYTES, true),
    writeSet(memory, address, set) {
      const bytes = new Uint8Array(SET_BYTES);
      putSet(viewOf(bytes), 0, set, SET_BYTES, true);
      memory.writeBytes(address, bytes);
    },

    // struct sigaction { void (*sa_handler)(); unsigned long sa_flags; void (*sa_restorer)(); sigset_t sa_mask; }
    readAction(memory, address) {
      const from = viewOf(memory.readBytes(address, 12 + SET_BYTES));
      return actionOf(
        from.getUint32(0, true),
        from.getUint32(4, true),
        from.getUint32(8, true),
        takeSet(from, 12, SET_BYTES, true),
      );
    },
    writeAction(memory, address, { handler, rawFlags, restorer, mask }) {
      const bytes = new Uint8Array(12 + SET_BYTES);
      const to = viewOf(bytes);
      [handler, rawFlags, restorer].forEach((word, n) => to.setUint32(4 * n, word, true));
      putSet(to, 12, mask, SET_BYTES, true);
      memory.writeBytes(address, bytes);
    },
    // struct old_sigaction { void (*sa_handler)(); old_sigset_t sa_mask; unsigned long sa_flags; void (*sa_restorer)(); }
    oldAction: {
      read(memory, address) {
        const [handler, mask, flags, restorer] = memory.readWords(address, 4) as unknown as [
          number,
          number,
          number,
          number,
        ];
        return actionOf(handler, flags, restorer, BigInt(mask >>> 0));
      },
      write(memory, address, { handler, rawFlags, restorer, mask }) {
        const bytes = new Uint8Array(16);
        const to = viewOf(bytes);
        [handler, Number(mask & 0xffffffffn), rawFlags, restorer].forEach((word, n) => to.setUint32(4 * n, word, true));
        memory.writeBytes(address, bytes);
      },
    },

    packInfo: (info) => packInfo(info, INFO_ORDER, true),
    readInfo: (memory, address, signal) => readInfo(memory, address, signal, INFO_ORDER, true),

    // stack_t { void *ss_sp; int ss_flags; size_t ss_size; }
    readStack(memory, address) {
      const [pointer, flags, size] = memory.readWords(address, 3) as unknown as [number, number, number];
      return { pointer, flags, size };
    },
    writeStack(memory, address, { pointer, flags, size }) {
      const bytes = new Uint8Array(12);
      [pointer, flags, size].forEach((word, n) => viewOf(bytes).setUint32(4 * n, word, true));
      memory.writeBytes(address, bytes);
    },

    pushFrame(on: OnProcessor, { info, action }: Delivery, mask: SignalSet) {
      const { task, memory, registers } = on;
      const layout = action.siginfo ? RT_FRAME : FRAME;
      const frame = framePlace(task, action, registers.getUint32(SP, true), layout.bytes);
      const bytes = new Uint8Array(layout.bytes);
      const to = viewOf(bytes);
      const uc = layout.ucontext;
      if (action.siginfo) {
        bytes.set(packInfo(info, INFO_ORDER, true), RT_FRAME.info);
        const { alternateStack } = task;
        to.setUint32(uc + UC.stack, alternateStack.pointer, true);
        to.setUint32(uc + UC.stack + 4, stackFlags(alternateStack), true);
        to.setUint32(uc + UC.stack + 8, alternateStack.size, true);
      } else {
        to.setUint32(uc + UC.flags, OLD_FRAME_MAGIC, true);
      }
      putContext(to, uc + UC.context, on, mask);
      putSet(to, uc + UC.mask, mask, SET_BYTES, true);
      putFloat(to, uc + UC.regspace, registers);
      const [code, back] = wayBack(task, action);
      code.forEach((word, n) => to.setUint32(layout.retcode + 4 * n, word, true));
      memory.writeBytes(frame, bytes);

      registers.setUint32(R0, info.signal, true);
      if (action.siginfo) {
        registers.setUint32(R0 + 4, frame + RT_FRAME.info, true);
        registers.setUint32(R0 + 8, frame + uc, true);
      }
      registers.setUint32(SP, frame, true);
      registers.setUint32(LR, back, true);
      status.writeCpsr(registers, status.readCpsr(registers, 0) & CPSR_KEPT);
      status.writeFpscr(registers, status.readFpscr(registers) & ~FPSCR_VECTOR);
      registers.setUint32(EXCLUSIVE, noReservation, true);
      registers.setUint32(pcOffset, action.handler, true);
      if (task.alternateStack.autoDisarm) task.alternateStack = NO_ALTERNATE_STACK;
    },

    popFrame({ task, memory, registers }, withInfo) {
      const layout = withInfo ? RT_FRAME : FRAME;
      const frame = registers.getUint32(SP, true);
      if (frame % FRAME_ALIGNMENT !== 0) throw new GuestFault(frame, "read");
      const from = viewOf(memory.readBytes(frame, layout.bytes));
      const uc = layout.ucontext;
      const float = uc + UC.regspace;
      if (
        from.getUint32(float + VFP.magic, true) !== VFP_MAGIC ||
        from.getUint32(float + VFP.size, true) !== VFP.bytes
      ) {
        throw new GuestFault(frame + float, "read");
      }
      task.setBlocked(takeSet(from, uc + UC.mask, SET_BYTES, true));
      takeContext(from, uc + UC.context, registers);
      takeFloat(from, float, registers);
      if (!withInfo) return;
      const stack = {
        pointer: from.getUint32(uc + UC.stack, true),
        flags: from.getUint32(uc + UC.stack + 4, true),
        size: from.getUint32(uc + UC.stack + 8, true),
      };
      restoreStack(task, registers.getUint32(SP, true), stack, signalAbi.minimumStack);
    },

    exceptionSignal: armExceptionSignal,
    badCall(on, number) {
      const { registers } = on;
      const next = registers.getUint32(pcOffset, true);
      const at = next - ((next & 1) === 0 ? 4 : 2);
      return armBadCall(on, number, (at & ~1) >>> 0, () => registers.setUint32(pcOffset, at, true));
    },
  };
  return signalAbi;
}

function actionOf(handler: number, rawFlags: number, restorer: number, mask: SignalSet): SignalAction {
  const flag = (name: string) => (rawFlags & (ARM_ACTION_FLAGS.guest[name] ?? 0)) >>> 0 !== 0;
  return {
    handler,
    mask,
    siginfo: flag("SA_SIGINFO"),
    onStack: flag("SA_ONSTACK"),
    restart: flag("SA_RESTART"),
    noDefer: flag("SA_NODEFER"),
    resetHandler: flag("SA_RESETHAND"),
    noChildStop: flag("SA_NOCLDSTOP"),
    noChildWait: flag("SA_NOCLDWAIT"),
    rawFlags,
    restorer,
  };
}
