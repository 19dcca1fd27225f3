/** The parts of signal frames that every architecture has, in its byte order: siginfo_t, signal sets, the alternate stack. */
import type { SignalInfo } from "../../kernel/siginfo.ts";
import type { SignalSet } from "../../kernel/signal.ts";
import { NO_ALTERNATE_STACK, isOn } from "../../kernel/task.ts";
import type { AlternateStack, Task } from "../../kernel/task.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { StackArgument } from "./signal-abi.ts";

export const INFO_BYTES = 128;
/** Where the fields behind si_signo, si_errno and si_code start. */
const INFO_FIELDS = 12;
const SIGNO = 0;

/** Where si_code and si_errno stand: MIPS has them the other way round. */
export interface InfoOrder {
  readonly code: number;
  readonly errno: number;
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** `siginfo_t`. */
export function packInfo(info: SignalInfo, order: InfoOrder, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(INFO_BYTES);
  const to = viewOf(bytes);
  const words = (...values: readonly number[]) =>
    values.forEach((value, index) => to.setInt32(INFO_FIELDS + 4 * index, value, littleEndian));
  to.setInt32(SIGNO, info.signal, littleEndian);
  to.setInt32(order.code, info.code, littleEndian);
  to.setInt32(order.errno, info.errno, littleEndian);
  const { fields } = info;
  switch (fields.kind) {
    case "sender":
      words(fields.pid, fields.uid);
      break;
    case "queue":
      words(fields.pid, fields.uid, fields.value);
      break;
    case "timer":
      words(fields.timer, fields.overrun, fields.value);
      break;
    case "fault":
      words(fields.address);
      break;
    case "child":
      words(fields.pid, fields.uid, fields.status, fields.userTime, fields.systemTime);
      break;
    case "poll":
      words(fields.band, fields.fd);
      break;
    case "syscall":
      words(fields.address, fields.number, fields.arch);
      break;
    case "raw":
      bytes.set(fields.bytes.subarray(0, INFO_BYTES - INFO_FIELDS), INFO_FIELDS);
  }
  return bytes;
}

/** A `siginfo_t` that the guest made. */
export function readInfo(
  memory: GuestMemory,
  address: number,
  signal: number,
  order: InfoOrder,
  littleEndian: boolean,
): SignalInfo {
  const bytes = memory.readBytes(address, INFO_BYTES);
  const from = viewOf(bytes);
  return {
    signal,
    code: from.getInt32(order.code, littleEndian),
    errno: from.getInt32(order.errno, littleEndian),
    fields: { kind: "raw", bytes: bytes.slice(INFO_FIELDS) },
  };
}

/** The kernel's sigset_t of `size` bytes: an array of 32-bit words, the lowest signals first. */
export function putSet(to: DataView, at: number, set: SignalSet, size: number, littleEndian: boolean): void {
  for (let word = 0; word < size / 4; word++) {
    to.setUint32(at + 4 * word, Number((set >> BigInt(32 * word)) & 0xffffffffn), littleEndian);
  }
}

export function takeSet(from: DataView, at: number, size: number, littleEndian: boolean): SignalSet {
  let set = 0n;
  for (let word = 0; word < size / 4; word++) {
    set |= BigInt(from.getUint32(at + 4 * word, littleEndian)) << BigInt(32 * word);
  }
  return set;
}

const SS_ONSTACK = 1;
const SS_DISABLE = 2;
const SS_AUTODISARM = 0x80000000;

/** `uc_stack.ss_flags` for a frame. */
export function stackFlags(stack: AlternateStack): number {
  return (stack.size === 0 ? SS_DISABLE : 0) | (stack.autoDisarm ? SS_AUTODISARM : 0);
}

/** sigreturn's part of sigaltstack(2), whose errors nobody hears of. `stackPointer`: the one that comes back. */
export function restoreStack(task: Task, stackPointer: number, stack: StackArgument, minimum: number): void {
  if (isOn(task.alternateStack, stackPointer)) return;
  const { pointer, size, flags } = stack;
  if ((flags & SS_DISABLE) !== 0) task.alternateStack = NO_ALTERNATE_STACK;
  else if (size >= minimum && (flags & ~(SS_ONSTACK | SS_AUTODISARM)) === 0) {
    task.alternateStack = { pointer, size, autoDisarm: (flags & SS_AUTODISARM) !== 0 };
  }
}
