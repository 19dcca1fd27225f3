/** Linux system calls: the guest's ABI on one side, the kernel on the other. For the machine in `user/`. */
export { SyscallContext, type CloneRequest, type ExecRequest, type Machine } from "./context.ts";
export { Dispatcher, DONE, INTERRUPTED, WAITING, type Outcome, type SyscallTracer } from "./dispatcher.ts";
export type { Abi } from "./abi/abi.ts";
export type { Result, SyscallRow } from "./row.ts";
export { armEabi } from "./abi/arm-eabi.ts";
export { mipsO32 } from "./abi/mips-o32.ts";
export { ROWS } from "./rows.ts";
