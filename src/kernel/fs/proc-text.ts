/** The texts of /proc, proc(5): a table of names, and what each prints. */
import { errno } from "../errno.ts";
import { fromBytes, type ByteString } from "./byte-string.ts";
import { pathName, type Mount } from "./dentry.ts";
import type { DeviceNumber } from "./inode.ts";
import { SYSCTLS } from "./proc-sysctl.ts";
import type { MappingInfo, ProcessInfo, SystemInfo, ThreadInfo } from "./proc-info.ts";

export interface ProcessFile {
  /** `process` is null for files of the whole machine. */
  read(system: SystemInfo, process: ProcessInfo | null): ByteString | Uint8Array;
  write?(process: ProcessInfo, bytes: Uint8Array): void;
  /** Only the owner may read it. */
  readonly secret?: boolean;
}

type Text = (process: ProcessInfo, system: SystemInfo) => ByteString | Uint8Array;

const of = (text: Text): ProcessFile => ({
  read(system, process) {
    if (process === null) throw errno.ESRCH;
    return text(process, system);
  },
});
const secret = (text: Text): ProcessFile => ({ ...of(text), secret: true });

const PAGE = 4096;
const KIB = 1024;
const TICK = 10_000_000n;
const UNLIMITED = 0xffff_ffff_ffff_ffffn;
/** As capget(2) tells them: root has all, others none. */
const ALL_CAPABILITIES = (1n << 41n) - 1n;
const ticks = (nanoseconds: bigint): string => String(nanoseconds / TICK);
const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, "0");
/** mangle_path: what would break a line of /proc/mounts. */
const escaped = (text: ByteString): ByteString =>
  text.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);

const STATE_WORDS: Readonly<Record<string, string>> = {
  R: "running",
  S: "sleeping",
  D: "disk sleep",
  T: "stopped",
  Z: "zombie",
};

function leader(process: ProcessInfo): ThreadInfo {
  const first = process.threads[0];
  return first ?? { tid: process.pid, name: process.name, state: "Z", userTime: 0n, systemTime: 0n };
}

/** Linux's new_encode_dev: twelve bits of major number amid the minor's twenty. */
const encodeDevice = ({ major, minor }: DeviceNumber): number =>
  (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);

/** `thread` null: the process as a whole, its times added up. */
function statLine(process: ProcessInfo, thread: ThreadInfo | null): string {
  const shown = thread ?? leader(process);
  let user = shown.userTime;
  let system = shown.systemTime;
  if (thread === null) {
    user = process.threads.reduce((sum, one) => sum + one.userTime, 0n);
    system = process.threads.reduce((sum, one) => sum + one.systemTime, 0n);
  }
  const { signals } = process;
  const low = (set: bigint): bigint => set & 0x7fff_ffffn;
  const fields = [
    process.ppid,
    process.pgid,
    process.sid,
    process.terminal === null ? 0 : encodeDevice(process.terminal.device), // tty_nr
    process.terminal?.foregroundGroup ?? -1, // tpgid
    0, // flags
    ...[0, 0, 0, 0], // faults
    ticks(user),
    ticks(system),
    ...[0, 0], // of children
    20 + process.nice,
    process.nice,
    process.threads.length,
    0,
    ticks(process.startTime),
    process.virtualSize,
    Math.floor(process.residentSize / PAGE),
    UNLIMITED,
    ...[0, 0], // startcode, endcode
    process.startStack,
    ...[0, 0], // kstkesp, kstkeip
    low(signals.pending),
    low(signals.blocked),
    low(signals.ignored),
    low(signals.caught),
    ...[0, 0, 0],
    17, // exit_signal: SIGCHLD
    ...[0, 0, 0, 0, 0, 0],
    ...[0, 0],
    process.brkStart,
    ...[0, 0, 0, 0],
    0,
  ];
  return `${shown.tid} (${shown.name}) ${shown.state} ${fields.join(" ")}\n`;
}

function statusText(process: ProcessInfo, thread: ThreadInfo): string {
  const { uids, gids, groups, signals } = process;
  const capabilities = uids[1] === 0 ? ALL_CAPABILITIES : 0n;
  const kib = (bytes: number): string => `${String(Math.floor(bytes / KIB)).padStart(8)} kB`;
  const lines: (readonly [string, string | number])[] = [
    ["Name", thread.name.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")],
    ["Umask", process.umask.toString(8).padStart(4, "0")],
    ["State", `${thread.state} (${STATE_WORDS[thread.state] ?? "unknown"})`],
    ["Tgid", process.pid],
    ["Ngid", 0],
    ["Pid", thread.tid],
    ["PPid", process.ppid],
    ["TracerPid", 0],
    ["Uid", uids.join("\t")],
    ["Gid", gids.join("\t")],
    ["FDSize", 64],
    ["Groups", groups.length === 0 ? " " : `${groups.join(" ")} `],
    ["NStgid", process.pid],
    ["NSpid", thread.tid],
    ["NSpgid", process.pgid],
    ["NSsid", process.sid],
    ["VmPeak", kib(process.virtualSize)],
    ["VmSize", kib(process.virtualSize)],
    ["VmLck", kib(0)],
    ["VmPin", kib(0)],
    ["VmHWM", kib(process.residentSize)],
    ["VmRSS", kib(process.residentSize)],
    ["VmSwap", kib(0)],
    ["Threads", process.threads.length],
    ["SigQ", "0/4096"],
    ["SigPnd", hex(signals.pending, 16)],
    ["ShdPnd", hex(signals.sharedPending, 16)],
    ["SigBlk", hex(signals.blocked, 16)],
    ["SigIgn", hex(signals.ignored, 16)],
    ["SigCgt", hex(signals.caught, 16)],
    ["CapInh", hex(0, 16)],
    ["CapPrm", hex(capabilities, 16)],
    ["CapEff", hex(capabilities, 16)],
    ["CapBnd", hex(ALL_CAPABILITIES, 16)],
    ["CapAmb", hex(0, 16)],
    ["NoNewPrivs", 0],
    ["Seccomp", 0],
    ["Seccomp_filters", 0],
    ["Cpus_allowed", "1"],
    ["Cpus_allowed_list", "0"],
    ["voluntary_ctxt_switches", 0],
    ["nonvoluntary_ctxt_switches", 0],
  ];
  return lines.map(([name, value]) => `${name}:\t${value}\n`).join("");
}

function mapLine(map: MappingInfo): ByteString {
  const rights = `${map.readable ? "r" : "-"}${map.writable ? "w" : "-"}${map.executable ? "x" : "-"}${map.shared ? "s" : "p"}`;
  const device = `${hex(map.deviceMajor, 2)}:${hex(map.deviceMinor, 2)}`;
  const line = `${hex(map.start, 8)}-${hex(map.end, 8)} ${rights} ${hex(map.offset, 8)} ${device} ${map.inode} `;
  return map.name === "" ? `${line}\n` : `${line.padEnd(73)}${map.name.replace(/\n/g, "\\012")}\n`;
}

function mapsText(process: ProcessInfo): ByteString {
  let text = "";
  for (const map of process.mappings) text += mapLine(map);
  return text;
}

/** What is mapped counts as resident, as in statm: which of its pages were ever touched is the host's knowledge. */
function smapsFields(mappings: Iterable<MappingInfo>): readonly (readonly [name: string, bytes: number])[] {
  let [size, shared, written, anonymous] = [0, 0, 0, 0];
  for (const map of mappings) {
    const length = map.end - map.start;
    size += length;
    if (map.shared) shared += length;
    if (map.writable && !map.shared) written += length;
    if (map.name === "" || map.name.startsWith("[")) anonymous += length;
  }
  return [
    ["Rss", size],
    ["Pss", size],
    ["Shared_Clean", shared],
    ["Shared_Dirty", 0],
    ["Private_Clean", size - shared - written],
    ["Private_Dirty", written],
    ["Referenced", size],
    ["Anonymous", anonymous],
    ["LazyFree", 0],
    ["AnonHugePages", 0],
    ["ShmemPmdMapped", 0],
    ["FilePmdMapped", 0],
    ["Shared_Hugetlb", 0],
    ["Private_Hugetlb", 0],
    ["Swap", 0],
    ["SwapPss", 0],
    ["Locked", 0],
  ];
}

const kibLine = (name: string, bytes: number): string =>
  `${`${name}:`.padEnd(15)} ${String(Math.floor(bytes / KIB)).padStart(8)} kB\n`;
const kibLines = (rows: readonly (readonly [name: string, bytes: number])[]): string =>
  rows.map(([name, bytes]) => kibLine(name, bytes)).join("");

function vmFlags(map: MappingInfo): string {
  const flags = [
    ...(map.readable ? ["rd"] : []),
    ...(map.writable ? ["wr"] : []),
    ...(map.executable ? ["ex"] : []),
    ...(map.shared ? ["sh"] : []),
  ];
  return `VmFlags: ${[...flags, "mr", "mw", "me"].join(" ")} \n`;
}

function smapsText(process: ProcessInfo): ByteString {
  let text = "";
  for (const map of process.mappings) {
    const sizes = [
      ["Size", map.end - map.start],
      ["KernelPageSize", PAGE],
      ["MMUPageSize", PAGE],
    ] as const;
    text += `${mapLine(map)}${kibLines([...sizes, ...smapsFields([map])])}THPeligible:    0\n${vmFlags(map)}`;
  }
  return text;
}

function smapsRollup(process: ProcessInfo): ByteString {
  const mappings = [...process.mappings];
  const [first, last] = [mappings[0]?.start ?? 0, mappings.at(-1)?.end ?? 0];
  const head = `${hex(first, 8)}-${hex(last, 8)} ---p 00000000 00:00 0 `.padEnd(73);
  return `${head}[rollup]\n${kibLines(smapsFields(mappings))}`;
}

/** Name, unit: the order of the kernel's table. */
const LIMITS: readonly (readonly [limit: string, title: string, unit: string])[] = [
  ["RLIMIT_CPU", "Max cpu time", "seconds"],
  ["RLIMIT_FSIZE", "Max file size", "bytes"],
  ["RLIMIT_DATA", "Max data size", "bytes"],
  ["RLIMIT_STACK", "Max stack size", "bytes"],
  ["RLIMIT_CORE", "Max core file size", "bytes"],
  ["RLIMIT_RSS", "Max resident set", "bytes"],
  ["RLIMIT_NPROC", "Max processes", "processes"],
  ["RLIMIT_NOFILE", "Max open files", "files"],
  ["RLIMIT_MEMLOCK", "Max locked memory", "bytes"],
  ["RLIMIT_AS", "Max address space", "bytes"],
  ["RLIMIT_LOCKS", "Max file locks", "locks"],
  ["RLIMIT_SIGPENDING", "Max pending signals", "signals"],
  ["RLIMIT_MSGQUEUE", "Max msgqueue size", "bytes"],
  ["RLIMIT_NICE", "Max nice priority", ""],
  ["RLIMIT_RTPRIO", "Max realtime priority", ""],
  ["RLIMIT_RTTIME", "Max realtime timeout", "us"],
];

function limitsText(process: ProcessInfo): string {
  const value = (limit: bigint): string => (limit === UNLIMITED ? "unlimited" : String(limit));
  const line = (title: string, soft: string, hard: string, unit: string): string =>
    `${title.padEnd(25)} ${soft.padEnd(20)} ${hard.padEnd(20)} ${unit.padEnd(10)}\n`;
  let text = line("Limit", "Soft Limit", "Hard Limit", "Units");
  for (const [name, title, unit] of LIMITS) {
    const limit = process.limits.find((one) => one.name === name);
    if (limit !== undefined) text += line(title, value(limit.soft), value(limit.hard), unit);
  }
  return text;
}

function mountFlags(mount: Mount): string {
  const flags = [mount.readOnly ? "ro" : "rw"];
  if (mount.noSuid) flags.push("nosuid");
  if (mount.noDev) flags.push("nodev");
  if (mount.noExec) flags.push("noexec");
  return [...flags, "relatime"].join(",");
}

/** Mounts that the process can reach, with their mount points as it sees them. */
function* mountsOf(process: ProcessInfo): Iterable<readonly [mount: Mount, point: ByteString]> {
  const { root } = process.fs;
  for (const mount of root.mount.tree) {
    const { name, reachable } = pathName({ mount, dentry: mount.root }, root);
    if (reachable) yield [mount, escaped(name)];
  }
}

function mountsText(process: ProcessInfo): string {
  let text = "";
  for (const [mount, point] of mountsOf(process)) {
    text += `${escaped(mount.source)} ${point} ${mount.fs.type} ${mountFlags(mount)} 0 0\n`;
  }
  return text;
}

function mountInfoText(process: ProcessInfo): string {
  let text = "";
  for (const [mount, point] of mountsOf(process)) {
    const { major, minor } = mount.fs.dev;
    const super_ = mount.readOnly ? "ro" : "rw";
    const head = `${mount.id} ${mount.parent?.id ?? mount.id - 1} ${major}:${minor} / ${point} ${mountFlags(mount)}`;
    text += `${head} - ${mount.fs.type} ${escaped(mount.source)} ${super_}\n`;
  }
  return text;
}

const joined = (strings: readonly ByteString[]): ByteString => strings.map((text) => `${text}\0`).join("");

const COMM: ProcessFile = {
  ...of((process) => `${process.name}\n`),
  write(process, bytes) {
    process.setName(
      fromBytes(bytes)
        .replace(/[\n\0].*$/s, "")
        .slice(0, 15),
    );
  },
};

/** user_namespaces(7): the first namespace has all ids. */
const ALL_IDS = "         0          0 4294967295\n";

/** /proc/PID/… */
export const PROCESS_FILES: Readonly<Record<string, ProcessFile>> = {
  auxv: secret((process) => process.auxiliaryVector),
  cgroup: of(() => "0::/\n"),
  cmdline: of((process) => joined(process.arguments)),
  comm: COMM,
  environ: secret((process) => joined(process.environment)),
  coredump_filter: of(() => "00000033\n"),
  gid_map: of(() => ALL_IDS),
  limits: of(limitsText),
  loginuid: of(() => "4294967295"),
  maps: of(mapsText),
  mountinfo: of(mountInfoText),
  mounts: of(mountsText),
  oom_adj: of(() => "0\n"),
  oom_score: of(() => "0\n"),
  oom_score_adj: of(() => "0\n"),
  personality: secret(() => "00000000\n"),
  projid_map: of(() => ALL_IDS),
  schedstat: of((process) => {
    const spent = process.threads.reduce((sum, thread) => sum + thread.userTime + thread.systemTime, 0n);
    return `${spent} 0 0\n`;
  }),
  sessionid: of(() => "4294967295"),
  setgroups: of(() => "allow\n"),
  smaps: of(smapsText),
  smaps_rollup: of(smapsRollup),
  stat: of((process) => statLine(process, null)),
  statm: of((process) => {
    const pages = (bytes: number): number => Math.floor(bytes / PAGE);
    return `${pages(process.virtualSize)} ${pages(process.residentSize)} 0 0 0 ${pages(process.virtualSize)} 0\n`;
  }),
  status: of((process) => statusText(process, leader(process))),
  timerslack_ns: of(() => "50000\n"),
  uid_map: of(() => ALL_IDS),
  wchan: of(() => "0"),
};

function threadOf(process: ProcessInfo, tid: number): ThreadInfo {
  const thread = process.threads.find((one) => one.tid === tid);
  if (thread === undefined) throw errno.ESRCH;
  return thread;
}

/** /proc/PID/task/TID/…, where that differs from the process's own. */
export const THREAD_FILES: Readonly<Record<string, (tid: number) => ProcessFile>> = {
  comm: (tid) => of((process) => `${threadOf(process, tid).name}\n`),
  stat: (tid) => of((process) => statLine(process, threadOf(process, tid))),
  status: (tid) => of((process) => statusText(process, threadOf(process, tid))),
};

export const FD_INFO = (fd: number): ProcessFile =>
  of(({ files }) => {
    if (!files.has(fd)) throw errno.ENOENT;
    const description = files.get(fd);
    const flags = description.flags | (files.closeOnExec(fd) ? 0o2000000 : 0);
    const head = `pos:\t${description.position}\nflags:\t0${flags.toString(8)}\nmnt_id:\t${description.path.mount.id}\n`;
    return `${head}ino:\t${description.stat().ino}\n${description.describe()}`;
  });

const machine = (text: (system: SystemInfo) => ByteString): ProcessFile => ({ read: (system) => text(system) });
const fixed = (text: ByteString): ProcessFile => machine(() => text);

const seconds = (nanoseconds: bigint): string => (Number(nanoseconds / TICK) / 100).toFixed(2);

const sysctl = (text: string | ((system: SystemInfo) => ByteString)): ProcessFile =>
  machine((system) => `${typeof text === "string" ? text : text(system)}\n`);

/** /proc/… */
export const SYSTEM_FILES: Readonly<Record<string, ProcessFile>> = {
  cmdline: fixed("\n"),
  cpuinfo: machine((system) => system.cpuinfo()),
  devices: fixed("Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n"),
  filesystems: fixed(
    ["tmpfs", "proc", "sysfs", "devtmpfs", "ramfs", "pipefs", "sockfs", "overlay", "babelf"]
      .map((type) => `nodev\t${type}\n`)
      .join(""),
  ),
  diskstats: fixed(""),
  interrupts: fixed("           CPU0\n"),
  loadavg: machine(
    (system) => `0.00 0.00 0.00 1/${[...system.processes()].length} ${Math.max(0, ...system.processes())}\n`,
  ),
  meminfo: machine(({ totalMemory, freeMemory }) => {
    const rows: readonly (readonly [string, number])[] = [
      ["MemTotal", totalMemory],
      ["MemFree", freeMemory],
      ["MemAvailable", freeMemory],
      ["Buffers", 0],
      ["Cached", 0],
      ["SwapCached", 0],
      ["Active", 0],
      ["Inactive", 0],
      ["SwapTotal", 0],
      ["SwapFree", 0],
      ["Dirty", 0],
      ["Writeback", 0],
      ["AnonPages", totalMemory - freeMemory],
      ["Mapped", 0],
      ["Shmem", 0],
      ["Slab", 0],
      ["SReclaimable", 0],
      ["SUnreclaim", 0],
      ["PageTables", 0],
      ["CommitLimit", totalMemory],
      ["Committed_AS", totalMemory - freeMemory],
      ["VmallocTotal", 0],
      ["VmallocUsed", 0],
    ];
    return kibLines(rows);
  }),
  misc: fixed(""),
  modules: fixed(""),
  partitions: fixed("major minor  #blocks  name\n\n"),
  stat: machine((system) => {
    const cpu = " 0 0 0 0 0 0 0 0 0 0\n";
    const cpus = Array.from({ length: system.processors }, (_, index) => `cpu${index}${cpu}`).join("");
    const processes = [...system.processes()].length;
    return `cpu ${cpu}${cpus}intr 0\nctxt 0\nbtime ${system.bootTime}\nprocesses ${processes}\nprocs_running 1\nprocs_blocked 0\n`;
  }),
  swaps: fixed("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
  uptime: machine((system) => `${seconds(system.uptime())} ${seconds(system.uptime())}\n`),
  vmstat: machine(({ freeMemory }) => `nr_free_pages ${Math.floor(freeMemory / PAGE)}\n`),
  version: machine((system) => `Linux version ${system.release} (babelf) ${system.version}\n`),
  ...Object.fromEntries(Object.entries(SYSCTLS).map(([name, text]) => [`sys/${name}`, sysctl(text)])),
};
