/** Compilers and the run-time systems of languages: large packages, which a continuous-integration run leaves out. */
import type { CommandLine } from "./debian-cases.ts";

export const LANGUAGE_PACKAGES = [
  "bash",
  "busybox",
  "coreutils",
  "fzf",
  "g++",
  "gcc",
  "grep",
  "gron",
  "libc6-dev",
  "make",
  "php-cli",
  "ruby",
] as const;
/** V8 and HotSpot have compilers of their own for ARM. */
export const ARMHF_LANGUAGE_PACKAGES = ["nodejs", "openjdk-17-jre-headless"] as const;

const bash = (name: string, script: string, more: Partial<CommandLine> = {}): CommandLine => ({
  name,
  argv: ["bin/bash", "-c", script],
  timeout: 600,
  ...more,
});

const SORT_CC = `#include <algorithm>
#include <iostream>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
int main() {
  std::vector<int> v(1000);
  std::iota(v.begin(), v.end(), 0);
  std::sort(v.begin(), v.end(), [](int a, int b) { return a * 7919 % 1009 < b * 7919 % 1009; });
  std::map<std::string, long> m;
  for (int x : v) m[std::to_string(x % 10)] += x;
  for (auto& [k, n] : m) std::cout << k << '=' << n << ' ';
  long total = 0;
  std::thread t([&] { total = std::accumulate(v.begin(), v.end(), 0L); });
  t.join();
  try { throw std::runtime_error("thrown"); } catch (const std::exception& e) { std::cout << e.what() << ' ' << total << std::endl; }
}
`;

export const LANGUAGE_LINES: readonly CommandLine[] = [
  bash(
    "gcc builds, and the program runs",
    "printf '#include <stdio.h>\\n#include <math.h>\\nint f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\\nint main(void) { printf(\"%%d %%.6f %%s\\\\n\", f(15), sqrt(2), __VERSION__); return 3; }\\n' > a.c && gcc -O2 -Wall a.c -o a -lm && ./a; echo $?; gcc -S -O1 a.c -o - | grep -c . ; printf 'int main( { }' | gcc -x c - 2>&1 | head -2; rm -f a a.c",
  ),
  bash("g++ builds, and the program runs", `cat > s.cc && g++ -std=c++17 -O1 s.cc -o s -pthread && ./s; rm -f s s.cc`, {
    stdin: SORT_CC,
  }),
  bash(
    "make -j with gcc",
    "for i in 1 2 3; do echo \"int f$i(void) { return $i; }\" > f$i.c; done; echo 'int f1(void), f2(void), f3(void); int main(void) { return f1() + f2() * f3(); }' > m.c; printf 'CFLAGS = -O1\\nm: m.o f1.o f2.o f3.o\\n' > Makefile; make -s -j3 CC=gcc && ./m; echo $?; rm -f *.o m",
  ),
  {
    name: "ruby",
    argv: [
      "usr/bin/ruby",
      "-e",
      'puts (1..10).map { |n| n ** 2 }.select(&:even?).sum; h = Hash.new(0); "the quick brown the".split.each { |w| h[w] += 1 }; p h; Thread.new { puts "thread" }.join; r, w = IO.pipe; fork { r.close; w.puts 2 ** 100; exit! 3 }; w.close; puts r.read; Process.wait; p $?.exitstatus; puts `echo sub`; begin; raise ArgumentError, "bad"; rescue => e; puts e.message; end; f = Fiber.new { 3.times { |i| Fiber.yield i }; :end }; p 4.times.map { f.resume }; p "Grüße".bytes.size, 1.0 / 3, "a1b2".gsub(/\\d/) { |d| (d.to_i + 1).to_s }',
    ],
    env: { LC_ALL: "C.UTF-8" },
    timeout: 400,
  },
  {
    name: "php",
    argv: [
      "usr/bin/php8.2",
      "-n",
      "-r",
      'echo array_sum(array_map(fn($n) => $n ** 2, range(1, 10))), " ", strrev("babelf"), " ", md5("x"), " ", intdiv(-7, 2), " ", 0.1 + 0.2, "\\n"; preg_match_all("/(\\w)(\\d)/", "a1 b2", $m); echo json_encode($m), "\\n"; function g() { for ($i = 0; $i < 3; $i++) yield $i => $i * $i; } foreach (g() as $k => $v) echo "$k=$v "; try { throw new RuntimeException("bad", 3); } catch (Exception $e) { echo get_class($e), $e->getCode(), "\\n"; } $a = [[3], [1], [2]]; usort($a, fn($x, $y) => $x <=> $y); printf("%05.2f|%b|%s\\n", 3.14159, 10, str_pad("x", 3, "-", STR_PAD_BOTH)); echo shell_exec("echo sub"); exit(4);',
    ],
    timeout: 400,
  },
  {
    name: "a Go program: gron",
    argv: ["usr/bin/gron", "--monochrome"],
    stdin: '{"a": [1, {"b": null}], "c": "x"}',
    timeout: 300,
  },
  {
    name: "a Go program: fzf",
    argv: ["usr/bin/fzf", "--filter", "fxdg"],
    stdin: "fox dog\nfix dig\nabc\nfoxdog\n",
    timeout: 300,
  },
];

export const ARMHF_LANGUAGE_LINES: readonly CommandLine[] = [
  {
    name: "node with workers",
    argv: [
      "usr/bin/node",
      "-e",
      'const { Worker, isMainThread } = require("worker_threads"); const { execFileSync } = require("child_process"); const fs = require("fs"); const w = new Worker(`const { parentPort, workerData } = require("worker_threads"); let s = 0; for (let i = 0; i < workerData; i++) s += i * i; parentPort.postMessage(s)`, { eval: true, workerData: 20000 }); w.on("message", (m) => console.log("worker", m)); w.on("exit", (c) => { console.log("exit", c, execFileSync("/bin/echo", ["child"]).toString().trim()); fs.writeFileSync("f", JSON.stringify({ a: [..."Grüße"].length })); console.log(fs.readFileSync("f", "utf8"), require("zlib").gzipSync("x".repeat(1000)).length, 0.1 + 0.2, 2n ** 100n, /(?<y>\\d+)/.exec("a42").groups.y); setTimeout(() => process.exit(5), 10); })',
    ],
    timeout: 600,
  },
  {
    name: "java",
    argv: ["usr/lib/jvm/java-17-openjdk-armhf/bin/java", "-Xint", "-Xshare:off", "-XX:+UseSerialGC", "--version"],
    timeout: 600,
  },
];
