/** Command lines over Debian's own packages. What they print is decided by running them under the peer as well. */
import { NETWORK_COMMAND_LINES, NETWORK_PACKAGES } from "./debian-network-cases.ts";

import { TERMINAL_LINES, TERMINAL_PACKAGES } from "./debian-terminal-cases.ts";

/** What apt is asked for; dependencies come along. */
export const PACKAGES = [
  ...TERMINAL_PACKAGES,
  "base-files",
  "bc",
  "busybox-static",
  "bzip2",
  "coreutils",
  "dc",
  "diffutils",
  "ed",
  "findutils",
  "gawk",
  "grep",
  "gzip",
  "jq",
  "lua5.4",
  "m4",
  "mawk",
  "openssl",
  "perl",
  "python3",
  "sed",
  "sqlite3",
  "tar",
  "xz-utils",
  "zstd",
  ...NETWORK_PACKAGES,
] as const;

export interface CommandLine {
  readonly name: string;
  /** The program's path in the sysroot, then its arguments. */
  readonly argv: readonly string[];
  readonly argv0?: string;
  readonly stdin?: string;
  /** Made in the working directory before the run; names of FIXTURES. */
  readonly files?: readonly (keyof typeof FIXTURES)[];
  readonly env?: Readonly<Record<string, string>>;
  /** Random output: only that it is one well-formed PEM block counts. */
  readonly pem?: true;
  /** Seconds; 120 otherwise. */
  readonly timeout?: number;
}

const words = "the quick brown fox jumps over the lazy dog and runs away from the angry bear in the dark wood".split(
  " ",
);

/** Text that compresses, sorts and matches, without a random number generator of anyone's. */
function prose(lines: number): string {
  let state = 42;
  const next = (limit: number) => (state = (state * 48271) % 2147483647) % limit;
  return (
    Array.from(
      { length: lines },
      (_, n) =>
        `${n} ${Array.from({ length: 3 + next(6) }, () => words[next(words.length)]).join(" ")} ${next(100000)}`,
    ).join("\n") + "\n"
  );
}

export const FIXTURES = {
  "text.txt": prose(2000),
  "big.txt": prose(20000),
  "other.txt": prose(2000).replace("500 ", "five hundred ").replaceAll("bear", "wolf"),
  "numbers.txt":
    Array.from({ length: 500 }, (_, n) => `${((n * 7919) % 1009) - 300} ${(n * 31) % 17}`).join("\n") + "\n",
  "binary.bin": Uint8Array.from({ length: 5000 }, (_, n) => (n * n * 7 + (n >> 3)) & 255),
  "table.sql": `CREATE TABLE planet (id INTEGER PRIMARY KEY, name TEXT, mass REAL, moons INTEGER);
INSERT INTO planet(name, mass, moons) VALUES ('Mercury', 0.330, 0), ('Venus', 4.87, 0), ('Earth', 5.97, 1),
  ('Mars', 0.642, 2), ('Jupiter', 1898, 95), ('Saturn', 568, 146), ('Uranus', 86.8, 28), ('Neptune', 102, 16);
CREATE INDEX by_moons ON planet(moons);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT sum(i * i), avg(i), max(i % 97) FROM n;
.mode column
.headers on
SELECT name, round(mass / 5.97, 4) AS earths, moons FROM planet WHERE moons BETWEEN 1 AND 100 ORDER BY mass DESC;
SELECT count(*), total(mass), group_concat(upper(name), '/') FROM planet;
SELECT printf('%08.3f|%x|%e', 3.14159265, 48879, 12345.678), hex('abc'), json_extract('{"a":[1,2,3]}', '$.a[1]');
CREATE VIRTUAL TABLE note USING fts5(body);
INSERT INTO note VALUES ('the quick brown fox'), ('a lazy dog'), ('foxes and dogs');
SELECT rowid, body FROM note WHERE note MATCH 'fox OR dog';
PRAGMA integrity_check;
`,
  "life.lua": `local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(22), 7 // 2, 7.5 // 2, -7 % 3, 2^53, 10 / 3, math.maxinteger, math.mininteger, 1e308 * 10, -(0/0) ~= -(0/0))
local t = {} for i = 1, 200 do t[i] = (i * 7919) % 211 end
table.sort(t, function(a, b) return a > b end) print(table.concat(t, ",", 1, 20))
print(string.format("%5.2f %q %x %g", 3.14159, "a\\nb", 255, 1e20), ("hello world"):gsub("o", "0"))
local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end end) print(co(), co(), co())
print(pcall(error, 'told', 0), type(select(2, pcall(error, {})))) print(select("#", table.unpack({ 1, nil, 3 }, 1, 3)), utf8.char(8364), #utf8.char(8364))
`,
  "text.pl": `use strict; use warnings; use List::Util qw(sum max); use POSIX qw(floor fmod); use Digest::MD5 qw(md5_hex);
use Time::Local; use Data::Dumper; $Data::Dumper::Sortkeys = 1;
my %count; open(my $in, '<', 'text.txt') or die; while (<$in>) { $count{lc $1}++ while /([a-z]+)/gi }
print join(' ', map { "$_=$count{$_}" } sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count), "\\n";
print sum(1 .. 1000), ' ', max(3, 9, 4), ' ', floor(-2.5), ' ', fmod(10, 3), ' ', 2 ** 0.5, ' ', 1e15 + 0.3, "\\n";
print md5_hex('babelf'), ' ', unpack('H*', pack('nNvVd>', 1, 2, 3, 4, 1.5)), ' ', timegm(0, 0, 0, 1, 0, 2000), "\\n";
my $s = 'a1b22c333'; (my $u = $s) =~ s/(\\d+)/<$1>/g; print "$u ", join('|', $s =~ /[a-z]\\d+/g), "\\n";
print Dumper({ list => [1, 2, { x => 'y' }], text => "quote'd" }); printf "%s %05.1f %b %e\\n", 'x', 3.14159, 10, 12345.678;
local $@; eval { die { code => 42 } }; print "caught $@->{code}\\n"; print sprintf('%vd', '1.22.333'), ' ', 0.1 + 0.2, ' ', 9**20, "\\n";
`,
  "primes.pl": `my @p = (2);
N: for (my $n = 3; @p < 2000; $n += 2) { for (@p) { last if $_ * $_ > $n; next N unless $n % $_ } push @p, $n }
print "$p[-1]\\n";
exit 3;
`,
  "compute.py": `import sys
def queens(n):
    def place(row, cols, left, right):
        if row == n: return 1
        total, free = 0, ((1 << n) - 1) & ~(cols | left | right)
        while free:
            bit = free & -free
            free ^= bit
            total += place(row + 1, cols | bit, (left | bit) << 1, (right | bit) >> 1)
        return total
    return place(0, 0, 0, 0)
class Body:
    __slots__ = ("x", "v", "m")
    def __init__(self, x, v, m): self.x, self.v, self.m = x, v, m
def orbit(steps):
    bodies = [Body([float(i), 0.5 * i, -0.25 * i], [0.01 * i, 0.0, 0.02], 1.0 + i) for i in range(5)]
    for _ in range(steps):
        for i, a in enumerate(bodies):
            for b in bodies[i + 1:]:
                d = [p - q for p, q in zip(a.x, b.x)]
                r = (sum(c * c for c in d) + 0.01) ** 1.5
                for k in range(3):
                    a.v[k] -= d[k] * b.m * 0.001 / r
                    b.v[k] += d[k] * a.m * 0.001 / r
        for a in bodies:
            a.x = [p + 0.001 * q for p, q in zip(a.x, a.v)]
    return [round(c, 12) for a in bodies for c in a.x]
def words(n):
    seen = {}
    x = 1
    for _ in range(n):
        x = x * 1103515245 + 12345 & 0x7fffffff
        key = "%x" % (x >> 12 & 0xfff)
        seen[key] = seen.get(key, 0) + 1
    return len(seen), max(seen.values()), sorted(seen)[:3]
print(queens(8), words(120000))
print(orbit(900))
a, b = 0, 1
for _ in range(6000): a, b = b, a + b
print(len(str(a)), hash(a), pow(3, 10**40, 10**9 + 7), sys.byteorder, sys.maxsize)
`,
} as const satisfies Readonly<Record<string, string | Uint8Array>>;

const PYTHON = ["usr/bin/python3.11", "-S", "-E"] as const;
const python = (name: string, script: string): CommandLine => ({
  name: `python3 ${name}`,
  argv: [...PYTHON, "-c", script],
});
const busybox = (applet: string, args: readonly string[], more: Partial<CommandLine> = {}): CommandLine => ({
  name: `busybox ${applet}`,
  argv: ["bin/busybox", applet, ...args],
  ...more,
});

export const COMMAND_LINES: readonly CommandLine[] = [
  busybox("ls", ["-l", "text.txt", "numbers.txt"], { files: ["text.txt", "numbers.txt"] }),
  busybox("sort", ["-n", "numbers.txt"], { files: ["numbers.txt"] }),
  busybox("md5sum", ["big.txt", "binary.bin"], { files: ["big.txt", "binary.bin"] }),
  busybox(
    "awk",
    [
      '{ s += $1; n[$2]++ } END { printf "%d %.3f\\n", s, s / NR; for (k = 0; k < 17; k++) print k, n[k] }',
      "numbers.txt",
    ],
    { files: ["numbers.txt"] },
  ),
  busybox("sh", [
    "-c",
    "i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo $i $((i * 7 % 13)); case abc in a*) echo yes;; esac; f() { echo $(($1 * 2)); }; f 21; printf '%05d %s\\n' 42 x; exit 7",
  ]),
  busybox("hexdump", ["-C", "binary.bin"], { files: ["binary.bin"] }),
  busybox("tar", ["cf", "-", "text.txt", "binary.bin"], { files: ["text.txt", "binary.bin"] }),
  busybox("cp", ["text.txt", "copy.txt"], { files: ["text.txt"] }),
  busybox("bzip2", ["-k", "text.txt"], { files: ["text.txt"] }),
  busybox("seq", ["1", "3", "1000"]),
  busybox("unknown applet", [], { argv: ["bin/busybox", "no-such-applet"] }),

  { name: "ls -la", argv: ["bin/ls", "-la", "--time-style=full-iso", "dir"], files: ["text.txt", "binary.bin"] },
  { name: "ls of the sysroot", argv: ["bin/ls", "-laR", "--time-style=long-iso", "/usr/share/perl/5.36.0/unicore"] },
  { name: "ls missing", argv: ["bin/ls", "nothing-here"] },
  { name: "sort", argv: ["usr/bin/sort", "--parallel=1", "-k2,2", "-k1n", "big.txt"], files: ["big.txt"] },
  { name: "sort -R by key -u", argv: ["usr/bin/sort", "-t", " ", "-k", "2,2", "-u", "text.txt"], files: ["text.txt"] },
  {
    name: "sha256sum",
    argv: ["usr/bin/sha256sum", "big.txt", "binary.bin", "text.txt"],
    files: ["big.txt", "binary.bin", "text.txt"],
  },
  { name: "sha512sum stdin", argv: ["usr/bin/sha512sum"], stdin: "babelf\n" },
  { name: "b2sum", argv: ["usr/bin/b2sum", "big.txt"], files: ["big.txt"] },
  {
    name: "od",
    argv: ["usr/bin/od", "-A", "x", "-t", "x1z", "-t", "d4", "-t", "fD", "binary.bin"],
    files: ["binary.bin"],
  },
  { name: "wc", argv: ["usr/bin/wc", "big.txt", "text.txt"], files: ["big.txt", "text.txt"] },
  { name: "cut", argv: ["usr/bin/cut", "-d", " ", "-f", "2-4", "text.txt"], files: ["text.txt"] },
  { name: "tr", argv: ["usr/bin/tr", "a-z", "A-Z"], stdin: FIXTURES["text.txt"] },
  { name: "uniq -c", argv: ["usr/bin/uniq", "-c"], stdin: "a\na\nb\nc\nc\nc\n" },
  { name: "base64", argv: ["usr/bin/base64", "binary.bin"], files: ["binary.bin"] },
  { name: "factor", argv: ["usr/bin/factor", "1000000007", "18446744073709551615", "1000000016000000063"] },
  { name: "seq of fractions", argv: ["usr/bin/seq", "-f", "%.3f", "0", "0.1", "10"] },
  { name: "date", argv: ["bin/date", "-u", "-d", "@1234567890", "+%Y-%m-%d %H:%M:%S %A %j"] },
  { name: "expr", argv: ["usr/bin/expr", "123456789", "*", "987654321"] },
  { name: "stat", argv: ["usr/bin/stat", "-c", "%n %s %F %a %Y", "text.txt", "dir"], files: ["text.txt"] },
  { name: "cp -r, by its result", argv: ["bin/cp", "-r", "dir", "copy"], files: ["text.txt", "binary.bin"] },
  { name: "mv", argv: ["bin/mv", "text.txt", "dir/moved.txt"], files: ["text.txt"] },
  { name: "ln -s, readlink", argv: ["bin/ln", "-s", "text.txt", "link"], files: ["text.txt"] },
  { name: "mkdir -p", argv: ["bin/mkdir", "-p", "a/b/c", "a/d"] },
  {
    name: "dd",
    argv: ["bin/dd", "if=binary.bin", "of=part.bin", "bs=100", "skip=3", "count=7", "status=none"],
    files: ["binary.bin"],
  },
  { name: "split", argv: ["usr/bin/split", "-l", "500", "text.txt", "part-"], files: ["text.txt"] },
  { name: "uname -m", argv: ["bin/uname", "-m"] },
  { name: "printf", argv: ["usr/bin/printf", "%s %d %08.3f %x %c\\n", "text", "-42", "3.14159", "48879", "z"] },
  { name: "false", argv: ["bin/false"] },
  {
    name: "find",
    argv: ["usr/bin/find", "/usr/share/perl/5.36.0/unicore", "-type", "f", "-name", "CombiningClass.pl"],
  },
  { name: "diff -u", argv: ["usr/bin/diff", "-u", "text.txt", "other.txt"], files: ["text.txt", "other.txt"] },
  { name: "cmp", argv: ["usr/bin/cmp", "text.txt", "other.txt"], files: ["text.txt", "other.txt"] },

  {
    name: "gawk",
    argv: [
      "usr/bin/gawk",
      '{ c[$2]++; s += length($0) } END { n = asorti(c, k); for (i = 1; i <= n; i++) print k[i], c[k[i]]; print s, sin(1), exp(2), int(-3.7), strftime("%F", 0, 1) }',
      "text.txt",
    ],
    files: ["text.txt"],
  },
  {
    name: "mawk",
    argv: [
      "usr/bin/mawk",
      '{ t += $1 } $2 == 3 { print NR, $0 } END { print t, sqrt(t * t), substr("babelf", 2, 3), index("hello", "l") }',
      "numbers.txt",
    ],
    files: ["numbers.txt"],
  },
  {
    name: "sed",
    argv: ["bin/sed", "-E", "-n", "s/([a-z]+) ([a-z]+)/\\2 \\1/g; /fox/{y/aeiou/AEIOU/;p}; $=", "text.txt"],
    files: ["text.txt"],
  },
  { name: "sed -i", argv: ["bin/sed", "-i", "s/bear/wolf/g", "text.txt"], files: ["text.txt"] },
  { name: "grep -P", argv: ["bin/grep", "-P", "-n", "-o", "\\b(\\w)\\w*(?=\\s+\\1)", "text.txt"], files: ["text.txt"] },
  { name: "grep -c", argv: ["bin/grep", "-c", "-E", "(fox|dog).*bear", "big.txt"], files: ["big.txt"] },
  { name: "grep, nothing found", argv: ["bin/grep", "zebra", "text.txt"], files: ["text.txt"] },
  {
    name: "bc",
    argv: ["usr/bin/bc", "-lq"],
    stdin:
      "scale=60; 4*a(1); e(1); sqrt(2); 2^200; obase=16; 2^64-1; obase=A\ndefine f(n) {\n if (n<2) return 1\n return n*f(n-1)\n}\nf(50)\n",
  },
  { name: "dc", argv: ["usr/bin/dc", "-e", "50k 2 v p 3 100 ^ p 16o 255 p"] },
  { name: "gzip", argv: ["bin/gzip", "-9", "-k", "big.txt"], files: ["big.txt"] },
  { name: "gzip -c, fast", argv: ["bin/gzip", "-1", "-n", "-c", "big.txt"], files: ["big.txt"] },
  { name: "bzip2", argv: ["bin/bzip2", "-k", "big.txt"], files: ["big.txt"] },
  { name: "xz", argv: ["usr/bin/xz", "-k", "-T1", "-6", "text.txt"], files: ["text.txt"] },
  {
    name: "zstd",
    argv: ["usr/bin/zstd", "-q", "--single-thread", "--no-asyncio", "-5", "-k", "text.txt"],
    files: ["text.txt"],
  },
  {
    name: "tar",
    argv: ["bin/tar", "--sort=name", "--owner=0", "--group=0", "-cf", "all.tar", "dir", "text.txt"],
    files: ["text.txt", "binary.bin"],
  },
  {
    name: "m4",
    argv: ["usr/bin/m4"],
    stdin:
      "define(`f', `ifelse($1, 0, 1, `eval($1 * f(decr($1)))')')f(10) len(`abc') translit(`hello', `a-y', `b-z')\n",
  },
  {
    name: "ed",
    argv: ["bin/ed", "-s", "text.txt"],
    stdin: "1,5p\n3d\ng/fox/s/fox/cat/\n1,5p\n=\nQ\n",
    files: ["text.txt"],
  },
  {
    name: "jq",
    argv: ["usr/bin/jq", "-c", ".[] | select(.n > 1) | {name, sq: (.n * .n), up: (.name | ascii_upcase)}"],
    stdin: JSON.stringify([
      { name: "a", n: 1 },
      { name: "b", n: 2.5 },
      { name: "ü", n: 1e10 },
    ]),
  },

  { name: "sqlite3", argv: ["usr/bin/sqlite3", "-batch", ":memory:", ".read table.sql"], files: ["table.sql"] },
  {
    name: "sqlite3 to a file",
    argv: ["usr/bin/sqlite3", "-batch", "planets.db", ".read table.sql"],
    files: ["table.sql"],
  },
  { name: "lua5.4", argv: ["usr/bin/lua5.4", "life.lua"], files: ["life.lua"] },
  { name: "perl", argv: ["usr/bin/perl", "text.pl"], files: ["text.pl", "text.txt"] },
  { name: "perl primes", argv: ["usr/bin/perl", "primes.pl"], files: ["primes.pl"] },

  python(
    "json",
    'import json; d = json.loads(\'{"a": [1, 2.5, null, true, "\\\\u20ac"], "b": {"c": 1e100}}\'); print(json.dumps(d, indent=1, sort_keys=True)); print([json.loads(json.dumps(x / 7)) == x / 7 for x in range(50)].count(True))',
  ),
  python(
    "re",
    "import re; t = ' '.join(str(i * i) + 'x' * (i % 5) for i in range(3000)); print(len(re.findall(r'(\\d)\\1', t)), re.sub(r'(?P<n>\\d+)x+', lambda m: m['n'][::-1], t)[:200], bool(re.match(r'(a|b)*c', 'ab' * 500)))",
  ),
  python(
    "decimal",
    "from decimal import *; getcontext().prec = 80; print(Decimal(2).sqrt(), Decimal(1) / 7, Decimal(10).ln(), (Decimal('1e-50') + 1).exp()); from fractions import Fraction; print(sum(Fraction(1, n) for n in range(1, 60)))",
  ),
  python(
    "zlib",
    "import zlib, bz2, lzma; d = bytes(range(256)) * 40 + b'babelf' * 999; print([len(m.compress(d)) for m in (zlib, bz2, lzma)], zlib.crc32(d), zlib.adler32(d), all(m.decompress(m.compress(d)) == d for m in (zlib, bz2, lzma)))",
  ),
  python(
    "struct",
    "import struct; print(struct.pack('<bBhHiIqQfd', -1, 255, -2, 65535, -3, 4294967295, -4, 2**64 - 1, 1.5, -0.1).hex(), struct.unpack('>e3sx?', b'\\x3c\\x00abc\\x00\\x01'), struct.pack('n', 1), struct.calcsize('P'))",
  ),
  python(
    "hashlib",
    "import hashlib; d = b'babelf' * 10000; print({n: hashlib.new(n, d).hexdigest()[:32] for n in ('md5', 'sha1', 'sha256', 'sha3_256', 'blake2b')}, hashlib.pbkdf2_hmac('sha256', b'p', b's', 2000).hex())",
  ),
  python(
    "math",
    "import math, cmath; print([f(0.7) for f in (math.sin, math.cos, math.tan, math.asin, math.exp, math.log, math.gamma, math.erf, math.sqrt)], math.fsum([0.1] * 10), math.pow(2, 0.5), cmath.exp(1j), float('inf') - float('inf'), round(2.5), divmod(-7, 3), 1e308 * 10, math.nextafter(1, 2), float.hex(0.1))",
  ),
  python(
    "files",
    "import os, tempfile; os.makedirs('p/q'); open('p/q/f', 'w').write('x' * 1000); print(sorted(os.listdir('p')), os.stat('p/q/f').st_size, [d for d, _, _ in os.walk('.')]); os.rename('p/q/f', 'g'); os.removedirs('p/q'); print(os.path.exists('p'), open('g').read(3)); import mmap; f = open('g', 'r+b'); m = mmap.mmap(f.fileno(), 0); m[0:3] = b'abc'; m.flush(); m.close(); print(open('g').read(5))",
  ),
  python(
    "exceptions and exit code",
    "import sys\ntry:\n    1 / 0\nexcept ZeroDivisionError as e:\n    print(repr(e))\ntry:\n    def f(): f()\n    f()\nexcept RecursionError as e:\n    print('deep')\nsys.exit(5)",
  ),
  python(
    "generators and classes",
    "import itertools, functools, collections, dataclasses, heapq, bisect, random\nr = random.Random(1)\nprint(r.random(), r.sample(range(1000), 5), r.gauss(0, 1))\n@dataclasses.dataclass(order=True)\nclass P:\n    x: int\n    y: int = 2\nprint(sorted([P(3), P(1, 5), P(1, 4)]), list(itertools.permutations('abc'))[:4], collections.Counter('mississippi').most_common(2), functools.reduce(lambda a, b: a * b, range(1, 25)), heapq.nsmallest(3, [5, 1, 4]), f'{1234567.891:,.2f} {255:#b} {\"x\":>5}')",
  ),
  python(
    "unicode",
    "s = 'Grüße, 世界 🌍'; import unicodedata; print(ascii(s), s.encode('utf-16-le').hex(), unicodedata.normalize('NFD', 'é').encode().hex(), ascii(s.upper()), ascii(s.casefold()), len(s), unicodedata.name('世'))",
  ),
  { name: "python3 computation", argv: [...PYTHON, "compute.py"], files: ["compute.py"], timeout: 400 },

  {
    name: "openssl dgst",
    argv: ["usr/bin/openssl", "dgst", "-sha256", "big.txt", "binary.bin"],
    files: ["big.txt", "binary.bin"],
  },
  {
    name: "openssl dgst -sha3-512 -hmac",
    argv: ["usr/bin/openssl", "dgst", "-sha3-512", "-hmac", "key", "big.txt"],
    files: ["big.txt"],
  },
  {
    name: "openssl enc",
    argv: [
      "usr/bin/openssl",
      "enc",
      "-aes-256-cbc",
      "-pbkdf2",
      "-S",
      "0011223344556677",
      "-pass",
      "pass:x",
      "-a",
      "-in",
      "text.txt",
    ],
    files: ["text.txt"],
  },
  {
    name: "openssl chacha20",
    argv: [
      "usr/bin/openssl",
      "enc",
      "-chacha20",
      "-K",
      "00".repeat(31) + "01",
      "-iv",
      "00".repeat(16),
      "-a",
      "-in",
      "text.txt",
    ],
    files: ["text.txt"],
  },
  { name: "openssl prime", argv: ["usr/bin/openssl", "prime", "170141183460469231731687303715884105727"] },
  { name: "openssl genrsa", argv: ["usr/bin/openssl", "genrsa", "1024"], pem: true },
  {
    name: "openssl genpkey -algorithm ed25519",
    argv: ["usr/bin/openssl", "genpkey", "-algorithm", "ed25519"],
    pem: true,
  },
  ...TERMINAL_LINES,
  // With OPENSSL_armcap, code for Advanced SIMD (1) or none; by itself the cryptography instructions.
  ...["", "0", "1"].flatMap((armcap) =>
    [
      ["dgst", "-sha1", "big.txt"],
      ["dgst", "-sha256", "big.txt"],
      ["dgst", "-sha512", "big.txt"],
      ["mac", "-macopt", `hexkey:${"42".repeat(32)}`, "-in", "big.txt", "Poly1305"],
      ...["-aes-128-ctr", "-aes-192-cbc", "-chacha20"].map((cipher) => [
        ...["enc", cipher, "-K", "0123".repeat(cipher === "-aes-128-ctr" ? 8 : cipher === "-chacha20" ? 16 : 12)],
        ...["-iv", "01".repeat(16), "-a", "-in", "text.txt"],
      ]),
    ].map((args): CommandLine => ({
      name: `openssl ${args.find((arg) => /^-(sha|aes|chacha)|Poly/.test(arg))}, armcap=${armcap || "the processor's"}`,
      argv: ["usr/bin/openssl", ...args],
      files: ["big.txt", "text.txt"],
      ...(armcap === "" ? {} : { env: { OPENSSL_armcap: armcap } }),
    })),
  ),
  python(
    "hashlib, zlib",
    `import hashlib, zlib, binascii
data = bytes(range(256)) * 400
for name in sorted(hashlib.algorithms_guaranteed):
    h = hashlib.new(name, data)
    print(name, h.hexdigest(20) if name.startswith("shake") else h.hexdigest())
print(hashlib.pbkdf2_hmac("sha256", b"x", b"salt", 500).hex(), hashlib.scrypt(b"x", salt=b"y", n=64, r=4, p=1).hex())
print(zlib.crc32(data), zlib.adler32(data), binascii.crc_hqx(data, 0), len(zlib.compress(data)))`,
  ),
  ...NETWORK_COMMAND_LINES,
];
