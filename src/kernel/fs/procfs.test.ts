import { beforeEach, describe, expect, test } from "vitest";
import { createPipe } from "../pipe.ts";
import { FileTable } from "./file-table.ts";
import { AT, O, S } from "./flags.ts";
import type { FsContext } from "./fs-context.ts";
import { openStandardStreams } from "./host-stream.ts";
import type { ProcessInfo, SystemInfo } from "./proc-info.ts";
import { pidOfProcessDirectory } from "./procfs.ts";
import { failure, names, now, open, read, readAll, view, write } from "./testing.ts";

let fs: FsContext;
let files: FileTable;
let name = "program";
let alive = true;
const output: Uint8Array[] = [];

function info(): ProcessInfo {
  return {
    pid: 2,
    ppid: 1,
    pgid: 2,
    sid: 1,
    terminal: null,
    umask: 0o22,
    name,
    executable: fs.resolve(null, "/bin/program", true),
    arguments: ["program", "", "x y"],
    environment: ["A=1", "B=\xff"],
    auxiliaryVector: new Uint8Array([1, 2, 3]),
    uids: [7, 8, 9, 8],
    gids: [1, 2, 3, 2],
    groups: [4, 5],
    fs,
    files,
    threads: [{ tid: 2, name, state: "R", userTime: 1_230_000_000n, systemTime: 10_000_000n }],
    signals: { pending: 0n, sharedPending: 0n, blocked: 1n << 9n, ignored: 0n, caught: 1n << 63n },
    limits: [{ name: "RLIMIT_NOFILE", soft: 1024n, hard: 0xffff_ffff_ffff_ffffn }],
    mappings: [
      {
        ...{ start: 0x400000, end: 0x401000, readable: true, writable: false, executable: true, shared: false },
        ...{ offset: 0x1000, deviceMajor: 0, deviceMinor: 21, inode: 5n, name: "/bin/program" },
      },
      {
        ...{ start: 0x7fff0000, end: 0x80000000, readable: true, writable: true, executable: false, shared: true },
        ...{ offset: 0, deviceMajor: 0, deviceMinor: 0, inode: 0, name: "" },
      },
    ],
    virtualSize: 8 << 20,
    residentSize: 4 << 20,
    startStack: 0x7fff8000,
    brkStart: 0x500000,
    startTime: 120_000_000n,
    nice: 0,
    readMemory: (address, into) => {
      into.fill(address & 0xff);
      return into.length;
    },
    writeMemory: (_address, from) => from.length,
    setName(changed) {
      name = changed;
    },
  };
}

const system: SystemInfo = {
  current: () => ({ pid: 2, tid: 2 }),
  processes: () => (alive ? [2] : []),
  process: (pid) => (pid === 2 && alive ? info() : null),
  cpuinfo: () => "system type : test\n",
  release: "6.1.0",
  version: "#1",
  hostname: "guest",
  machine: "mips",
  processors: 2,
  totalMemory: 1 << 30,
  freeMemory: 1 << 29,
  uptime: () => 12_340_000_000n,
  bootTime: 1000,
};

beforeEach(() => {
  name = "program";
  alive = true;
  output.length = 0;
  fs = view({ system, files: { "/bin/program": "ELF", "/tmp/file": "text" } });
  files = new FileTable();
  openStandardStreams(files, [
    { kind: "bytes", bytes: Buffer.from("input") },
    { kind: "sink", write: (bytes) => output.push(bytes) },
    { kind: "null" },
  ]);
});

describe("/proc", () => {
  test("a process's own directory says whose it is, and no other does", () => {
    const pid = (path: string) => pidOfProcessDirectory(fs.resolve(null, path, true).inode);
    expect(pid("/proc/self")).toBe(2);
    for (const path of ["/proc", "/proc/self/task", "/proc/self/task/2", "/proc/self/fd", "/tmp"])
      expect(pid(path), path).toBe(null);
  });

  test("self, the process's texts", () => {
    expect(fs.readlink(null, "/proc/self")).toBe("2");
    expect(read(fs, "/proc/self/cmdline")).toBe("program\0\0x y\0");
    expect(read(fs, "/proc/self/environ")).toBe("A=1\0B=\xff\0");
    expect(read(fs, "/proc/2/auxv")).toBe("\x01\x02\x03");
    expect(read(fs, "/proc/self/maps")).toBe(
      "00400000-00401000 r-xp 00001000 00:15 5 ".padEnd(73) +
        "/bin/program\n7fff0000-80000000 rw-s 00000000 00:00 0 \n",
    );
    const stat = read(fs, "/proc/self/stat");
    expect(stat.startsWith("2 (program) R 1 2 1 0 -1 ")).toBe(true);
    const fields = stat.trim().split(" ");
    expect(fields).toHaveLength(52);
    expect([fields[13], fields[14], fields[19], fields[21], fields[22], fields[23]]).toEqual([
      "123",
      "1",
      "1",
      "12",
      `${8 << 20}`,
      "1024",
    ]);
    const status = read(fs, "/proc/self/status");
    expect(status).toContain("Uid:\t7\t8\t9\t8\n");
    expect(status).toContain("SigBlk:\t0000000000000200\n");
    expect(status).toContain("SigCgt:\t8000000000000000\n");
    expect(read(fs, "/proc/self/limits")).toContain(
      "Max open files            1024                 unlimited            files",
    );
    expect(fs.stat(null, "/proc/2/stat", 0)).toMatchObject({ uid: 8, gid: 2, size: 0, mode: S.IFREG | 0o444 });
  });

  test("the machine's texts, and directories between", () => {
    expect(read(fs, "/proc/uptime")).toBe("12.34 12.34\n");
    expect(read(fs, "/proc/sys/kernel/osrelease")).toBe("6.1.0\n");
    expect(names(fs, "/proc/sys")).toEqual(["fs", "kernel", "user", "vm"]);
    expect(read(fs, "/proc/meminfo")).toContain("MemTotal:        1048576 kB\n");
    expect(names(fs, "/proc")).toContain("2");
    expect(failure(() => read(fs, "/proc/3/stat"))).toBe("ENOENT");
    expect(failure(() => read(fs, "/proc/02/stat"))).toBe("ENOENT");
    expect(failure(() => write(fs, "/proc/new", ""))).toBe("EPERM");
    expect(failure(() => read(fs, "/proc/sys/__proto__"))).toBe("ENOENT");
    expect(failure(() => read(fs, "/proc/constructor"))).toBe("ENOENT");
  });

  test("comm can be written", () => {
    write(fs, "/proc/self/comm", "a name that is too long\n");
    expect(read(fs, "/proc/self/comm")).toBe("a name that is \n");
    expect(read(fs, "/proc/self/task/2/comm")).toBe("a name that is \n");
  });

  test("mem is read at addresses", () => {
    const memory = open(fs, "/proc/self/mem", O.RDWR);
    const bytes = new Uint8Array(2);
    expect(now(memory.pread(bytes, 0x1234))).toBe(2);
    expect([...bytes]).toEqual([0x34, 0x34]);
  });

  test("mounts", () => {
    expect(read(fs, "/proc/mounts")).toMatch(/^proc \/proc proc rw,nosuid,nodev,noexec,relatime 0 0$/m);
    expect(read(fs, "/proc/self/mountinfo")).toMatch(
      /^\d+ \d+ 0:\d+ \/ \/dev\/shm rw,nosuid,nodev,relatime - tmpfs tmpfs rw$/m,
    );
  });
});

describe("magic links", () => {
  test("exe, cwd, root", () => {
    fs.chdir("/tmp");
    expect(fs.readlink(null, "/proc/self/exe")).toBe("/bin/program");
    expect(read(fs, "/proc/self/exe")).toBe("ELF");
    expect(fs.readlink(null, "/proc/self/cwd")).toBe("/tmp");
    expect(read(fs, "/proc/self/cwd/file")).toBe("text");
    expect(fs.readlink(null, "/proc/self/root")).toBe("/");
    expect(read(fs, "/proc/self/root/../../tmp/file")).toBe("text");
  });

  test("fd: a removed file can still be opened, renamed ones follow", () => {
    const fd = files.add(open(fs, "/tmp/file", O.RDWR));
    expect(fs.readlink(null, `/proc/self/fd/${fd}`)).toBe("/tmp/file");
    fs.unlink(null, "/tmp/file", 0);
    expect(fs.readlink(null, `/proc/self/fd/${fd}`)).toBe("/tmp/file (deleted)");
    expect(read(fs, `/proc/self/fd/${fd}`)).toBe("text");
    expect(read(fs, `/dev/fd/${fd}`)).toBe("text");
    expect(fs.stat(null, `/proc/self/fd/${fd}`, AT.SYMLINK_NOFOLLOW).mode).toBe(S.IFLNK | 0o700);
    expect(read(fs, `/proc/self/fdinfo/${fd}`)).toMatch(/^pos:\t0\nflags:\t02\nmnt_id:\t\d+\n/);
    expect(names(fs, "/proc/self/fd")).toEqual(["0", "1", "2", String(fd)]);
    files.close(fd);
    expect(failure(() => read(fs, `/proc/self/fd/${fd}`))).toBe("ENOENT");
    expect(failure(() => read(fs, "/proc/self/fd/999999999999"))).toBe("ENOENT");
  });

  test("fd: an O_PATH descriptor gives no rights, a read-only file stays read-only", () => {
    const place = files.add(open(fs, "/tmp", O.PATH));
    expect(read(fs, `/proc/self/fd/${place}/file`)).toBe("text");
    const device = files.add(open(fs, "/dev/full", O.PATH));
    expect(failure(() => now(files.get(device).read(new Uint8Array(1))))).toBe("EBADF");
    expect(failure(() => files.get(device).write(new Uint8Array(1)))).toBe("EBADF");
  });

  test("fd: pipes and standard streams open again", () => {
    const { reader, writer } = createPipe(0);
    const fd = files.add(reader);
    files.add(writer);
    expect(fs.readlink(null, `/proc/self/fd/${fd}`)).toMatch(/^pipe:\[\d+\]$/);
    const again = open(fs, `/proc/self/fd/${fd}`, O.WRONLY);
    now(again.write(Buffer.from("again")));
    expect(reader.available()).toBe(5);
    write(fs, "/dev/stdout", "out");
    now(files.get(1).write(Buffer.from("put")));
    expect(Buffer.concat(output).toString()).toBe("output");
    expect(readAll(open(fs, "/dev/stdin"))).toBe("input");
    expect(now(files.get(2).write(Buffer.from("gone")))).toBe(4);
  });

  test("a process that has ended leaves nothing behind", () => {
    const directory = open(fs, "/proc/2", O.RDONLY | O.DIRECTORY);
    alive = false;
    expect(failure(() => read(fs, "/proc/2/stat"))).toBe("ENOENT");
    expect(failure(() => readAll(now(fs.open(directory, "stat", O.RDONLY, 0))))).toBe("ESRCH");
    expect(failure(() => names(fs, "/proc/2/fd"))).toBe("ENOENT");
  });
});

test("sizes of mappings, capabilities, namespaces, sysctls", () => {
  const smaps = read(fs, "/proc/2/smaps");
  expect(smaps).toMatch(/^00400000-00401000 r-xp 00001000 00:15 5 +\/bin\/program\nSize: +4 kB\n/);
  expect(smaps.match(/^Rss: +4 kB$/gm)).toHaveLength(1);
  expect(smaps.match(/^VmFlags: rd ex mr mw me $/gm)).toHaveLength(1);
  expect(read(fs, "/proc/2/smaps_rollup")).toMatch(/\[rollup\]\nRss: +68 kB\n/);
  expect(read(fs, "/proc/2/status")).toMatch(/^CapEff:\t0{16}$/m);
  expect(fs.readlink(null, "/proc/2/ns/user")).toMatch(/^user:\[\d+\]$/);
  expect(read(fs, "/proc/sys/vm/swappiness")).toBe("60\n");
  expect(read(fs, "/proc/sys/kernel/ostype")).toBe("Linux\n");
  expect(names(fs, "/proc/sys")).toEqual(["fs", "kernel", "user", "vm"]);
});
