/**
 * The peer with a guest's root directory as its `/`: its own `-L` sends only some calls there and leaves others (statx) to
 * the host's files. It runs in a user and a mount namespace whose own binfmt_misc (Linux 6.7 or newer) knows the guest's
 * programs, so that what the guest executes runs under the peer, too, and nothing on the host changes.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { runChild, runTool } from "./child.ts";
import { unpackPackages } from "./debian.ts";
import type { Case, Driver } from "./outcome.ts";
import type { Target } from "./target.ts";

const HOST_REGISTRATIONS = "/proc/sys/fs/binfmt_misc";

/**
 * The static build, because the kernel opens it once, when it is registered (F), and the guest's tree need not have it.
 * P: the guest's own argv[0] comes through. C: set-user-ID programs are that.
 */
async function registration(target: Target): Promise<{ name: string; line: string }> {
  const host = (await runTool("dpkg", ["--print-architecture"])).trim();
  const packaged = await unpackPackages(host, "qemu-user-static", ["qemu-user-static"]);
  const format = readFileSync(path.join(packaged, "usr/share/binfmts", target.qemu), "utf8");
  const field = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(format)?.[1] ?? "";
  const interpreter = path.join(packaged, "usr/bin", `${target.qemu}-static`);
  return {
    name: `${target.qemu}-static`,
    line: `:peer:M:${field("offset")}:${field("magic")}:${field("mask")}:${interpreter}:PCF`,
  };
}

/** An emulator that is registered on the host would run the guest's programs for whichever side asks the host to. */
function refuseHostRegistration(target: Target): void {
  if (!existsSync(HOST_REGISTRATIONS)) return;
  for (const name of readdirSync(HOST_REGISTRATIONS)) {
    if (name === "register" || name === "status") continue;
    if (readFileSync(path.join(HOST_REGISTRATIONS, name), "utf8").includes(target.qemu))
      throw new Error(`the host's binfmt_misc runs ${target.name} programs itself (${name}): unregister it first`);
  }
}

/**
 * Arguments: root, the registration, the working directory, argv[0], the program, its arguments. Perl, because argv[0] must
 * be chosen after the change of root, where no program of the host's is left.
 */
const ENTER = `set -e
root=$1 line=$2
shift 2
mount -t binfmt_misc binfmt_misc "$root/proc"
printf %s "$line" > "$root/proc/register"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
exec perl -e 'my ($root, $cwd, $argv0, $program, @args) = @ARGV;
  chroot $root or die "chroot: $!\\n"; chdir $cwd or die "$cwd: $!\\n";
  exec {$program} $argv0, @args or die "$program: $!\\n"' "$root" "$@"`;

/**
 * For a case that is a system of its own: with an overlay in memory over the root, and all user ids, which only the host's
 * root may give away; anybody else has root's alone.
 */
const ENTER_SYSTEM = `set -e
lower=$1
shift
until [ -n "$(cat /proc/self/uid_map)" ]; do sleep 0.02; done
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$lower,upperdir=/mnt/upper,workdir=/mnt/work,userxattr" overlay /mnt/root
set -- /mnt/root "$@"
${ENTER}`;

const MAP_ALL_USERS = `unshare --user --mount /bin/sh -c "$0" sh "$@" <&0 &
until echo 0 0 65536 2>/dev/null > /proc/$!/uid_map; do kill -0 $!; sleep 0.02; done
echo 0 0 65536 > /proc/$!/gid_map
wait $!`;

/** How the namespaces are made: a command and its first arguments; root, registration and the rest follow. */
function entrance(isSystem: boolean): readonly [file: string, ...args: string[]] {
  if (isSystem && process.getuid?.() === 0) return ["/bin/sh", "-c", `set -e\n${MAP_ALL_USERS}`, ENTER_SYSTEM];
  const script = isSystem ? ENTER_SYSTEM : ENTER;
  return ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", script, "sh"];
}

/** `program` and `cwd` of a case are host paths below the root, unless it is a system of its own. */
export async function rootedPeer(target: Target, root: string): Promise<Driver> {
  refuseHostRegistration(target);
  const { name, line } = await registration(target);
  for (const mountPoint of ["proc", "sys", "dev", "tmp"]) mkdirSync(path.join(root, mountPoint), { recursive: true });
  const inside = (file: string) => `/${path.relative(root, file)}`;
  return {
    name,
    close() {},
    run(request: Case) {
      const isSystem = request.isSystem ?? false;
      const [file, ...args] = entrance(isSystem);
      const [cwd, program] = [request.cwd, request.program].map((each) => (isSystem ? each : inside(each)));
      return runChild({
        file,
        args: [...args, root, line, cwd, request.argv0 ?? program, program, ...request.args],
        env: { PATH: "/usr/bin:/bin", LC_ALL: "C", ...request.env },
        ...(request.stdin ? { stdin: request.stdin } : {}),
        timeout: request.timeout,
      });
    },
  };
}
