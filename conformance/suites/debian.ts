/**
 * Programs of Debian, from its own packages for the target, in a sysroot of their own: what they print, how they end and
 * what they leave in the working directory must be what it is under the peer.
 */
import { createHash } from "node:crypto";
import { lutimesSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../harness/cache.ts";
import { debianRoot } from "../harness/debian-root.ts";
import {
  describeEnding,
  firstDifference,
  sameBytes,
  sameEnding,
  type Case,
  type Driver,
  type Outcome,
} from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row, Verdict } from "../harness/report.ts";
import { rootedPeer } from "../harness/rooted-peer.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";
import { COMMAND_LINES, FIXTURES, PACKAGES, type CommandLine } from "./debian-cases.ts";
import {
  ARMHF_LANGUAGE_LINES,
  ARMHF_LANGUAGE_PACKAGES,
  LANGUAGE_LINES,
  LANGUAGE_PACKAGES,
} from "./debian-languages.ts";
import { MEDIA_LINES, MEDIA_PACKAGES } from "./debian-media-cases.ts";
import { PROCESS_LINES, PROCESS_PACKAGES, SLOW_PROCESS_LINES } from "./debian-processes.ts";

const TIMEOUT = 120;
/** All files are of this moment, so that listings and archives come out the same. */
const MOMENT = new Date("2024-02-29T12:34:56Z");

/** Where the peer's working directories lie in the sysroot. */
const WORK_FOLDER = "work";

/** The working directory as a command line finds it: its files, and a folder that holds them too. */
function prepare(folder: string, line: CommandLine): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, "dir"), { recursive: true, mode: 0o755 });
  for (const name of line.files ?? []) {
    for (const file of [path.join(folder, name), path.join(folder, "dir", name)]) {
      writeFileSync(file, FIXTURES[name], { mode: 0o644 });
      lutimesSync(file, MOMENT, MOMENT);
    }
  }
  for (const made of [path.join(folder, "dir"), folder]) lutimesSync(made, MOMENT, MOMENT);
}

/** What a command line left behind: each name with its kind and content. A socket in babelf's tree is none on the host. */
function leftBehind(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isSocket())
    .map((entry) => {
      const full = path.join(entry.parentPath, entry.name);
      const name = path.relative(folder, full);
      if (entry.isSymbolicLink()) return `${name} -> ${readlinkSync(full)}`;
      if (entry.isDirectory()) return `${name}/`;
      return `${name} ${createHash("sha256").update(readFileSync(full)).digest("hex").slice(0, 16)}`;
    })
    .sort()
    .join("\n");
}

interface Seen extends Outcome {
  readonly left: string;
}

async function see(driver: Driver, request: Case, line: CommandLine): Promise<Seen> {
  prepare(request.cwd, line);
  const outcome = await driver.run(request);
  const stdout = line.pem ? Buffer.from(pemShape(Buffer.from(outcome.stdout).toString())) : outcome.stdout;
  return { ...outcome, stdout, left: leftBehind(request.cwd) };
}

function pemShape(text: string): string {
  return text.replace(/-----\n([A-Za-z0-9+/=\n]+)-----END/, "-----\n(base64)\n-----END");
}

function compare(ours: Seen, peer: Seen): Verdict {
  if (!sameEnding(ours.ending, peer.ending)) {
    const said = Buffer.from(ours.stderr).toString().trim().split("\n").at(-1) ?? "";
    const detail = `${describeEnding(ours.ending)}, peer ${describeEnding(peer.ending)}${said ? `; ${said}` : ""}`;
    return { passed: false, detail };
  }
  if (!sameBytes(ours.stdout, peer.stdout))
    return { passed: false, detail: `stdout ${firstDifference(ours.stdout, peer.stdout)}` };
  if (ours.left !== peer.left)
    return { passed: false, detail: `files ${firstDifference(Buffer.from(ours.left), Buffer.from(peer.left))}` };
  return {
    passed: true,
    detail: `${describeEnding(ours.ending)}, ${ours.stdout.length} bytes, ${ours.seconds.toFixed(1)} s`,
  };
}

/** Command lines that share a root. */
const GROUPS: readonly {
  readonly packages: readonly string[];
  readonly lines: readonly CommandLine[];
  readonly targets?: readonly string[];
  /** Too large to fetch, or too slow, for a continuous-integration machine. */
  readonly large?: true;
}[] = [
  { packages: PACKAGES, lines: COMMAND_LINES },
  { packages: [...PACKAGES, ...PROCESS_PACKAGES], lines: PROCESS_LINES },
  { packages: [...PACKAGES, ...PROCESS_PACKAGES], lines: SLOW_PROCESS_LINES, large: true },
  { packages: LANGUAGE_PACKAGES, lines: LANGUAGE_LINES, large: true },
  { packages: ARMHF_LANGUAGE_PACKAGES, lines: ARMHF_LANGUAGE_LINES, targets: ["armhf"], large: true },
  { packages: MEDIA_PACKAGES, lines: MEDIA_LINES, targets: ["armhf"] },
];

async function runLines(
  options: SuiteOptions,
  packages: readonly string[],
  lines: readonly CommandLine[],
): Promise<Row[]> {
  const { target } = options;
  const root = await debianRoot(target, packages);
  const peer = await rootedPeer(target, root);
  const validating = options.ours.includes(options.peer);
  const progress = new Progress(`debian ${target.name}`, lines.length);
  const ourWork = cacheFolder("work", String(process.pid)); // on the same file system: directories have the same size
  const peerWork = path.join(root, WORK_FOLDER, String(process.pid));
  let rows: Row[];
  try {
    rows = await parallel(lines, options.jobs, async (line, lane): Promise<Row> => {
      const request: Case = {
        program: path.join(root, line.argv[0]),
        args: line.argv.slice(1),
        cwd: path.join(peerWork, String(lane)),
        env: { TZ: "UTC0", ...line.env },
        sysroot: root,
        timeout: line.timeout ?? TIMEOUT,
        ...(line.argv0 === undefined ? {} : { argv0: line.argv0 }),
        ...(line.stdin === undefined ? {} : { stdin: Buffer.from(line.stdin) }),
      };
      const theirs = await see(peer, request, line);
      const mine = validating
        ? await see(peer, request, line)
        : await see(options.ours[lane], { ...request, cwd: path.join(ourWork, String(lane)) }, line);
      const ours = compare(mine, theirs);
      progress.step(!ours.passed);
      if (!ours.passed) progress.note(`${line.name}: ${ours.detail}`);
      const detail = `${describeEnding(theirs.ending)}, ${theirs.stdout.length} bytes, ${theirs.seconds.toFixed(1)} s`;
      return { name: line.name, ours, peer: { passed: theirs.ending.kind === "exit", detail } };
    });
  } finally {
    for (const folder of [ourWork, peerWork]) rmSync(folder, { recursive: true, force: true });
  }
  progress.end();
  return rows;
}

export const debian: Suite = {
  name: "debian",
  summary: "command lines over Debian's own packages for the target",
  targets: ["mipsel", "armhf", "armel"],
  async run(options: SuiteOptions) {
    const rows: Row[] = [];
    for (const { packages, lines, targets, large } of GROUPS) {
      if (large && options.ci) continue;
      const wanted = lines.filter((line) => line.name.includes(options.filter ?? ""));
      if (wanted.length > 0 && (targets?.includes(options.target.name) ?? true))
        rows.push(...(await runLines(options, packages, wanted)));
    }
    return { rows, skipped: [] };
  },
};
