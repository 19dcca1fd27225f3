/** `--help`: examples first, then every option. yargs is loaded only for it, because that takes long. */
import { OPTIONS, type Option } from "./options.ts";

export async function helpText(columns: number): Promise<string> {
  const { default: yargs } = await import("yargs");
  const parser = yargs([])
    .scriptName("babelf")
    .locale("en")
    .wrap(Math.min(columns, 110))
    .version(false)
    .help(false)
    .parserConfiguration({ "boolean-negation": false, "duplicate-arguments-array": false })
    .usage(
      "Runs Linux programs built for another processor (32-bit MIPS of both byte orders, 32-bit ARM).\n\n" +
        "  babelf [options] program [args…]\n\n" +
        "The program is a path, as in qemu-user: PATH is not searched. What follows it belongs to the program.",
    );
  for (const option of OPTIONS as readonly Option[]) {
    // yargs would print "--0" for a digit.
    const letter = option.letter?.length === 1 && /[a-z]/i.test(option.letter) ? option.letter : undefined;
    const value = option.value === undefined ? "" : `  [${option.takes === "optional" ? "=" : ""}${option.value}]`;
    parser.option(option.name, {
      group: `${option.group}:`,
      describe: (option.letter === "0" ? "(-0) " : "") + option.help + value,
      ...(letter === undefined ? {} : { alias: letter }),
    });
  }
  for (const [command, what] of EXAMPLES) parser.example(command, what);
  parser.epilogue(
    "It sees its sysroot, the working directory, a private /tmp and harmless variables, until you allow more.\n\n" +
      "Exit code: the program's own; if a signal ended it, babelf ends by the same signal (128+n in a shell).\n" +
      "babelf's own: 123 output limit, 124 time limit, 125 wrong command line, 126 cannot be run, 127 not found,\n" +
      "70 a bug in babelf.\n\n" +
      "DEBUG=babelf:* shows what every part does.",
  );
  return parser.getHelp();
}

const EXAMPLES = [
  ["babelf ./hello World", "run a static program"],
  ["babelf -L /usr/mipsel-linux-gnu ./hello", "run one that needs libraries, with a cross compiler's own"],
  ["babelf -L ./debian /bin/ls -la", "run a program out of another system's tree"],
  ["babelf --rootfs ./debian --mount .:/src bash", "a shell in a whole system"],
  ["babelf --rootfs ./debian --overlay memory --user root bash", "the same as root, and nothing stays changed"],
  ["babelf --strace ./hello", "see every system call"],
  ["babelf --timeout 10s --memory 64M ./untrusted", "run what you do not trust"],
  ["babelf --allow-fs-write=out -E DEBUG=1 ./build", "give it a directory and a variable"],
] as const;
