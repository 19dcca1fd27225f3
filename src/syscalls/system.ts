/** The system as a whole, and what an architecture adds: uname, sysinfo, getrandom, personality, thread pointer. */
import { errno } from "../kernel/errno.ts";
import { fillRandom } from "../kernel/random.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { full, missing, partial, type SyscallRow } from "./row.ts";

/** What uname(2) calls a version: a build of Linux, in the form that programs parse. */
export const KERNEL_VERSION = "#1 SMP babelf";

const names = new WeakMap<SyscallContext["kernel"], { node: string; domain: string }>();

function systemNames(call: SyscallContext): { node: string; domain: string } {
  let found = names.get(call.kernel);
  if (found === undefined) names.set(call.kernel, (found = { node: call.machine.hostname, domain: "(none)" }));
  return found;
}

const text = (value: string): Uint8Array => Buffer.from(value, "utf8").subarray(0, 64);

function uname(call: SyscallContext, address: number): number {
  const { node, domain } = systemNames(call);
  call.abi.structs.utsname.write(call.memory, address, {
    sysname: text("Linux"),
    nodename: text(node),
    // personality(UNAME26): for programs that know no other version numbers.
    release: text((call.process.personality & UNAME26) === 0 ? call.machine.release : "2.6.60"),
    version: text(KERNEL_VERSION),
    machine: text(call.abi.machine),
    domainname: text(domain),
  });
  return 0;
}
const UNAME26 = 0x0020000;

/** sethostname(2), setdomainname(2): at most 64 bytes. */
function setName(call: SyscallContext, which: "node" | "domain", address: number, length: number): number {
  if (!call.task.credentials.isPrivileged) throw errno.EPERM;
  if (length < 0 || length > 64) throw errno.EINVAL;
  systemNames(call)[which] = Buffer.from(call.memory.readBytes(address, length)).toString("utf8");
  return 0;
}

/** What a guest may use in all: as much as its address space can hold, or less if the run is limited. */
const MEMORY = 2 ** 31;

function sysinfo(call: SyscallContext, address: number): number {
  const { kernel, process } = call;
  const total = Math.min(kernel.limits.memory ?? MEMORY, MEMORY);
  const uptime = kernel.clock.monotonic();
  call.abi.structs.sysinfo.write(call.memory, address, {
    uptime: uptime / 1_000_000_000n,
    totalram: total,
    freeram: Math.max(0, total - process.space.totalBytes),
    procs: kernel.tasks.size,
    mem_unit: 1,
  });
  return 0;
}

/** Host memory used at once. */
const RANDOM_CHUNK = 65536;

function getrandom(call: SyscallContext, address: number, count: number, flags: number): number {
  const { GRND_RANDOM, GRND_INSECURE } = call.abi.constants.getrandom.guest;
  if ((flags & ~7) !== 0 || (flags & (GRND_RANDOM! | GRND_INSECURE!)) === (GRND_RANDOM! | GRND_INSECURE!)) {
    throw errno.EINVAL;
  }
  // Cut as Linux cuts it (MAX_RW_COUNT); a buffer that ends early gets what fits.
  const wanted = Math.min(count, 0x1ffffff);
  const length = call.memory.accessible(address, wanted, "write");
  if (length === 0 && wanted > 0) throw errno.EFAULT;
  for (let done = 0; done < length;) {
    const chunk = new Uint8Array(Math.min(RANDOM_CHUNK, length - done));
    fillRandom(chunk);
    call.memory.writeBytes(address + done, chunk);
    done += chunk.length;
  }
  return length;
}

// ── MIPS ────────────────────────────────────────────────────────────────────────────────────────────────────────────
/** sysmips(2)'s commands. */
const SYSMIPS = { SETNAME: 1, FLUSH_CACHE: 3, MIPS_FIXADE: 7, MIPS_RDNVRAM: 10, MIPS_ATOMIC_SET: 2001 } as const;

function sysmips(call: SyscallContext, command: number, argument1: number, argument2: number): number {
  switch (command) {
    case SYSMIPS.MIPS_ATOMIC_SET: {
      if (argument1 % 4 !== 0) throw errno.EFAULT;
      // Nothing else runs between the two.
      const old = call.memory.readS32(argument1);
      call.memory.writeS32(argument1, argument2);
      return old;
    }
    case SYSMIPS.FLUSH_CACHE:
      call.machine.invalidateCode(call.task, 0, 2 ** 32);
      return 0;
    case SYSMIPS.MIPS_FIXADE:
      // 1: fix unaligned accesses (the default); 2: log them, which is taken and not done.
      if ((argument1 & ~3) !== 0) throw errno.EINVAL;
      return 0;
    default:
      throw errno.EINVAL;
  }
}

const PRIVILEGED = "needs a privileged process on Linux too";
function refuse(): never {
  throw errno.EPERM;
}

export const SYSTEM_ROWS: readonly SyscallRow[] = [
  full("uname", [arg.structOut("utsname", "new_utsname")], uname),
  full("sethostname", [arg.string, arg.int], (call, address, length) => setName(call, "node", address, length)),
  full("setdomainname", [arg.string, arg.int], (call, address, length) => setName(call, "domain", address, length)),
  partial("sysinfo", [arg.structOut("sysinfo")], "no load averages; memory is the guest's, not the host's", sysinfo),
  full("getrandom", [arg.output, arg.size, arg.flags("getrandom")], getrandom),
  partial(
    "personality",
    [arg.hexadecimal],
    "the value is kept; UNAME26 works, ADDR_NO_RANDOMIZE and the like change nothing",
    (call, value) => {
      const old = call.process.personality;
      if (value !== 0xffffffff) call.process.personality = value;
      return old;
    },
    "hex",
  ),
  full("set_thread_area", [arg.pointer], (call, pointer) => {
    call.abi.setThreadPointer(call.registers, pointer);
    return 0;
  }),
  full("get_thread_area", [], (call) => call.abi.threadPointer(call.registers), "hex"),
  partial("sysmips", [arg.int, arg.hexadecimal, arg.hexadecimal], "SETNAME and MIPS_RDNVRAM are EINVAL", sysmips),
  partial("syslog", [arg.int, arg.output, arg.int], "the kernel's log is empty and for root only", (call, type) => {
    if (!call.task.credentials.isPrivileged) throw errno.EPERM;
    if (type < 0 || type > 10) throw errno.EINVAL;
    return 0;
  }),
  partial("vhangup", [], PRIVILEGED, refuse),
  partial("reboot", [arg.int, arg.int, arg.int, arg.pointer], `EPERM; ${PRIVILEGED}`, refuse),
  partial("swapon", [arg.path, arg.int], `EPERM; ${PRIVILEGED}`, refuse),
  partial("swapoff", [arg.path], `EPERM; ${PRIVILEGED}`, refuse),
  partial("acct", [arg.path], `EPERM; ${PRIVILEGED}`, refuse),
  partial("init_module", [arg.pointer, arg.hexadecimal, arg.string], `EPERM; ${PRIVILEGED}`, refuse),
  partial("delete_module", [arg.string, arg.uint], `EPERM; ${PRIVILEGED}`, refuse),
  partial("quotactl", [arg.int, arg.path, arg.int, arg.pointer], `EPERM; ${PRIVILEGED}`, refuse),

  missing("io_uring_setup", [arg.uint, arg.pointer], "programs fall back to plain calls"),
  missing("io_uring_enter", [arg.fd, arg.uint, arg.uint, arg.uint, arg.pointer, arg.size], "see io_uring_setup"),
  missing("io_uring_register", [arg.fd, arg.uint, arg.pointer, arg.uint], "see io_uring_setup"),
  missing("io_setup", [arg.uint, arg.pointer], "no asynchronous I/O"),
  missing("bpf", [arg.int, arg.pointer, arg.uint], "no BPF"),
  missing("perf_event_open", [arg.pointer, arg.pid, arg.int, arg.fd, arg.hexadecimal], "no performance counters"),
  missing("userfaultfd", [arg.int], "no user-space paging"),
  missing("seccomp", [arg.uint, arg.uint, arg.pointer], "no filters; the whole guest is in a sandbox"),
  partial(
    "ptrace",
    [arg.int, arg.pid, arg.pointer, arg.pointer],
    "EPERM, as where Yama's ptrace_scope is 3; debug with babelf's own means",
    (call) => {
      call.kernel.warnOnce("ptrace: programs cannot trace each other: EPERM");
      throw errno.EPERM;
    },
  ),
];
