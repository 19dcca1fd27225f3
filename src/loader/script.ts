/** The first line of a script (man 2 execve, "Interpreter scripts"). */

/** Linux looks at this many bytes (BINPRM_BUF_SIZE). */
export const SCRIPT_LINE_BYTES = 256;

export interface ScriptLine {
  readonly interpreter: Uint8Array;
  /** Everything after the interpreter is one argument, whatever blanks it holds; null: there is none. */
  readonly argument: Uint8Array | null;
}

const NEWLINE = 0x0a;
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09;

/** Parses the line that `start` begins with ("#!" included); null: no interpreter, or its name is cut off. */
export function parseScriptLine(start: Uint8Array): ScriptLine | null {
  const newline = start.indexOf(NEWLINE);
  const complete = newline >= 0 || start.length < SCRIPT_LINE_BYTES;
  let end = newline >= 0 ? newline : start.length;
  const zero = start.indexOf(0);
  if (zero >= 0 && zero < end) end = zero;
  let from = 2;
  while (from < end && isBlank(start[from]!)) from++;
  while (end > from && isBlank(start[end - 1]!)) end--;
  if (from === end) return null;
  let nameEnd = from;
  while (nameEnd < end && !isBlank(start[nameEnd]!)) nameEnd++;
  // A long argument is cut as Linux cuts it; a name that goes on past what is read would be another file's.
  if (nameEnd === end && !complete && zero < 0) return null;
  let argument = nameEnd;
  while (argument < end && isBlank(start[argument]!)) argument++;
  return {
    interpreter: start.slice(from, nameEnd),
    argument: argument < end ? start.slice(argument, end) : null,
  };
}
