/**
 * `--strace`: one line a system call, as strace(1) prints it, made from the rows alone. What a call reads is printed as
 * it was before the call, what it fills in as it is afterwards. A call that another task's call overtakes while it waits
 * is printed in two parts, as strace does it.
 */
import { Errno } from "../kernel/errno.ts";
import type { ArgumentType, ResultFormat } from "../syscalls/row.ts";
import type { Result, SyscallContext, SyscallTracer } from "../syscalls/index.ts";

/** strace lines results up here. */
const RESULT_COLUMN = 39;

interface Call {
  /** Texts of the arguments; null: known only afterwards. */
  readonly texts: (string | null)[];
  /** The first part of the line has been printed. */
  split: boolean;
}

export function createStrace(print: (line: string) => void): SyscallTracer {
  const underWay = new WeakMap<SyscallContext, Call>();

  return {
    enter(call) {
      const types = call.row?.args ?? [];
      const texts = types.map((type, index) => (type.out ? null : show(call, type, index, null)));
      underWay.set(call, { texts, split: false });
    },

    waiting(call) {
      const state = underWay.get(call);
      if (state === undefined || state.split) return;
      state.split = true;
      const known = state.texts.slice(0, firstUnknown(state.texts)) as string[];
      print(`${prefix(call)}${nameOf(call)}(${join([...known, "<unfinished ...>"])}`);
    },

    leave(call, answer) {
      const state = underWay.get(call);
      if (state === undefined) return;
      underWay.delete(call);
      const result = typeof answer === "number" || typeof answer === "bigint" ? answer : null;
      const types = call.row?.args ?? [];
      const texts = types.map((type, index) => state.texts[index] ?? show(call, type, index, result));
      const line = state.split
        ? `${prefix(call)}<... ${nameOf(call)} resumed> ${join(texts.slice(firstUnknown(state.texts)))})`
        : `${prefix(call)}${nameOf(call)}(${join(texts)})`;
      print(`${line.padEnd(RESULT_COLUMN)} = ${showAnswer(answer, call.row?.result ?? "decimal")}`);
    },
  };
}

const nameOf = (call: SyscallContext): string => call.row?.name ?? `syscall_${call.number}`;
const prefix = (call: SyscallContext): string => (call.kernel.tasks.size > 1 ? `[pid ${call.task.tid}] ` : "");

/** Arguments that a call does not use in this case (the mode of an open without O_CREAT) have no text. */
const join = (texts: readonly string[]): string => texts.filter((text) => text !== "").join(", ");

function firstUnknown(texts: readonly (string | null)[]): number {
  const index = texts.indexOf(null);
  return index < 0 ? texts.length : index;
}

function show(call: SyscallContext, type: ArgumentType, index: number, result: number | bigint | null): string {
  const value = call.args[index];
  return value === undefined ? "?" : type.show(value as never, { call, args: call.args, index, result });
}

function showAnswer(answer: Result | Errno, format: ResultFormat): string {
  if (answer instanceof Errno) {
    const restarts = answer.name.startsWith("ERESTART");
    return restarts ? `? ${answer.name} (To be restarted)` : `-1 ${answer.name} (${answer.message})`;
  }
  if (typeof answer === "symbol" || format === "none") return "?";
  if (format === "hex") return `0x${(typeof answer === "number" ? answer >>> 0 : answer).toString(16)}`;
  if (format === "octal") return `0${answer.toString(8)}`;
  return answer.toString();
}
