import { beforeEach, describe, expect, test } from "vitest";
import { createStrace } from "../debug/strace.ts";
import { errno } from "../kernel/errno.ts";
import { Wait, WaitQueue } from "../kernel/wait.ts";
import { GuestMemory } from "../memory/guest-memory.ts";
import { PAGE_READ, PAGE_WRITE } from "../memory/page-table.ts";
import { NO_TASKS } from "./call.test-support.ts";
import { mipsO32 } from "./abi/mips-o32.ts";
import * as arg from "./arguments.ts";
import { SyscallContext } from "./context.ts";
import { Dispatcher, DONE, INTERRUPTED, WAITING } from "./dispatcher.ts";
import { full, KEEP_REGISTERS, missing, type ArgumentValue, type SyscallRow } from "./row.ts";

/** Registers by name, a word each. */
const SLOTS = ["v0", "v1", "a0", "a1", "a2", "a3", "sp", "userlocal", "status.fr", "pc"];
const slotOffset = (name: string): number => {
  const index = SLOTS.indexOf(name);
  return index < 0 ? 4 * SLOTS.length : 4 * index;
};
const STACK = 0x2000;

/** A task with nothing but registers and two pages of memory at 0x1000. */
function machine(rows: readonly SyscallRow[], littleEndian = true) {
  const wasm = new WebAssembly.Memory({ initial: 1 });
  const pageTable = new Uint8Array(0x100000);
  pageTable.fill(PAGE_READ | PAGE_WRITE, 1, 3);
  const memory = new GuestMemory({ memory: wasm, pageTable, littleEndian });
  const abi = mipsO32({
    littleEndian,
    slotOffset,
    pcOffset: slotOffset("pc"),
    control: { read: () => 0, write() {} },
    noReservation: 1,
  });
  const warnings: string[] = [];
  const kernel = {
    warnOnce: (line: string) => void (warnings.includes(line) || warnings.push(line)),
    tasks: new Map(),
  };
  const task = { tid: 2, process: { memory, kernel } } as unknown as SyscallContext["task"];
  const registers = new DataView(new ArrayBuffer(256));
  const call = new SyscallContext(
    task,
    abi,
    { release: "6.1.0", hostname: "test", ...NO_TASKS, invalidateCode() {} },
    registers,
  );
  const dispatcher = new Dispatcher(abi, rows);
  return {
    call,
    memory,
    dispatcher,
    warnings,
    set: (name: string, value: number) => registers.setInt32(slotOffset(name), value, true),
    get: (name: string) => registers.getInt32(slotOffset(name), true),
    /** Makes the call `name` with these argument registers and stack words. */
    make(name: string, ...args: number[]) {
      this.set("v0", abi.numbers.get(name) ?? Number(name));
      this.set("sp", STACK);
      args.forEach((value, n) => (n < 4 ? this.set(`a${n}`, value) : memory.writeS32(STACK + 16 + 4 * (n - 4), value)));
      return dispatcher.call(call);
    },
  };
}

let seen: ArgumentValue[] = [];
beforeEach(() => {
  seen = [];
});
const keep = (...values: ArgumentValue[]): number => {
  seen = values;
  return 0;
};

describe("arguments", () => {
  test("signed and unsigned", () => {
    const it = machine([full("write", [arg.int, arg.pointer, arg.size], (_, ...args) => keep(...args))]);
    expect(it.make("write", -1, -16, -1)).toBe(DONE);
    expect(seen).toEqual([-1, 0xfffffff0, 0xffffffff]);
  });

  test("fifth and sixth come from the stack", () => {
    const six = [arg.int, arg.int, arg.int, arg.int, arg.int, arg.size] as const;
    const it = machine([full("mmap2", six, (_, ...args) => keep(...args))]);
    it.make("mmap2", 1, 2, 3, 4, -5, -6);
    expect(seen).toEqual([1, 2, 3, 4, -5, 0xfffffffa]);
  });

  test.each([true, false])("64-bit pairs start at an even register (little-endian: %s)", (littleEndian) => {
    const pread = full("pread64", [arg.fd, arg.pointer, arg.size, arg.offset64], (_, ...args) => keep(...args));
    const truncate = full("truncate64", [arg.path, arg.offset64], (_, ...args) => keep(...args));
    const it = machine([pread, truncate], littleEndian);
    const pair = littleEndian ? [0x89abcdef, 0x01234567] : [0x01234567, 0x89abcdef];
    it.make("pread64", 3, 0x1000, 5, 0x55555555, ...pair);
    expect(seen).toEqual([3, 0x1000, 5, 0x0123456789abcdefn]);
    it.make("truncate64", 0x1000, 0x55555555, -1, -2);
    expect(seen[1]).toBe(littleEndian ? -0x1_00000001n : -2n);
  });

  test("a stack that cannot be read is EFAULT", () => {
    const it = machine([full("mmap2", [arg.int, arg.int, arg.int, arg.int, arg.int], () => 0)]);
    it.set("v0", 4210);
    it.set("sp", 0x8000);
    it.dispatcher.call(it.call);
    expect([it.get("v0"), it.get("a3")]).toEqual([errno.EFAULT.mips, 1]);
  });

  test("syscall(2) moves everything down by one", () => {
    const it = machine([full("pread64", [arg.fd, arg.pointer, arg.size, arg.offset64], (_, ...args) => keep(...args))]);
    it.make("syscall", 4200, 3, 0x1000, 5, 0x55555555, 7, 8);
    expect(seen).toEqual([3, 0x1000, 5, 0x8_00000007n]);
    expect([it.get("v0"), it.get("a3")]).toEqual([0, 0]);
    it.make("syscall", 4000, 4000);
    expect([it.get("v0"), it.get("a3")]).toEqual([errno.ENOSYS.mips, 1]);
  });
});

describe("answers", () => {
  test("a result, a negative result, a wide result", () => {
    const rows = [full("getpid", [], () => 42), full("getppid", [], () => -3), full("time", [], () => 0x1_00000002n)];
    const it = machine(rows);
    it.set("a3", 9);
    it.make("getpid");
    expect([it.get("v0"), it.get("a3")]).toEqual([42, 0]);
    it.make("getppid");
    expect([it.get("v0"), it.get("a3")]).toEqual([-3, 0]);
    it.make("time");
    expect([it.get("v0"), it.get("v1")]).toEqual([2, 1]);
  });

  test("an error has MIPS's number", () => {
    const it = machine([
      full("rmdir", [arg.path], () => {
        throw errno.ENOTEMPTY;
      }),
    ]);
    it.make("rmdir", 0x1000);
    expect([it.get("v0"), it.get("a3")]).toEqual([93, 1]);
  });

  test("registers that the handler has set are left alone", () => {
    const it = machine([full("rt_sigreturn", [], () => KEEP_REGISTERS)]);
    it.set("a3", 77);
    it.make("rt_sigreturn");
    expect([it.get("v0"), it.get("a3")]).toEqual([4193, 77]);
  });

  test("a guest pointer that faults is EFAULT", () => {
    const it = machine([full("uname", [arg.pointer], (call, address) => call.memory.readU32(address))]);
    it.make("uname", 0x9000);
    expect(it.get("v0")).toBe(errno.EFAULT.mips);
  });

  test("a mistake of ours in a call that never returns is not answered", () => {
    const wrong = (): number => (undefined as unknown as { x: number }).x;
    const it = machine([full("exit_group", [arg.int], wrong, "none")]);
    expect(() => it.make("exit_group", 0)).toThrow(TypeError);
  });

  test("a mistake of ours is EIO and a line, and the host goes on", () => {
    const it = machine([full("sync", [], () => (undefined as unknown as { x: { y: number } }).x.y)]);
    expect(it.make("sync")).toBe(DONE);
    expect([it.get("v0"), it.get("a3")]).toEqual([errno.EIO.mips, 1]);
    expect(it.warnings).toEqual([expect.stringContaining("internal error in system call sync")]);
  });

  test("what is missing is ENOSYS, and said once by name", () => {
    const it = machine([missing("socket", [arg.int, arg.int, arg.int], "no sockets yet")]);
    for (let n = 0; n < 2; n++) {
      it.make("socket", 1, 1, 0);
      expect(it.get("v0")).toBe(errno.ENOSYS.mips);
      it.make("bpf");
      expect(it.get("v0")).toBe(errno.ENOSYS.mips);
      it.make("5999");
      expect(it.get("v0")).toBe(errno.ENOSYS.mips);
    }
    expect(it.warnings).toEqual([
      "system call socket is not supported (no sockets yet): ENOSYS",
      "system call bpf (4355) is not supported: ENOSYS",
      "system call 5999 is not supported: ENOSYS",
    ]);
  });

  test.each([0, -1, 3999, 4000 + 5000, 0x7fffffff, -0x80000000])("number %i is no crash", (number) => {
    const it = machine([]);
    it.make(String(number));
    expect([it.get("v0"), it.get("a3")]).toEqual([errno.ENOSYS.mips, 1]);
  });
});

describe("waiting", () => {
  const queue = new WaitQueue();

  test("the result is written when the wait is over", () => {
    let tries = 0;
    const wait: Wait<number> = new Wait([queue], null, () => (++tries < 2 ? wait : 5));
    const it = machine([full("read", [], () => wait)]);
    expect(it.make("read")).toBe(WAITING);
    expect(it.call.wait).toBe(wait);
    expect(it.dispatcher.resume(it.call, "woken")).toBe(WAITING);
    expect(it.get("v0")).toBe(4003);
    expect(it.dispatcher.resume(it.call, "woken")).toBe(DONE);
    expect([it.get("v0"), it.get("a3")]).toEqual([5, 0]);
  });

  test("a signal leaves the registers for a second go", () => {
    const wait: Wait<number> = new Wait([queue], null, () => {
      throw errno.ERESTARTSYS;
    });
    const it = machine([full("read", [], () => wait)]);
    it.set("pc", 0x400004);
    it.make("read", 7);
    expect(it.dispatcher.resume(it.call, "signal")).toBe(INTERRUPTED);
    expect(it.call.restart).toBe(errno.ERESTARTSYS);
    expect([it.get("v0"), it.get("a0"), it.get("pc")]).toEqual([4003, 7, 0x400004]);
    it.dispatcher.restart(it.call);
    expect(it.get("pc")).toBe(0x400000);
    it.dispatcher.fail(it.call, errno.EINTR);
    expect([it.get("v0"), it.get("a3")]).toEqual([4, 1]);
  });
});

describe("strace", () => {
  test("prints a call as strace(1) does", () => {
    const rows = [
      full("openat", [arg.directoryFd, arg.path, arg.openFlags, arg.createMode], () => 3),
      full("read", [arg.fd, arg.output, arg.size], (call, _fd, address) => {
        call.memory.writeBytes(address, Buffer.from("a\n\x001\x7f\\"));
        return 6;
      }),
      full("access", [arg.path, arg.flags("access")], () => {
        throw errno.ENOENT;
      }),
      full(
        "mmap2",
        [arg.pointer, arg.size, arg.flags("protection"), arg.mapFlags, arg.fd, arg.hexadecimal],
        () => 0x77e00000,
        "hex",
      ),
    ];
    const it = machine(rows);
    const lines: string[] = [];
    it.dispatcher.tracer = createStrace((line) => void lines.push(line));
    it.memory.writeBytes(0x1000, Buffer.from('/etc/a"b\0'));
    it.make("openat", -100, 0x1000, 0x2000, 0o644);
    it.make("openat", 5, 0x1000, 0x2302, 0o644);
    it.make("read", 3, 0x1100, 10);
    it.make("access", 0x1000, 4);
    it.make("access", 0x9000, 0);
    it.make("mmap2", 0, 4096, 3, 0x802, -1, 0);
    it.make("bpf", 1);
    expect(lines.map((line) => line.replace(/ +=/, " ="))).toEqual([
      'openat(AT_FDCWD, "/etc/a\\"b", O_RDONLY|O_LARGEFILE) = 3',
      'openat(5, "/etc/a\\"b", O_RDWR|O_CREAT|O_TRUNC|O_LARGEFILE, 0644) = 3',
      'read(3, "a\\n\\0001\\177\\\\", 10) = 6',
      'access("/etc/a\\"b", R_OK) = -1 ENOENT (No such file or directory)',
      "access(0x9000, F_OK) = -1 ENOENT (No such file or directory)",
      "mmap2(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x77e00000",
      "bpf() = -1 ENOSYS (Function not implemented)",
    ]);
  });
});
