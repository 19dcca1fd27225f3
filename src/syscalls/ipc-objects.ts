/** What the calls of System V IPC have in common: who asks, and the fields that all structs of theirs begin with. */
import type { IpcCaller, IpcObject } from "../kernel/ipc/objects.ts";
import type { SyscallContext } from "./context.ts";

/** For the kernel's checks of permissions. */
export function caller(call: SyscallContext): IpcCaller {
  return { pid: call.process.pid, credentials: call.task.credentials };
}

/** ipc64_perm's fields. */
export function permissions(object: IpcObject) {
  return {
    key: object.key,
    uid: object.uid,
    gid: object.gid,
    cuid: object.creatorUid,
    cgid: object.creatorGid,
    mode: object.mode,
    seq: object.sequence,
  };
}

/** The upper half of a time, which has a field of its own. */
export const high = (seconds: bigint): bigint => seconds >> 32n;

/** What IPC_SET reads: the owner and the permissions (and msg_qbytes). */
export function changed(fields: {
  readonly uid: number | bigint;
  readonly gid: number | bigint;
  readonly mode: number | bigint;
}) {
  return { uid: Number(fields.uid), gid: Number(fields.gid), mode: Number(fields.mode) };
}
