/**
 * Controlling terminals and job control: which session a terminal belongs to, and who may read and write it
 * (credentials(7), setpgid(2), tcsetpgrp(3); POSIX 11.1).
 */
import { errno } from "../errno.ts";
import { isOrphaned } from "../process-group.ts";
import type { Process } from "../process.ts";
import { SIG_IGN } from "../signal-actions.ts";
import { raiseInGroup, raiseInProcess } from "../signal-sending.ts";
import { hasSignal } from "../signal.ts";
import type { Task } from "../task.ts";
import { LOCAL } from "./termios.ts";
import type { Terminal } from "./terminal.ts";

const isLeader = (process: Process): boolean => process.sid === process.pid;

const isOwnedBy = (terminal: Terminal, process: Process): boolean =>
  terminal.owner !== null && terminal.owner.kernel === process.kernel && terminal.owner.session === process.sid;

/** The terminal becomes the controlling terminal of the process's session, with its group in the foreground. */
export function adoptTerminal(process: Process, terminal: Terminal): void {
  terminal.owner = { kernel: process.kernel, session: process.sid };
  terminal.foregroundGroup = process.pgid;
  process.terminal = terminal;
}

/** open(2) without O_NOCTTY: a session leader without a terminal gets the first one that is nobody's. */
export function adoptOnOpen(process: Process, terminal: Terminal): void {
  if (isLeader(process) && process.terminal === null && terminal.owner === null) adoptTerminal(process, terminal);
}

/** TIOCSCTTY; `steal`: root takes another session's. Throws EPERM. */
export function takeTerminal(task: Task, terminal: Terminal, steal: boolean, readable: boolean): void {
  const { process } = task;
  if (process.terminal === terminal && isLeader(process) && isOwnedBy(terminal, process)) return;
  if (!isLeader(process) || process.terminal !== null) throw errno.EPERM;
  if (terminal.owner !== null) {
    if (!steal || !task.credentials.isPrivileged) throw errno.EPERM;
    forget(terminal);
  }
  if (!readable && !task.credentials.isPrivileged) throw errno.EPERM;
  adoptTerminal(process, terminal);
}

/** TIOCNOTTY. Of a session leader the whole session loses it, and the foreground group is hung up. Throws ENOTTY. */
export function giveUpTerminal(process: Process, terminal: Terminal): void {
  if (process.terminal !== terminal) throw errno.ENOTTY;
  if (!isLeader(process)) {
    process.terminal = null;
    return;
  }
  terminal.signalForeground("SIGHUP");
  terminal.signalForeground("SIGCONT");
  forget(terminal);
}

/** A process has ended: a session leader leaves its session without a terminal. */
export function leaveTerminal(process: Process): void {
  const { terminal } = process;
  process.terminal = null;
  if (terminal === null || !isLeader(process) || !isOwnedBy(terminal, process)) return;
  terminal.signalForeground("SIGHUP");
  forget(terminal);
}

/** The terminal is gone (hangup): the session leader is told. */
export function hangUpSession(terminal: Terminal): void {
  const { owner } = terminal;
  if (owner === null) return;
  const leader = owner.kernel.processes.get(owner.session);
  forget(terminal);
  if (leader === undefined) return;
  raiseInProcess(leader, "SIGHUP");
  raiseInProcess(leader, "SIGCONT");
}

/** The terminal is nobody's any more. */
function forget(terminal: Terminal): void {
  const { owner } = terminal;
  if (owner === null) return;
  for (const process of owner.kernel.processes.values()) if (process.terminal === terminal) process.terminal = null;
  terminal.owner = null;
  terminal.foregroundGroup = 0;
}

/** TIOCSPGRP. Throws ENOTTY, EPERM, ESRCH. */
export function setForegroundGroup(process: Process, terminal: Terminal, pgid: number): void {
  if (process.terminal !== terminal || !isOwnedBy(terminal, process)) throw errno.ENOTTY;
  if (pgid < 0) throw errno.EINVAL;
  const member = [...process.kernel.processes.values()].find((other) => other.pgid === pgid);
  if (member === undefined) throw errno.ESRCH;
  if (member.sid !== process.sid) throw errno.EPERM;
  terminal.foregroundGroup = pgid;
}

/**
 * What only the foreground may do. In the background the group is stopped by `name`, and the call begins anew when it
 * goes on (ERESTARTSYS); who ignores or blocks SIGTTOU is let through, and who does so with SIGTTIN, or could not be
 * continued by anybody, gets EIO.
 */
export function requireForeground(task: Task, terminal: Terminal, name: "SIGTTIN" | "SIGTTOU"): void {
  const { process } = task;
  const { kernel } = process;
  if (process.terminal !== terminal || terminal.foregroundGroup === 0) return;
  if (process.pgid === terminal.foregroundGroup) return;
  const signal = kernel.signals.number(name);
  const isIgnored = process.actions.get(signal).handler === SIG_IGN || hasSignal(task.blocked, signal);
  if (isIgnored && name === "SIGTTOU") return;
  if (isIgnored || isOrphaned(kernel, process.pgid)) throw errno.EIO;
  raiseInGroup(kernel, process.pgid, name);
  throw errno.ERESTARTSYS;
}

/** write(2) from the background concerns only terminals with TOSTOP. */
export function requireWriter(task: Task, terminal: Terminal): void {
  const { process } = task;
  if (process.terminal !== terminal || process.pgid === terminal.foregroundGroup) return;
  if ((terminal.getAttributes().localFlags & LOCAL.TOSTOP) !== 0) requireForeground(task, terminal, "SIGTTOU");
}
