/**
 * `--strace`: one line a system call, as strace(1) prints it, made from the rows alone. What a call reads is printed as
 * it was before the call, what it fills in as it is afterwards.
 */
import { Errno } from "../kernel/errno.ts";
import type { SyscallContext, SyscallTracer } from "../syscalls/index.ts";
import type { Result } from "../syscalls/row.ts";

/** strace lines results up here. */
const RESULT_COLUMN = 39;

export function createStrace(print: (line: string) => void): SyscallTracer {
  /** Texts of the arguments of calls under way; null: known only afterwards. */
  const entered = new WeakMap<SyscallContext, (string | null)[]>();
  const several = (call: SyscallContext): string => (call.kernel.tasks.size > 1 ? `[pid ${call.task.tid}] ` : "");

  return {
    enter(call) {
      const row = call.row;
      const texts = (row?.args ?? []).map((type, index) => {
        const value = call.args[index];
        if (type.out || value === undefined) return null;
        return type.show(value, { call, args: call.args, index, result: null });
      });
      entered.set(call, texts);
    },
    waiting() {
      // The line is printed when the answer is there.
    },
    leave(call, answer) {
      const row = call.row;
      const texts = entered.get(call);
      if (row === null || texts === undefined) return;
      entered.delete(call);
      const result = typeof answer === "number" || typeof answer === "bigint" ? answer : null;
      const args = row.args.map((type, index) => {
        const text = texts[index];
        if (text !== null && text !== undefined) return text;
        const value = call.args[index];
        return value === undefined ? "?" : type.show(value, { call, args: call.args, index, result });
      });
      const line = `${several(call)}${row.name}(${args.join(", ")})`;
      print(`${line.padEnd(RESULT_COLUMN)} = ${showAnswer(answer, row.result)}`);
    },
  };
}

function showAnswer(answer: Result | Errno, format: "decimal" | "hex" | "octal" | "none"): string {
  if (answer instanceof Errno) {
    return answer.name.startsWith("ERESTART")
      ? `? ${answer.name} (${answer.message})`
      : `-1 ${answer.name} (${answer.message})`;
  }
  if (typeof answer === "symbol" || format === "none") return "?";
  if (format === "hex") return `0x${(typeof answer === "number" ? answer >>> 0 : answer).toString(16)}`;
  if (format === "octal") return `0${answer.toString(8)}`;
  return answer.toString();
}
