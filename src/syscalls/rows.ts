/** Every system call that is known, whatever the architecture: an ABI picks those that it has a number for. */
import { ATTRIBUTE_ROWS } from "./attributes.ts";
import { DESCRIPTOR_ROWS } from "./descriptors.ts";
import { DIRECTORY_ROWS } from "./directories.ts";
import { EVENT_ROWS } from "./events.ts";
import { FILE_ROWS } from "./files.ts";
import { FUTEX_ROWS } from "./futex.ts";
import { IDENTITY_ROWS } from "./identity.ts";
import { IDENTITY_16_ROWS } from "./identity16.ts";
import { INOTIFY_ROWS } from "./inotify.ts";
import { IOCTL_ROWS } from "./ioctl.ts";
import { IPC_ROWS } from "./ipc.ts";
import { LIMIT_ROWS } from "./limits.ts";
import { MEMORY_ROWS } from "./memory.ts";
import { MQUEUE_ROWS } from "./mqueue.ts";
import { OPENING_ROWS } from "./opening.ts";
import { POLL_ROWS } from "./poll.ts";
import { PRCTL_ROWS } from "./prctl.ts";
import { PROCESS_ROWS } from "./process.ts";
import { PROGRAM_ROWS } from "./programs.ts";
import type { SyscallRow } from "./row.ts";
import { SIGNAL_ROWS } from "./signals.ts";
import { SOCKET_ROWS } from "./sockets.ts";
import { STAT_ROWS } from "./stat.ts";
import { SYNC_ROWS } from "./syncing.ts";
import { SYSTEM_ROWS } from "./system.ts";
import { TASK_ROWS } from "./tasks.ts";
import { TIME_ROWS } from "./time.ts";
import { TIMERFD_ROWS } from "./timerfd.ts";
import { WAIT_ROWS } from "./wait.ts";

/** By subject, for the documentation. */
export const ROWS_BY_SUBJECT: Readonly<Record<string, readonly SyscallRow[]>> = {
  "Reading and writing": FILE_ROWS,
  "Opening files": OPENING_ROWS,
  Descriptors: DESCRIPTOR_ROWS,
  "What is known of files": STAT_ROWS,
  "Changing files": ATTRIBUTE_ROWS,
  "Names and directories": DIRECTORY_ROWS,
  "To the disk": SYNC_ROWS,
  "Terminals and devices": IOCTL_ROWS,
  "Waiting for descriptors": POLL_ROWS,
  Events: [...EVENT_ROWS, ...TIMERFD_ROWS, ...INOTIFY_ROWS],
  Memory: MEMORY_ROWS,
  Sockets: SOCKET_ROWS,
  "System V IPC": IPC_ROWS,
  "POSIX message queues": MQUEUE_ROWS,
  Signals: SIGNAL_ROWS,
  Time: TIME_ROWS,
  "Processes and threads": [...PROCESS_ROWS, ...TASK_ROWS, ...PROGRAM_ROWS, ...WAIT_ROWS, ...FUTEX_ROWS],
  "Users and groups": IDENTITY_ROWS,
  "Users and groups, ids of 16 bits": IDENTITY_16_ROWS,
  "Limits and scheduling": LIMIT_ROWS,
  "Process attributes": PRCTL_ROWS,
  System: SYSTEM_ROWS,
};

export const ROWS: readonly SyscallRow[] = Object.values(ROWS_BY_SUBJECT).flat();
