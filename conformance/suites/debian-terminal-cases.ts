/** Command lines about terminals, jobs and signals: shells, pseudo-terminals, and programs that drive others by them. */
import type { CommandLine } from "./debian-cases.ts";

/** libc-bin has the locale C.UTF-8, without which tmux does not start. */
export const TERMINAL_PACKAGES = [
  "bash",
  "bsdutils",
  "expect",
  "libc-bin",
  "ncurses-base",
  "tmux",
  "util-linux",
] as const;

const env = { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8", TERM: "xterm", SHELL: "/bin/bash", HOME: "/nonexistent" };

const bash = (name: string, script: string, more: Partial<CommandLine> = {}): CommandLine => ({
  name: `bash: ${name}`,
  argv: ["bin/bash", "--norc", "-c", script],
  env,
  ...more,
});

const python = (name: string, script: string): CommandLine => ({
  name: `python: ${name}`,
  argv: ["usr/bin/python3", "-c", script],
  env,
});

export const TERMINAL_LINES: readonly CommandLine[] = [
  bash(
    "pipes and subshells",
    `head -50 text.txt | sort | (read first; echo "first: $first"; wc -l); echo "\${PIPESTATUS[@]}"
(exit 3) | false | true; echo "\${PIPESTATUS[@]}"; set -o pipefail; false | true; echo $?
exec 5< <(seq 3); while read -u 5 n; do echo "n $n"; done; x=$(echo a; exit 4); echo "$x $?"`,
    { files: ["text.txt"] },
  ),
  bash(
    "process substitution",
    `paste <(seq 3) <(seq 4 6); diff <(sort text.txt | head -20) <(sort text.txt | head -20) && echo same
seq 10 | tee >(wc -l > count) > all; while [ ! -s count ]; do sleep 0.05; done; cat count; comm -12 <(seq 5) <(seq 3 8)`,
    { files: ["text.txt"] },
  ),
  bash(
    "coprocess",
    `coproc UP { while read line; do echo "\${line^^}"; done; echo end; exit 6; }
echo hello >&"\${UP[1]}"; read -u "\${UP[0]}" a; echo world >&"\${UP[1]}"; read -u "\${UP[0]}" b; echo "$a $b"
pid=$UP_PID; exec {in}<&"\${UP[0]}"; eval "exec \${UP[1]}>&-"; read -u $in c; wait $pid; echo "$c $?"`,
  ),
  bash(
    "traps",
    `trap 'echo usr1' USR1; trap 'echo "exit $?"' EXIT; kill -USR1 $$; (trap 'echo sub' EXIT; exit 3); echo $?
trap 'echo err' ERR; false; trap - ERR; f() { trap 'echo return' RETURN; return 2; }; f; echo $?
trap '' TERM; kill -TERM $$; echo ignored; sleep 0.2 & trap 'echo chld' CHLD; wait; trap - CHLD TERM
sleep 10 & p=$!; trap 'echo hup; kill $p' HUP; (sleep 0.3; kill -HUP $$) & wait $p; echo $?; wait $p; echo $?; kill -TERM $$`,
  ),
  bash(
    "job control",
    `set -m; sleep 100 & jobs -r | sed 's/ \\+/ /g'; kill -STOP %1; sleep 0.3; jobs -s | sed 's/ \\+/ /g'
kill -CONT %1; kill -INT %1; wait %1; echo $?; (exit 5) & wait $!; echo $?
sleep 100 | cat & kill -TERM %1; wait %1; echo $?; { sleep 0.2; exit 9; } & wait -n; echo $?`,
  ),
  bash("no terminal", `tty; echo $?; stty 2>&1; echo $?; [ -t 0 ]; echo $?; read -t 0.1 x < <(sleep 2); echo $?`, {
    stdin: "",
  }),
  bash(
    "time limits",
    `timeout 0.3 sleep 10; echo $?; timeout -s KILL 0.3 sleep 10; echo $?; timeout --preserve-status 0.3 sleep 10; echo $?
nohup echo kept 2>/dev/null; setsid -w bash -c 'echo session; exit 2'; echo $?; nice -n 3 nice`,
  ),
  bash(
    "FIFOs",
    `mkfifo a b; cat a > b & (echo one; sleep 0.1; echo two) > a & while read x; do echo "got $x"; done < b; wait; rm a b
mkfifo c; exec 3<>c; echo kept >&3; read -t 2 y <&3; echo "$y"; read -t 0.1 z <&3; echo $?; rm c`,
  ),
  {
    name: "script -c",
    argv: [
      "usr/bin/script",
      "-qec",
      `tty > /dev/null && echo terminal; stty -a | grep -o 'isig icanon iexten echo'; stty size
stty raw -echo; stty -a | grep -o 'min = .; time = .'; stty sane; [ -t 0 ] && [ -t 1 ] && echo both; exit 4`,
      "/dev/null",
    ],
    env,
    stdin: "",
  },
  {
    name: "expect",
    argv: [
      "usr/bin/expect",
      "-c",
      `log_user 0; set timeout 60; set env(PS1) {ready> }; spawn bash --norc --noediting
expect "ready> "; send "echo \\$((6*7))\\r"; expect -re {\\n(\\d+)\\r}; puts "answer $expect_out(1,string)"
expect "ready> "; send "sleep 1000\\r"; sleep 1; send "\\003"; expect "ready> "; send "echo \\$?\\r"
expect -re {\\n(\\d+)\\r}; puts "interrupted $expect_out(1,string)"; expect "ready> "; send "sleep 1000\\r"; sleep 1
send "\\032"; expect "Stopped"; puts stopped; expect "ready> "; send "fg\\r"; sleep 1; send "\\003"; expect "ready> "; send "exit 3\\r"; expect eof
puts "status [lindex [wait] 3]"`,
    ],
    env,
  },
  {
    name: "tmux",
    argv: [
      "bin/bash",
      "-c",
      `t="tmux -S $PWD/socket -f /dev/null"; $t new-session -d -s one -x 60 -y 8 "PS1='> ' bash --norc"
until() { for i in $(seq 100); do $t capture-pane -p -t one | grep -q "$1" && break; sleep 0.2; done; }
until '^>'; $t send-keys -t one 'stty size; echo $((6*7))' Enter; until '^42$'; sleep 1; $t capture-pane -p -t one; $t split-window -h -t one 'sleep 100'; $t list-panes -t one -F '#{pane_width}x#{pane_height}'
$t list-sessions -F '#{session_name} #{session_windows}'; $t kill-server; rm -f socket`,
    ],
    env,
  },
  python(
    "pty",
    `import os, pty, signal, struct, fcntl, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.execv("/bin/bash", ["bash", "--norc", "-c", "tty | tr 0-9 N; stty size; read x; echo got $x; sleep 1000"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
seen = b""
def until(what):
    global seen
    while what not in seen: seen += os.read(fd, 1024)
os.write(fd, b"some\\x7f\\x7fap\\n")
until(b"got soap\\r\\n")
time.sleep(0.5)
os.write(fd, b"\\x03")
try:
    while True: seen += os.read(fd, 1024)
except OSError as error: print(error)
print(sorted(seen.decode().split("\\r\\n")), os.waitpid(pid, 0)[1])
master, slave = pty.openpty()
print([oct(flag) for flag in termios.tcgetattr(slave)[:4]], os.isatty(slave), os.ttyname(slave).rstrip("0123456789"))
print(pty.spawn(["/bin/bash", "-c", "echo spawned; exit 5"]))`,
  ),
  python(
    "signals",
    `import os, signal, time, select
got = []
for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGCHLD): signal.signal(number, lambda n, f: got.append(signal.Signals(n).name))
reader, writer = os.pipe(); os.set_blocking(writer, False); signal.set_wakeup_fd(writer)
os.kill(os.getpid(), signal.SIGUSR1)
signal.setitimer(signal.ITIMER_REAL, 0.1); start = time.monotonic(); time.sleep(0.4); print(time.monotonic() - start >= 0.4, got)
pid = os.fork()
if pid == 0: os._exit(7)
print(os.waitpid(pid, 0)[1] >> 8, got, len(os.read(reader, 10)))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigpending(), signal.sigwait([signal.SIGUSR2]), signal.sigtimedwait([signal.SIGUSR2], 0.1))
signal.siginterrupt(signal.SIGALRM, False); signal.setitimer(signal.ITIMER_REAL, 0.1)
print(select.select([], [], [], 0.3), got)`,
  ),
];
