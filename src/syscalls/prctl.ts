/** prctl(2): one row an operation. */
import { errno } from "../kernel/errno.ts";
import { fromBytes, toBytes } from "../kernel/fs/byte-string.ts";
import type { Process } from "../kernel/process.ts";
import type { Task } from "../kernel/task.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { partial, type SyscallRow } from "./row.ts";

type Operation = (call: SyscallContext, arg2: number, arg3: number, arg4: number, arg5: number) => number;

/** What is kept and given back. */
interface TaskValues {
  noNewPrivileges: boolean;
}
interface ProcessValues {
  dumpable: number;
  hugePagesDisabled: number;
  tscMode: number;
}
const ofTasks = new WeakMap<Task, TaskValues>();
const ofProcesses = new WeakMap<Process, ProcessValues>();

function taskValues(call: SyscallContext): TaskValues {
  let values = ofTasks.get(call.task);
  if (values === undefined) ofTasks.set(call.task, (values = { noNewPrivileges: false }));
  return values;
}
function processValues(call: SyscallContext): ProcessValues {
  let values = ofProcesses.get(call.process);
  if (values === undefined) {
    values = { dumpable: 1, hugePagesDisabled: 0, tscMode: 1 };
    ofProcesses.set(call.process, values);
  }
  return values;
}

/** TASK_COMM_LEN: 15 bytes and the NUL. */
const NAME_BYTES = 16;
const CAP_LAST_CAP = 40;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  PR_SET_NAME: (call, address) => {
    // A longer name is cut, not refused; what counts is 15 bytes.
    const bytes = call.memory.readCString(address, NAME_BYTES - 1) ?? call.memory.readBytes(address, NAME_BYTES - 1);
    call.task.name = fromBytes(bytes);
    return 0;
  },
  PR_GET_NAME: (call, address) => {
    const name = new Uint8Array(NAME_BYTES);
    name.set(toBytes(call.task.name).subarray(0, NAME_BYTES - 1));
    call.memory.writeBytes(address, name);
    return 0;
  },
  PR_SET_PDEATHSIG: (call, signal) => {
    if (signal !== 0 && !call.kernel.signals.isValid(signal)) throw errno.EINVAL;
    call.task.parentDeathSignal = signal;
    return 0;
  },
  PR_GET_PDEATHSIG: (call, address) => {
    call.memory.writeS32(address, call.task.parentDeathSignal);
    return 0;
  },
  PR_GET_DUMPABLE: (call) => processValues(call).dumpable,
  PR_SET_DUMPABLE: (call, value) => {
    if (value > 1) throw errno.EINVAL;
    processValues(call).dumpable = value;
    return 0;
  },
  PR_GET_KEEPCAPS: (call) => Number(call.task.credentials.keepsCapabilities),
  PR_SET_KEEPCAPS: (call, value) => {
    if (value > 1) throw errno.EINVAL;
    call.task.credentials.keepsCapabilities = value === 1;
    return 0;
  },
  PR_SET_NO_NEW_PRIVS: (call, value, arg3, arg4, arg5) => {
    if (value !== 1 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0) throw errno.EINVAL;
    taskValues(call).noNewPrivileges = true;
    return 0;
  },
  PR_GET_NO_NEW_PRIVS: (call, arg2, arg3, arg4, arg5) => {
    if (arg2 !== 0 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0) throw errno.EINVAL;
    return taskValues(call).noNewPrivileges ? 1 : 0;
  },
  PR_SET_TIMERSLACK: (call, value) => {
    call.task.timerSlack = value === 0 ? 50_000n : BigInt(value);
    return 0;
  },
  PR_GET_TIMERSLACK: (call) => Number(call.task.timerSlack),
  PR_SET_CHILD_SUBREAPER: (call, value) => {
    call.process.childSubreaper = value !== 0;
    return 0;
  },
  PR_GET_CHILD_SUBREAPER: (call, address) => {
    call.memory.writeS32(address, call.process.childSubreaper ? 1 : 0);
    return 0;
  },
  PR_SET_THP_DISABLE: (call, value) => {
    processValues(call).hugePagesDisabled = value === 0 ? 0 : 1;
    return 0;
  },
  PR_GET_THP_DISABLE: (call) => processValues(call).hugePagesDisabled,
  PR_GET_TID_ADDRESS: (call, address) => {
    call.memory.writeU32(address, call.task.clearChildTid);
    return 0;
  },
  // PR_TIMING_STATISTICAL is the only kind.
  PR_GET_TIMING: () => 0,
  PR_SET_TIMING: (_call, value) => {
    if (value !== 0) throw errno.EINVAL;
    return 0;
  },
  PR_CAPBSET_READ: (_call, capability) => {
    if (capability > CAP_LAST_CAP) throw errno.EINVAL;
    return 1;
  },
  PR_CAPBSET_DROP: (call, capability) => {
    if (!call.task.credentials.isPrivileged) throw errno.EPERM;
    if (capability > CAP_LAST_CAP) throw errno.EINVAL;
    return 0;
  },
  PR_GET_SECUREBITS: () => 0,
  PR_GET_SECCOMP: () => 0,
  // Names of anonymous memory (PR_SET_VMA_ANON_NAME) are for /proc/PID/maps only. A kernel without them says EINVAL.
  PR_SET_FP_MODE: (call, mode) => {
    const { fpMode } = call.abi;
    if (fpMode === null) throw errno.EINVAL;
    if (!fpMode.set(call.registers, mode)) throw errno.EOPNOTSUPP;
    return 0;
  },
  PR_GET_FP_MODE: (call) => {
    const { fpMode } = call.abi;
    if (fpMode === null) throw errno.EINVAL;
    return fpMode.get(call.registers);
  },
};

function prctl(call: SyscallContext, option: number, a2: number, a3: number, a4: number, a5: number): number {
  const name = call.abi.constants.prctl.nameOf(option);
  const run = name === undefined ? undefined : OPERATIONS[name];
  if (run === undefined) throw errno.EINVAL;
  return run(call, a2, a3, a4, a5);
}

/** prctl's second argument, by operation. */
const prctlArgument: typeof arg.hexadecimal = {
  ...arg.hexadecimal,
  show: (value, { call, args }) => {
    const name = call.abi.constants.prctl.nameOf(Number(args[0]));
    if (name === "PR_SET_NAME") return arg.showString(call, value, NAME_BYTES);
    if (name === "PR_SET_FP_MODE") return call.abi.constants.fpMode.showBits(value);
    return `0x${value.toString(16)}`;
  },
};

export const PRCTL_ROWS: readonly SyscallRow[] = [
  partial(
    "prctl",
    [arg.choice("prctl"), prctlArgument, arg.hexadecimal, arg.hexadecimal, arg.hexadecimal],
    `${Object.keys(OPERATIONS).join(", ")}; all others are EINVAL`,
    prctl,
  ),
];
