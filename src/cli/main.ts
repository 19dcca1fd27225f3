/** The command's start: decides what is asked for. Loads only what that needs, because start-up time is felt. */
import { parseCommandLine, UsageError } from "./parse.ts";

/** A wrong command line, as env(1) and timeout(1) end: a program's own codes rarely are that. */
const EXIT_USAGE = 125;
/** An error of ours (sysexits' EX_SOFTWARE). */
const EXIT_INTERNAL = 70;

async function main(): Promise<void> {
  const commandLine = parseCommandLine(process.argv.slice(2));
  if (commandLine.given.has("help")) {
    const { helpText } = await import("./help.ts");
    process.stdout.write(`${await helpText(process.stdout.columns ?? 100)}\n`);
  } else if (commandLine.given.has("version")) {
    const { version } = await import("./version.ts");
    process.stdout.write(`babelf ${version()}, Node.js ${process.versions.node}, V8 ${process.versions.v8}\n`);
  } else {
    // The one command so far; each further one gets a file like it.
    const { runCommand } = await import("./run.ts");
    await runCommand(commandLine);
  }
}

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`babelf: ${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  } else {
    process.stderr.write(`babelf: internal error, please report it: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = EXIT_INTERNAL;
  }
}
