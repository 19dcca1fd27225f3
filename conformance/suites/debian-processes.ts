/** Command lines in which several processes or threads work together: shells, builds, archives through pipes, databases. */
import type { CommandLine } from "./debian-cases.ts";

export const PROCESS_PACKAGES = ["bash", "cpio", "dash", "git", "make", "rsync"] as const;

const bash = (name: string, script: string, more: Partial<CommandLine> = {}): CommandLine => ({
  name: `bash: ${name}`,
  argv: ["bin/bash", "-c", script],
  ...more,
});
const python = (name: string, script: string): CommandLine => ({
  name: `python3: ${name}`,
  argv: ["usr/bin/python3.11", "-S", "-E", "-c", script],
  timeout: 400,
});

const GIT = {
  ...{ GIT_AUTHOR_NAME: "A", GIT_AUTHOR_EMAIL: "a@example.org", GIT_AUTHOR_DATE: "2024-02-29T12:00:00Z" },
  ...{ GIT_COMMITTER_NAME: "C", GIT_COMMITTER_EMAIL: "c@example.org", GIT_COMMITTER_DATE: "2024-02-29T12:00:00Z" },
  ...{ HOME: "/tmp", GIT_CONFIG_NOSYSTEM: "1", PAGER: "cat" },
} as const;

export const PROCESS_LINES: readonly CommandLine[] = [
  bash(
    "pipeline",
    "tr -cs a-z '\\n' < text.txt | sort | uniq -c | sort -rn -k1,1 -k2 | head -5; echo ${PIPESTATUS[*]}",
    {
      files: ["text.txt"],
    },
  ),
  bash(
    "traps",
    "trap 'echo exit $?' EXIT; trap 'echo usr1' USR1; trap 'echo int; exit 3' INT; kill -USR1 $$; (trap 'echo child term; exit 4' TERM; kill -TERM $BASHPID; sleep 5); echo $?; kill -INT $$; echo no",
  ),
  bash(
    "coprocess and process substitution",
    "coproc UP { tr -u a-z A-Z 2>/dev/null || sed -u 's/.*/\\U&/'; }; echo hello >&${UP[1]}; exec {UP[1]}>&-; cat <&${UP[0]}; wait; diff <(seq 1 5) <(seq 2 6); paste <(echo a) <(echo b) | cat; tee >(wc -c) > /dev/null < numbers.txt; wait",
    { files: ["numbers.txt"] },
  ),
  bash(
    "jobs and wait",
    "for i in 3 1 2; do (sleep $i; exit $i) & p[$i]=$!; done; wait ${p[2]}; echo $?; wait ${p[1]}; echo $?; wait -n ${p[3]}; echo $?; wait; sleep 9 & kill -STOP $!; kill -KILL $!; wait $!; echo $?; sleep 9 & kill $!; wait $!; echo $?; jobs",
  ),
  bash(
    "here documents, read, arrays",
    'while read -r a b; do x[$a]=$b; done < numbers.txt; echo ${#x[@]} ${x[5]}; mapfile -t l < numbers.txt; echo ${#l[@]} "${l[@]:2:3}"; cat <<END | rev\n$((6 * 7)) $(echo sub)\nEND\nread -t 0.1 x < <(sleep 1) || echo timed out $?',
    {
      files: ["numbers.txt"],
    },
  ),
  bash(
    "fifo, exec of descriptors, locks",
    "mkfifo f; (for i in 1 2 3; do echo line $i; done > f) & while read -r l; do echo got $l; done < f; rm f; exec 7> log; flock 7; (flock -n -E 9 8 || echo busy $?) 8> log; exec 7>&-; ulimit -n 64; ulimit -n; exec 5< numbers.txt; head -n1 <&5; exec 5<&-; { echo err >&2; } 2>&1 | cat",
    { files: ["numbers.txt"] },
  ),
  bash("xargs -P", "seq 1 40 | xargs -P 4 -n 5 sh -c 'echo $(($1 + $2 + $3 + $4 + $5))' sh | sort -n"),
  bash(
    "find, xargs",
    "find /usr/share/perl -type f -print0 | sort -z | head -z -n 200 | xargs -0 sha256sum | sha256sum",
  ),
  bash(
    "background output and SIGPIPE",
    "yes | head -n 1000 | wc -l; echo ${PIPESTATUS[*]}; (sleep 0.2; echo late) & echo early; wait",
  ),
  bash(
    "errexit, subshells, functions",
    'set -eu -o pipefail; f() { local IFS=,; echo "$*"; }; f a b c; (false) || echo caught; x=$(set +e; false; echo $?); echo $x; false | true || echo pipefail; ${NOPE:?is not set}; echo never',
  ),
  {
    name: "dash script",
    argv: [
      "bin/dash",
      "-c",
      "f() { case $1 in -*) shift; f \"$@\";; *) echo $#;; esac; }; f -a -b c d; trap 'echo bye' 0; set -- $(echo 3 4); echo $(($1 * $2)); kill -0 $$ && echo alive",
    ],
  },

  {
    name: "perl fork, pipe, wait",
    argv: [
      "usr/bin/perl",
      "-e",
      '$| = 1; my @p; for my $n (1 .. 5) { pipe(my $r, my $w); my $pid = fork // die; if (!$pid) { close $r; print $w $n ** 2; exit $n } close $w; push @p, [$pid, $r] } for (@p) { my ($pid, $r) = @$_; my $got = <$r>; waitpid $pid, 0; print "$got ", $? >> 8, "\\n" } local $SIG{ALRM} = sub { die "alarm\\n" }; eval { alarm 1; select undef, undef, undef, 9 }; print $@; my $out = `echo from sh; exit 7`; print $out; open(my $s, "-|", "sort", "-r") // die; kill 9, 0 if 0; print "done\\n"',
    ],
    stdin: "b\na\nc\n",
  },
  bash(
    "sqlite: two writers, WAL",
    "sqlite3 w.db 'PRAGMA journal_mode=WAL; CREATE TABLE t(who, n);'; for w in a b; do for i in $(seq 1 8); do echo \"INSERT INTO t VALUES('$w', $i);\"; done | sqlite3 -cmd '.timeout 60000' w.db & done; wait; sqlite3 w.db 'SELECT who, count(*), sum(n) FROM t GROUP BY who; PRAGMA integrity_check;'; rm -f w.db*",
  ),

  bash(
    "git",
    "git init -q -b main r && cd r && cp ../text.txt ../numbers.txt . && git add . && git commit -qm one && sed -i 's/bear/wolf/' text.txt && git commit -qam two && git checkout -q -b side HEAD~1 && echo more >> numbers.txt && git commit -qam three && git merge -q -m merge main && git log --oneline --graph --format='%h %s %an' && git diff --stat HEAD~1 && git status --short && git grep -c wolf && git gc -q && git fsck --strict 2>&1 && git archive HEAD | sha256sum && git bundle create -q ../b HEAD && cd .. && git clone -q b c 2>/dev/null; git -C c rev-parse HEAD; rm -rf r c b",
    { files: ["text.txt", "numbers.txt"], env: GIT, timeout: 400 },
  ),
  bash(
    "tar through a pipe",
    "tar -C /usr/share/perl/5.36.0 --sort=name -cf - unicore/lib/Gc File | (mkdir out && tar -C out -xf -) && find out -type f | sort | xargs cat | sha256sum; find out | wc -l; rm -rf out; tar -cf - dir | gzip -n | gunzip | tar -tf - | sort",
    {
      files: ["text.txt", "binary.bin"],
    },
  ),
  bash(
    "cpio",
    "find dir | sort | cpio -o -H newc --quiet > a.cpio; mkdir x; cd x; cpio -i --quiet < ../a.cpio; cmp dir/text.txt ../dir/text.txt && ls dir; cpio -t --quiet < ../a.cpio; rm ../a.cpio",
    {
      files: ["text.txt", "binary.bin"],
    },
  ),
  bash(
    "rsync",
    "rsync -a dir/ copy/ && echo x >> dir/text.txt && rsync -ai --no-whole-file --delete --checksum --out-format='%i %n' dir/ copy/ | cut -c1-3; cmp dir/text.txt copy/text.txt && echo same",
    {
      files: ["text.txt", "binary.bin"],
    },
  ),
  bash(
    "make -j",
    "printf 'N := 1 2 3 4 5 6 7 8\\nall: $(N:%%=out.%%)\\n\\t@cat $^ | sort -n\\nout.%%:\\n\\t@sh -c \"echo $$(($* * $*))\" > $@\\nbad:\\n\\t@exit 3\\n.PHONY: all bad\\n' > Makefile; make -j4 all; make -j4 all | wc -l; make bad 2>&1 | tail -1; echo ${PIPESTATUS[0]}",
  ),

  python(
    "threading",
    "import threading, queue, time\nq = queue.Queue(); r = []; lock = threading.Lock()\ndef work():\n    while (n := q.get()) is not None:\n        with lock: r.append(n * n)\n        q.task_done()\nts = [threading.Thread(target=work) for _ in range(8)]\n[t.start() for t in ts]\nfor n in range(300): q.put(n)\nq.join(); [q.put(None) for _ in ts]; [t.join(10) for t in ts]\nprint(sum(r), threading.active_count()); b = threading.Barrier(4); e = threading.Event(); s = threading.Semaphore(2); out = []\ndef meet(): out.append(b.wait() >= 0); e.wait(); s.acquire(); s.release()\nts = [threading.Thread(target=meet) for _ in range(4)]; [t.start() for t in ts]; time.sleep(0.2); e.set(); [t.join() for t in ts]; print(out); c = threading.Condition()\nwith c: print(c.wait(0.05))",
  ),
  python(
    "subprocess",
    "import subprocess as s, signal, sys, os\nprint(s.run(['sort', '-r'], input='a\\nb\\nc\\n', text=True, capture_output=True).stdout.split(), s.run('exit 7', shell=True).returncode, s.check_output(['printf', '%s', 'x y']))\np = s.Popen(['sleep', '60']); p.terminate(); print(p.wait()); p = s.Popen(['cat'], stdin=s.PIPE, stdout=s.PIPE); q = s.Popen(['tr', 'a-z', 'A-Z'], stdin=p.stdout, stdout=s.PIPE); p.stdin.write(b'hello'); p.stdin.close(); print(q.communicate()[0])\ntry: s.run(['sleep', '9'], timeout=0.3)\nexcept s.TimeoutExpired as e: print('timeout')\ntry: s.run(['/nonexistent'])\nexcept FileNotFoundError as e: print(e.errno)\npid = os.fork()\nif pid == 0: os._exit(5)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])); r, w = os.pipe(); os.posix_spawn('/bin/echo', ['echo', 'spawned'], {}, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1)]); os.wait(); print(os.read(r, 100))",
  ),
];

/** Minutes each on a busy machine: a continuous-integration run leaves them out. */
export const SLOW_PROCESS_LINES: readonly CommandLine[] = [
  bash(
    "three hundred processes",
    "for i in $(seq 300); do sleep 1000 & done; [ $(ls /proc | grep -c '^[0-9]') -ge 301 ] && echo alive; kill $(jobs -p); wait; jobs | wc -l",
    { timeout: 900 },
  ),
  python(
    "ten thousand open files, a thousand threads",
    "import os, resource, threading\nresource.setrlimit(resource.RLIMIT_NOFILE, (11000, 11000))\nfiles = [os.open('/etc/passwd', os.O_RDONLY) for _ in range(10000)]; print(len(files), len(set(os.fstat(f).st_ino for f in files)), os.read(files[9999], 4)); os.closerange(3, 11000); print(os.open('/etc/passwd', os.O_RDONLY))\nthreading.stack_size(128 * 1024); go = threading.Event(); lock = threading.Lock(); total = 0\ndef work(n):\n    global total\n    go.wait()\n    with lock: total += n\nts = [threading.Thread(target=work, args=(n,)) for n in range(1000)]\n[t.start() for t in ts]; print(threading.active_count(), len(os.listdir('/proc/self/task')) > 1000); go.set(); [t.join() for t in ts]; print(total)",
  ),
  python(
    "multiprocessing",
    "import multiprocessing as m, os\ndef f(n): return n * n\ndef put(q, v, l):\n    q.put(os.getpid() != 0)\n    for _ in range(50):\n        with l: v.value += 1\nif __name__ == '__main__':\n    m.set_start_method('fork')\n    with m.Pool(3) as p: print(sum(p.map(f, range(100))))\n    q, v, l = m.Queue(), m.Value('i', 0), m.Lock(); ps = [m.Process(target=put, args=(q, v, l)) for _ in range(3)]\n    [p.start() for p in ps]; print([q.get() for _ in ps]); [p.join() for p in ps]; print(v.value, [p.exitcode for p in ps])\n    a, b = m.Pipe(); a.send({'k': [1, 2]}); print(b.recv())\n    from multiprocessing import shared_memory as s; x = s.SharedMemory(create=True, size=100); x.buf[:3] = b'abc'; y = s.SharedMemory(x.name); print(bytes(y.buf[:3])); y.close(); x.close(); x.unlink()",
  ),
  python(
    "mmap shared between processes",
    "import mmap, os, struct\nm = mmap.mmap(-1, 4096); pid = os.fork()\nif pid == 0:\n    m[0:4] = struct.pack('<i', 42); os._exit(0)\nos.waitpid(pid, 0); print(struct.unpack('<i', m[0:4])); open('f', 'wb').write(bytes(8192)); f = open('f', 'r+b'); a = mmap.mmap(f.fileno(), 8192); pid = os.fork()\nif pid == 0:\n    a[5000:5005] = b'child'; os._exit(0)\nos.waitpid(pid, 0); print(a[5000:5005], os.pread(f.fileno(), 5, 5000)); os.pwrite(f.fileno(), b'write', 10); print(a[10:15]); a.resize(4096) if 0 else None; p = mmap.mmap(f.fileno(), 4096, access=mmap.ACCESS_COPY); p[0:1] = b'z'; print(a[0:1], p[0:1], a.find(b'child'))",
  ),
  python(
    "asyncio",
    "import asyncio, sys\nasync def child():\n    p = await asyncio.create_subprocess_exec('tr', 'a-z', 'A-Z', stdin=-1, stdout=-1)\n    return (await p.communicate(b'async'))[0], p.returncode\nasync def main():\n    async def serve(r, w):\n        w.write((await r.readline()).upper()); await w.drain(); w.close()\n    s = await asyncio.start_server(serve, '127.0.0.1', 0); r, w = await asyncio.open_connection(*s.sockets[0].getsockname()); w.write(b'ping\\n'); print(await r.read(), await child()); s.close()\n    print(await asyncio.gather(*(asyncio.sleep(0.01 * (3 - i), i) for i in range(3))))\n    try: await asyncio.wait_for(asyncio.sleep(9), 0.1)\n    except asyncio.TimeoutError: print('timeout')\nasyncio.run(main())",
  ),
  python(
    "signals and timers",
    "import signal, os, time\nseen = []\nsignal.signal(signal.SIGALRM, lambda *a: seen.append('alarm')); signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05); t = time.monotonic()\nwhile len(seen) < 3: signal.pause()\nsignal.setitimer(signal.ITIMER_REAL, 0); print(seen, 0.1 < time.monotonic() - t < 9)\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), signal.SIGUSR1); print(signal.sigpending()); i = signal.sigwaitinfo([signal.SIGUSR1]); print(i.si_signo == signal.SIGUSR1, i.si_pid == os.getpid(), signal.sigtimedwait([signal.SIGUSR1], 0.05))",
  ),
];
