/** Every option of the command line, as one table: parsing, `--help` and the README's list are made from it. */

/** What stands after an option: nothing, a value, or `=VALUE` that may be left out. */
type Takes = "nothing" | "value" | "optional";

export interface Option {
  readonly name: string;
  /** qemu-user's letter or word; `-LETTER` is the same as `--name`. */
  readonly letter?: string;
  readonly takes: Takes;
  /** The value's name in help texts. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeated?: true;
  readonly group: "Program" | "Sandbox" | "Limits" | "Insight" | "babelf";
  readonly help: string;
}

const row = <const N extends string>(
  name: N,
  group: Option["group"],
  spelling: { letter?: string; value?: string; optional?: true; repeated?: true },
  help: string,
): Option & { readonly name: N } => ({
  name,
  group,
  takes: spelling.value === undefined ? "nothing" : spelling.optional ? "optional" : "value",
  ...(spelling.letter === undefined ? {} : { letter: spelling.letter }),
  ...(spelling.value === undefined ? {} : { value: spelling.value }),
  ...(spelling.repeated ? { repeated: true as const } : {}),
  help,
});

export const OPTIONS = [
  row(
    "sysroot",
    "Program",
    { letter: "L", value: "DIR" },
    "the guest's file tree: its dynamic linker, libraries, /etc",
  ),
  row("rootfs", "Program", { value: "DIR" }, "run in this root directory, which the guest may change, as chroot would"),
  row(
    "overlay",
    "Program",
    { value: "DIR|memory" },
    "keep what it changes in its root apart: in a directory made for that, or for this run only",
  ),
  row("user", "Program", { value: "UID[:GID]" }, "who it runs as in its own tree; root: 0:0"),
  row("chdir", "Program", { value: "DIR" }, "the guest directory in which it starts"),
  row("env", "Program", { letter: "E", value: "NAME=VALUE", repeated: true }, "set a variable for the guest"),
  row("unset-env", "Program", { letter: "U", value: "NAME", repeated: true }, "take a variable away from the guest"),
  row("argv0", "Program", { letter: "0", value: "NAME" }, "what the guest sees as its own name"),
  row("stack-size", "Program", { letter: "s", value: "BYTES" }, "how far the stack may grow (8M)"),
  row("uname", "Program", { letter: "r", value: "RELEASE" }, "the kernel release that uname tells"),
  row("cpu", "Program", { letter: "cpu", value: "MODEL" }, "the processor; --cpu=help lists them"),
  row("allow-fs-read", "Sandbox", { value: "PATH", repeated: true }, "show a host file or directory, read-only"),
  row(
    "allow-fs-write",
    "Sandbox",
    { value: "PATH", repeated: true },
    "show a host file or directory, to read and write",
  ),
  row(
    "mount",
    "Sandbox",
    { value: "HOST:GUEST[:ro]", repeated: true },
    "show a host file or directory at a place of its own",
  ),
  row("tmpfs", "Sandbox", { value: "DIR", repeated: true }, "a guest directory in memory, gone afterwards"),
  row(
    "allow-net",
    "Sandbox",
    { value: "HOST:PORT", optional: true, repeated: true },
    "let it reach this address, and listen at it; every one without =HOST:PORT",
  ),
  row(
    "allow-env",
    "Sandbox",
    { value: "NAME", optional: true, repeated: true },
    "pass a variable of yours on; all without =NAME",
  ),
  row("allow-all", "Sandbox", {}, "no sandbox: every file, variable and network that you have"),
  row("timeout", "Limits", { value: "TIME" }, "end after this time: 500ms, 10s, 2m (exit code 124)"),
  row("cpu-time", "Limits", { value: "TIME" }, "end after this much processor time (exit code 124)"),
  row("memory", "Limits", { value: "BYTES" }, "guest memory: 64M, 1G; more is refused with ENOMEM"),
  row("output", "Limits", { value: "BYTES" }, "what it may write to stdout and stderr (exit code 123)"),
  row("open-files", "Limits", { value: "COUNT" }, "open file descriptors"),
  row("processes", "Limits", { value: "COUNT" }, "processes and threads"),
  row("strace", "Insight", { letter: "strace" }, "print every system call"),
  row("log", "Insight", { letter: "d", value: "ITEMS" }, "print what babelf does; -d help lists the items"),
  row("log-file", "Insight", { letter: "D", value: "FILE" }, "where --strace and --log write (stderr)"),
  row(
    "translate-after",
    "babelf",
    { value: "COUNT" },
    "interpret code so often before it is translated (40); 0: translate at once",
  ),
  row("no-ffi", "babelf", {}, "check page protection in software, without native code"),
  row("no-cache", "babelf", {}, "neither read nor write compiled code of earlier runs"),
  row("help", "babelf", { letter: "h" }, "this text"),
  row("version", "babelf", { letter: "v" }, "the version"),
] as const;

export type OptionName = (typeof OPTIONS)[number]["name"];

/** qemu-user's options that babelf does not have, with what to do instead. */
export const QEMU_ONLY: Readonly<Record<string, string>> = {
  g: "a gdb server is not in this version",
  p: "the page size is always 4096",
  B: "guest addresses are babelf's own; there is no base",
  R: "guest addresses are babelf's own; nothing is to be reserved",
  singlestep: "see -d help for what can be traced",
  "one-insn-per-tb": "see -d help for what can be traced",
  trace: "see -d help for what can be traced",
  plugin: "there are no plugins",
  seed: "set limits and variables instead; AT_RANDOM cannot be chosen",
  dfilter: "see -d help for what can be traced",
};

/** Loggers for -d: each is also reached by DEBUG=babelf:NAME. */
export const LOG_ITEMS: Readonly<Record<string, string>> = {
  loader: "what is mapped where",
  translate: "regions that are translated",
  in_asm: "guest code that is translated, as objdump prints it",
  memory: "mappings that come and go",
  kernel: "tasks, signals, files",
  strace: "system calls, as --strace",
};
