/** Signals of the host: those that come to babelf, and those that end it. */
import { constants } from "node:os";
import { getKoffi } from "./koffi.ts";

/** What a user or a shell sends to a program that runs in the foreground. */
const FORWARDED = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGWINCH",
  "SIGTSTP",
  "SIGCONT",
] as const;

/** Passes the host's signals on, by name, until the returned function is called. */
export function onHostSignals(listener: (name: (typeof FORWARDED)[number]) => void): () => void {
  const stops = FORWARDED.flatMap((name) => {
    if (!(name in constants.signals)) return [];
    const handler = () => listener(name);
    process.on(name, handler);
    return [() => process.off(name, handler)];
  });
  return () => {
    for (const stop of stops) stop();
  };
}

/** Stops babelf itself, as the terminal's ^Z would; returns when it goes on. */
export function stopSelf(): void {
  process.kill(process.pid, "SIGSTOP");
}

/**
 * Ends the host process by the signal of this name, without a core file, so that whoever waits for it sees what a native
 * program's end would look like. Where the host has no such signal: exit code `128 + number`.
 */
export function dieBySignal(name: string, number: number): never {
  const exitCode = 128 + number;
  if (!(name in constants.signals)) process.exit(exitCode);
  const signal = name as NodeJS.Signals;
  forbidCoreFile();
  process.removeAllListeners(signal);
  if (signal !== "SIGKILL" && signal !== "SIGSTOP") {
    // Node ignores SIGPIPE and has handlers for others; a listener that comes and goes leaves the default action.
    const listener = () => undefined;
    process.on(signal, listener);
    process.off(signal, listener);
  }
  process.kill(process.pid, signal);
  // The signal is for the process: another thread may take it, a moment later.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  process.exit(exitCode);
}

/** sys/resource.h, the same on Linux and macOS. */
const RLIMIT_CORE = 4;

/** A core file of Node would be gigabytes of ours, not the guest's. */
function forbidCoreFile(): void {
  if (process.platform === "win32") return;
  try {
    const koffi = getKoffi();
    const setrlimit = koffi.load(null).func("int setrlimit(int resource, void *limit)");
    setrlimit(RLIMIT_CORE, new BigUint64Array(2));
  } catch {
    // Without koffi the host's own limit decides.
  }
}
