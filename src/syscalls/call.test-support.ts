/** Calls system calls by name in tests, with real guest memory and the o32 ABI, without a CPU. */
import { Errno, errno } from "../kernel/errno.ts";
import { testKernel } from "../kernel/kernel.test-support.ts";
import type { TestKernel } from "../kernel/kernel.test-support.ts";
import { Wait } from "../kernel/wait.ts";
import type { WakeReason } from "../kernel/wait.ts";
import { AddressSpace } from "../memory/address-space.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import { PAGE_COUNT, PAGE_READ, PAGE_WRITE } from "../memory/page-table.ts";
import { softwareProtection } from "../memory/protection.ts";
import { mipsO32 } from "./abi/mips-o32.ts";
import { SyscallContext } from "./context.ts";
import type { ArgumentValue, SyscallRow } from "./row.ts";

/** Guest memory that tests may use. */
export const ROOM = 0x10000;
const ROOM_BYTES = 0x10000;

export interface TestCalls extends TestKernel {
  readonly memory: GuestMemory;
  readonly context: SyscallContext;
  /** The result, the errno's name, or what the call waits for. */
  call(name: string, ...args: readonly ArgumentValue[]): unknown;
}

/** One memory for all tests of a file: every address space starts empty. */
const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });

export function testCalls(rows: readonly SyscallRow[]): TestCalls {
  const kernel = testKernel();
  const { process } = kernel.task;
  const space = new AddressSpace({
    memory,
    pageTable: new Uint8Array(PAGE_COUNT),
    protection: softwareProtection(memory),
    limit: 0x7fff8000,
    mmapBase: 0x60000000,
    littleEndian: true,
  });
  space.map({
    address: ROOM,
    length: ROOM_BYTES,
    protection: PAGE_READ | PAGE_WRITE,
    fixed: true,
    noReplace: false,
    shared: false,
    backing: null,
    offset: 0,
  });
  new Uint8Array(memory.buffer, ROOM, ROOM_BYTES).fill(0);
  process.space = space;
  process.memory = space.guest;
  const offsets = new Map<string, number>();
  const abi = mipsO32({
    littleEndian: true,
    slotOffset(name) {
      if (!offsets.has(name)) offsets.set(name, 0x100 + 8 * offsets.size);
      return offsets.get(name) ?? 0;
    },
    pcOffset: 0,
    control: { read: () => 0, write: () => undefined },
    noReservation: 1,
  });
  const machine = { ...NO_TASKS, invalidateCode: () => undefined, release: "6.1.0", hostname: "test" };
  const context = new SyscallContext(kernel.task, abi, machine, new DataView(new ArrayBuffer(0x1000)));
  return {
    ...kernel,
    memory: space.guest,
    context,
    call(name, ...args) {
      const handler = rows.find((row) => row.name === name)?.handler as
        ((call: SyscallContext, ...args: readonly ArgumentValue[]) => unknown) | null | undefined;
      if (handler === undefined || handler === null) throw new Error(`no system call ${name}`);
      return attempt(() => handler(context, ...args));
    },
  };
}

const refuse = (): never => {
  throw errno.ENOSYS;
};
/** A machine that makes no tasks and runs no programs. */
export const NO_TASKS = { clone: refuse, exec: refuse } as const;

/** What a wait comes to when it is asked again. */
export function resume(wait: unknown, reason: WakeReason): unknown {
  if (!(wait instanceof Wait)) throw new Error(`not a wait: ${String(wait)}`);
  return attempt(() => wait.resume(reason));
}

function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof Errno) return error.name;
    if (error instanceof GuestFault) return "EFAULT";
    throw error;
  }
}
