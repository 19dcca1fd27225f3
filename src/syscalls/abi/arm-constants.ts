/** What ARM numbers otherwise than asm-generic (Linux: arch/arm/include/uapi/asm/fcntl.h, ioctls.h). */
import type { Overrides } from "./constants.ts";

export const ARM_CONSTANTS: Overrides = {
  open: {
    O_DIRECTORY: 0o40000,
    O_NOFOLLOW: 0o100000,
    O_DIRECT: 0o200000,
    O_LARGEFILE: 0o400000,
    O_TMPFILE: 0o20040000,
  },
  ioctl: { FIOQSIZE: 0x545e },
};
