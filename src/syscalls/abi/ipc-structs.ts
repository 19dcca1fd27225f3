/** Structs of System V IPC (Linux: include/uapi/asm-generic/{ipc,shm,sem,msg}buf.h): the 64-bit-time forms, IPC_64. */
import type { Fields } from "../struct.ts";

/** struct ipc64_perm, with which each of them begins. */
export const PERMISSIONS = [
  ["key", "i32"],
  ["uid", "u32"],
  ["gid", "u32"],
  ["cuid", "u32"],
  ["cgid", "u32"],
  ["mode", "u32"],
  ["seq", "u16"],
  ["-", "u16"],
  ["-", "ulong"],
  ["-", "ulong"],
] as const satisfies Fields<string>;

export const IPC_FIELDS = {
  shmidDs: [
    ...PERMISSIONS,
    ["shm_segsz", "ulong"],
    ["shm_atime", "ulong"],
    ["shm_atime_high", "ulong"],
    ["shm_dtime", "ulong"],
    ["shm_dtime_high", "ulong"],
    ["shm_ctime", "ulong"],
    ["shm_ctime_high", "ulong"],
    ["shm_cpid", "i32"],
    ["shm_lpid", "i32"],
    ["shm_nattch", "ulong"],
    ["-", "ulong"],
    ["-", "ulong"],
  ],
  shminfo: [
    ["shmmax", "ulong"],
    ["shmmin", "ulong"],
    ["shmmni", "ulong"],
    ["shmseg", "ulong"],
    ["shmall", "ulong"],
    ["-", "bytes:16"],
  ],
  shmInfo: [
    ["used_ids", "i32"],
    ["shm_tot", "ulong"],
    ["shm_rss", "ulong"],
    ["shm_swp", "ulong"],
    ["swap_attempts", "ulong"],
    ["swap_successes", "ulong"],
  ],
  semidDs: [
    ...PERMISSIONS,
    ["sem_otime", "ulong"],
    ["sem_otime_high", "ulong"],
    ["sem_ctime", "ulong"],
    ["sem_ctime_high", "ulong"],
    ["sem_nsems", "ulong"],
    ["-", "ulong"],
    ["-", "ulong"],
  ],
  sembuf: [
    ["sem_num", "u16"],
    ["sem_op", "i16"],
    ["sem_flg", "i16"],
  ],
  seminfo: [
    ["semmap", "i32"],
    ["semmni", "i32"],
    ["semmns", "i32"],
    ["semmnu", "i32"],
    ["semmsl", "i32"],
    ["semopm", "i32"],
    ["semume", "i32"],
    ["semusz", "i32"],
    ["semvmx", "i32"],
    ["semaem", "i32"],
  ],
  msqidDs: [
    ...PERMISSIONS,
    ["msg_stime", "ulong"],
    ["msg_stime_high", "ulong"],
    ["msg_rtime", "ulong"],
    ["msg_rtime_high", "ulong"],
    ["msg_ctime", "ulong"],
    ["msg_ctime_high", "ulong"],
    ["msg_cbytes", "ulong"],
    ["msg_qnum", "ulong"],
    ["msg_qbytes", "ulong"],
    ["msg_lspid", "i32"],
    ["msg_lrpid", "i32"],
    ["-", "ulong"],
    ["-", "ulong"],
  ],
  msginfo: [
    ["msgpool", "i32"],
    ["msgmap", "i32"],
    ["msgmax", "i32"],
    ["msgmnb", "i32"],
    ["msgmni", "i32"],
    ["msgssz", "i32"],
    ["msgtql", "i32"],
    ["msgseg", "u16"],
  ],
} as const satisfies Record<string, Fields<string>>;

/** MIPS o32 (Linux: arch/mips/include/uapi/asm): the upper halves of times where there was room for them. */
export const MIPS_IPC_FIELDS = {
  shmidDs: [
    ...PERMISSIONS,
    ["shm_segsz", "ulong"],
    ["shm_atime", "ulong"],
    ["shm_dtime", "ulong"],
    ["shm_ctime", "ulong"],
    ["shm_cpid", "i32"],
    ["shm_lpid", "i32"],
    ["shm_nattch", "ulong"],
    ["shm_atime_high", "u16"],
    ["shm_dtime_high", "u16"],
    ["shm_ctime_high", "u16"],
    ["-", "u16"],
  ],
  semidDs: [
    ...PERMISSIONS,
    ["sem_otime", "ulong"],
    ["sem_ctime", "ulong"],
    ["sem_nsems", "ulong"],
    ["sem_otime_high", "ulong"],
    ["sem_ctime_high", "ulong"],
  ],
} as const satisfies { readonly [N in keyof typeof IPC_FIELDS]?: Fields<string> };

/** The big-endian o32's msqid_ds alone has the upper half of a time first. */
export const MIPS_BIG_ENDIAN_IPC_FIELDS = {
  msqidDs: [
    ...PERMISSIONS,
    ["msg_stime_high", "ulong"],
    ["msg_stime", "ulong"],
    ["msg_rtime_high", "ulong"],
    ["msg_rtime", "ulong"],
    ["msg_ctime_high", "ulong"],
    ["msg_ctime", "ulong"],
    ...IPC_FIELDS.msqidDs.slice(PERMISSIONS.length + 6),
  ],
} as const satisfies { readonly [N in keyof typeof IPC_FIELDS]?: Fields<string> };
