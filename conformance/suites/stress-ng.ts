/**
 * stress-ng's stressors that ask something of a kernel, from Debian's package for the target: each does a small number of
 * its operations and checks what came of them (`--verify`). What succeeds under the peer must succeed here.
 */
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../harness/cache.ts";
import { debianRoot } from "../harness/debian-root.ts";
import { describeEnding, type Case, type Outcome } from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row, SkippedRow, Verdict } from "../harness/report.ts";
import { rootedPeer } from "../harness/rooted-peer.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";

const PACKAGES = ["stress-ng"];
const PROGRAM = "usr/bin/stress-ng";
const TIMEOUT = 240;

/** How many operations of each stressor. */
const STRESSORS: Readonly<Record<string, number>> = {
  // Processes and threads
  fork: 50,
  vfork: 50,
  clone: 50,
  daemon: 5,
  zombie: 20,
  wait: 20,
  pidfd: 10,
  kill: 50,
  "exit-group": 10,
  pthread: 20,
  nice: 10,
  session: 5,
  set: 20,
  get: 10,
  rlimit: 20,
  // Synchronisation
  futex: 50,
  mutex: 200,
  sem: 200,
  "sem-sysv": 100,
  msg: 200,
  mq: 100,
  shm: 5,
  "shm-sysv": 5,
  switch: 200,
  flock: 50,
  lockf: 50,
  lockofd: 50,
  membarrier: 20,
  // Signals
  signal: 100,
  signest: 20,
  sigabrt: 20,
  sigchld: 20,
  sigfd: 50,
  sigfpe: 20,
  sigio: 20,
  sigpending: 50,
  sigpipe: 20,
  sigq: 50,
  sigrt: 20,
  sigsegv: 20,
  sigsuspend: 20,
  sigtrap: 20,
  "bad-altstack": 5,
  // Clocks
  alarm: 1,
  timer: 50,
  timerfd: 50,
  itimer: 50,
  nanosleep: 20,
  clock: 20,
  sleep: 20,
  // Waiting
  pipe: 200,
  pipeherd: 50,
  "ring-pipe": 20,
  fifo: 50,
  poll: 50,
  epoll: 20,
  eventfd: 50,
  inotify: 5,
  splice: 50,
  tee: 20,
  "vm-splice": 20,
  // Sockets and terminals
  sock: 20,
  sockpair: 20,
  sockfd: 20,
  sockmany: 2,
  udp: 20,
  pty: 5,
  // Memory
  mmap: 5,
  mmapaddr: 50,
  mmapfixed: 10,
  mmapfork: 2,
  mmapmany: 2,
  mprotect: 20,
  mremap: 5,
  msync: 10,
  munmap: 5,
  madvise: 5,
  mincore: 20,
  mlock: 10,
  brk: 50,
  stack: 5,
  malloc: 50,
  memfd: 5,
  "vm-segv": 5,
  // Files
  access: 10,
  chdir: 5,
  chmod: 10,
  chown: 10,
  "copy-file": 5,
  dentry: 100,
  dir: 100,
  dup: 10,
  fallocate: 5,
  fcntl: 10,
  fstat: 20,
  full: 5,
  getdent: 20,
  iomix: 50,
  link: 10,
  open: 50,
  rename: 50,
  seek: 20,
  sendfile: 10,
  symlink: 10,
  touch: 50,
  utime: 20,
  zero: 20,
  // Contexts of its own
  context: 50,
  longjmp: 50,
  funccall: 5,
};

const LEFT_OUT: readonly SkippedRow[] = [
  { name: "exec, spawn", why: "refuse to run as root, which the suite is in a namespace of its own" },
];

/** A minute of them. */
const CI_STRESSORS: ReadonlySet<string> = new Set([
  ...["fork", "pthread", "futex", "mutex", "sem", "msg", "signal", "sigq", "timer", "pipe", "poll", "epoll", "eventfd"],
  ...["sock", "mmap"],
]);

function judge(outcome: Outcome): Verdict {
  const said = Buffer.concat([outcome.stdout, outcome.stderr]).toString().trim().split("\n");
  const complaint = said.find((line) => /\b(fail|error|skipp|not implemented|unsupported)/i.test(line));
  const detail = `${describeEnding(outcome.ending)}, ${outcome.seconds.toFixed(1)} s`;
  const passed = outcome.ending.kind === "exit" && outcome.ending.code === 0 && complaint === undefined;
  return { passed, detail: passed ? detail : `${detail}; ${complaint ?? said.at(-1) ?? ""}` };
}

export const stressNg: Suite = {
  name: "stress-ng",
  summary: "stress-ng's stressors of the kernel, a few operations of each, with --verify",
  targets: ["armhf", "mipsel"],
  async run(options: SuiteOptions) {
    const { target } = options;
    const root = await debianRoot(target, PACKAGES);
    const peer = await rootedPeer(target, root);
    const stressors = Object.entries(STRESSORS).filter(
      ([name]) => name.includes(options.filter ?? "") && (!options.ci || CI_STRESSORS.has(name)),
    );
    const progress = new Progress(`stress-ng ${target.name}`, stressors.length);
    const work = cacheFolder("work", String(process.pid));
    const peerWork = path.join(root, "work", String(process.pid));
    try {
      const rows = await parallel(stressors, options.jobs, async ([name, count], lane): Promise<Row> => {
        const request: Case = {
          program: path.join(root, PROGRAM),
          args: [`--${name}`, "1", `--${name}-ops`, String(count), "--verify", "--timeout", `${TIMEOUT / 2}s`],
          cwd: path.join(peerWork, String(lane)),
          sysroot: root,
          timeout: TIMEOUT,
        };
        const cwd = path.join(work, String(lane));
        for (const folder of [request.cwd, cwd]) mkdirSync(folder, { recursive: true });
        const theirs = judge(await peer.run(request));
        const ours = judge(await options.ours[lane].run({ ...request, cwd }));
        progress.step(!ours.passed);
        if (!ours.passed) progress.note(`${name}: ${ours.detail}; peer ${theirs.detail}`);
        // What the peer cannot do is not asked of us: it has no kernel of its own, and some stressors want privileges.
        return { name, ours: theirs.passed ? ours : { ...ours, passed: true }, peer: theirs };
      });
      progress.end();
      return { rows, skipped: LEFT_OUT };
    } finally {
      for (const folder of [work, peerWork]) rmSync(folder, { recursive: true, force: true });
    }
  },
};
