/**
 * A Debian root directory as a system of its own, with an overlay in memory and a root user who is nobody on the host: what
 * people do there must print and end as under the peer, which has Linux's own overlayfs and user namespaces.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { debianRoot } from "../harness/debian-root.ts";
import { describeEnding, firstDifference, sameBytes, sameEnding, type Case, type Outcome } from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row, Verdict } from "../harness/report.ts";
import { rootedPeer } from "../harness/rooted-peer.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";
import { ROOTFS_CASES, ROOTFS_PACKAGES } from "./rootfs-cases.ts";

const TIMEOUT = 600;
/** In the root directory; empty in the lower tree. */
const WORK = "/work";

function compare(ours: Outcome, peer: Outcome): Verdict {
  if (!sameEnding(ours.ending, peer.ending)) {
    const said = Buffer.from(ours.stderr).toString().trim().split("\n").at(-1) ?? "";
    return { passed: false, detail: `${describeEnding(ours.ending)}, peer ${describeEnding(peer.ending)}; ${said}` };
  }
  if (!sameBytes(ours.stdout, peer.stdout))
    return { passed: false, detail: `stdout ${firstDifference(ours.stdout, peer.stdout)}` };
  return { passed: true, detail: describe(ours) };
}

const describe = ({ ending, stdout, seconds }: Outcome) =>
  `${describeEnding(ending)}, ${stdout.length} bytes, ${seconds.toFixed(1)} s`;

export const rootfs: Suite = {
  name: "rootfs",
  summary: "work in a Debian root directory as root, over an overlay",
  targets: ["armhf", "mipsel"],
  async run(options: SuiteOptions) {
    const { target } = options;
    const root = await debianRoot(target, ROOTFS_PACKAGES);
    mkdirSync(path.join(root, WORK), { recursive: true });
    const peer = await rootedPeer(target, root);
    const validating = options.ours.includes(options.peer);
    const cases = ROOTFS_CASES.filter(({ name }) => name.includes(options.filter ?? ""));
    const progress = new Progress(`rootfs ${target.name}`, cases.length);
    const rows = await parallel(cases, options.jobs, async ({ name, script, timeout }, lane): Promise<Row> => {
      const request: Case = {
        program: "/bin/bash",
        // Error messages count: they are what errnos look like.
        args: ["-c", `exec 2>&1\n${script}`],
        cwd: WORK,
        env: { TZ: "UTC0", HOME: "/root", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
        sysroot: root,
        isSystem: true,
        timeout: timeout ?? TIMEOUT,
      };
      const theirs = await peer.run(request);
      const ours = compare(await (validating ? peer : options.ours[lane]).run(request), theirs);
      progress.step(!ours.passed);
      return { name, ours, peer: { passed: theirs.ending.kind === "exit", detail: describe(theirs) } };
    });
    progress.end();
    return { rows, skipped: [] };
  },
};
