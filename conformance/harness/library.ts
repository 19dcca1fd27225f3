/**
 * babelf as a library, many runs in one worker process, as a test suite with thousands of programs uses it. The worker is
 * replaced when it dies or hangs, so that one bad case costs one case.
 */
import { fork, type ChildProcess } from "node:child_process";
import path from "node:path";
import type { Case, Driver, Ending, Outcome } from "./outcome.ts";

export interface WorkerReply {
  readonly ending: Ending;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Runs in one worker before it is replaced: a leak of ours must not pile up, and shows in a run's memory before. */
const RUNS_PER_WORKER = 2000;
/** Seconds that a worker has to start, above a case's own time. */
const START_TIME = 20;
const STDERR_KEPT = 20_000;

const EMPTY = new Uint8Array();

export function libraryDriver(): Driver {
  let worker: ChildProcess | undefined;
  let runs = 0;
  let said = "";

  const stop = () => {
    worker?.kill("SIGKILL");
    worker = undefined;
  };
  const start = () => {
    const started = fork(path.join(import.meta.dirname, "library-worker.ts"), {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
    });
    said = "";
    started.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-STDERR_KEPT);
    });
    runs = 0;
    return started;
  };

  return {
    name: "babelf",
    close: stop,
    run(request: Case): Promise<Outcome> {
      if (++runs > RUNS_PER_WORKER) stop();
      const current = (worker ??= start());
      const began = performance.now();
      return new Promise((resolve) => {
        const finish = (reply: WorkerReply) => {
          clearTimeout(timer);
          current.removeAllListeners("message").removeAllListeners("exit");
          resolve({ ...reply, seconds: (performance.now() - began) / 1000 });
        };
        const fail = (ending: Ending) => {
          stop();
          finish({ ending, stdout: EMPTY, stderr: Buffer.from(said) });
        };
        const timer = setTimeout(
          () => fail({ kind: "broken", message: "babelf does not come back" }),
          (request.timeout + START_TIME) * 1000,
        );
        current.on("message", (reply) => finish(reply as WorkerReply));
        current.on("exit", (code, signal) => {
          const last =
            said
              .trim()
              .split("\n")
              .find((line) => /Error|error|fatal/i.test(line)) ?? "";
          fail({ kind: "broken", message: `babelf's process ended (${signal ?? code}) ${last}` });
        });
        current.send(request, (error) => {
          if (error) fail({ kind: "broken", message: error.message });
        });
      });
    },
  };
}
