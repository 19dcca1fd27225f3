/** What the whole programs work on: text that people wrote (SQLite's and Lua's own sources), and scripts of our own. */
import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../conformance/harness/cache.ts";
import { unpackSource } from "../conformance/harness/debian.ts";

/** A source package's whole tree. */
export const sourceTree = async (name: string) => path.dirname(await unpackSource(name, "*"));

/** The first bytes of SQLite's sources, one after the other, as a file. */
export async function text(bytes: number): Promise<string> {
  const file = path.join(cacheFolder("bench-inputs"), `text-${bytes}`);
  if (existsSync(file)) return file;
  const folder = path.join(await sourceTree("sqlite3"), "src");
  const once = Buffer.concat(
    readdirSync(folder)
      .filter((name) => name.endsWith(".c"))
      .sort()
      .map((name) => readFileSync(path.join(folder, name))),
  );
  const all = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += once.length) once.copy(all, at);
  writeFileSync(file, all);
  return file;
}

/** A `prepare` that puts files into the working directory under other names. */
export const copies = (files: Readonly<Record<string, string>>) => (cwd: string) => {
  for (const [name, file] of Object.entries(files)) copyFileSync(file, path.join(cwd, name));
};

export const LUA = `
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local scale = tonumber(arg[1])
local total = 0
for round = 1, scale do
  total = total + fib(24)
  local t = {}
  for i = 1, 20000 do t[i] = (i * 7919 + round) % 21101 end
  table.sort(t)
  local words, text = {}, {}
  for i = 1, 20000 do words["w" .. t[i] % 997] = (words["w" .. t[i] % 997] or 0) + 1 end
  for word, count in pairs(words) do text[#text + 1] = word .. "=" .. count end
  table.sort(text)
  local joined = table.concat(text, ",")
  local _, found = joined:gsub("w(%d+)=2(%d)", "%2%1")
  local x = 0.5
  for i = 1, 100000 do x = x * 3.7 * (1 - x) end
  total = total + found + math.floor(x * 1000)
end
print(total)
`;

export const PERL = `
use strict; use warnings;
my ($scale, $total) = ($ARGV[0], 0);
open(my $in, '<', 'text') or die; local $/; my $text = <$in>;
for my $round (1 .. $scale) {
  my %count; $count{lc $1}++ while $text =~ /([A-Za-z_]+)/g;
  my @top = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
  (my $changed = $text) =~ s/sqlite3_(\\w+)/<$1>/g;
  $total += length($changed) + $count{$top[0]} + @top;
  my @p = (2);
  N: for (my $n = 3; @p < 1500; $n += 2) { for (@p) { last if $_ * $_ > $n; next N unless $n % $_ } push @p, $n }
  $total += $p[-1];
}
print "$total\\n";
`;

export const PYTHON_LOOPS = `
import sys
def queens(n, row, cols, left, right):
    if row == n: return 1
    total, free = 0, ((1 << n) - 1) & ~(cols | left | right)
    while free:
        bit = free & -free
        free ^= bit
        total += queens(n, row + 1, cols | bit, (left | bit) << 1, (right | bit) >> 1)
    return total
total = 0
for round in range(int(sys.argv[1])):
    total += queens(7, 0, 0, 0, 0)
    x, seen = 1 + round, {}
    for _ in range(40000):
        x = x * 1103515245 + 12345 & 0x7fffffff
        seen[x >> 20] = seen.get(x >> 20, 0) + 1
    f = 0.5
    for _ in range(40000): f = f * 3.7 * (1 - f)
    total += len(seen) + int(f * 1000)
print(total)
`;

export const PYTHON_JSON = `
import json, sys
value = [{"id": i, "name": "item %d" % i, "tags": ["a", "b\\u00e9", str(i)], "price": i / 7, "sub": {"ok": i % 2 == 0, "none": None}} for i in range(2000)]
total = 0
for round in range(int(sys.argv[1])):
    text = json.dumps(value, indent=1 if round & 1 else None, sort_keys=True)
    value = json.loads(text)
    total += len(text)
print(total)
`;

export const PYTHON_REGEX = `
import re, sys
text = open("text").read()
total = 0
for round in range(int(sys.argv[1])):
    total += len(re.findall(r"\\b[a-z]+_[a-z]+\\b", text))
    total += len(re.sub(r"/\\*.*?\\*/", "", text, flags=re.S))
    total += sum(1 for m in re.finditer(r"^\\s*(?:if|while|for)\\s*\\((.*)\\)", text, re.M) if "=" in m.group(1))
print(total)
`;

export const SQL = (rows: number) => `
CREATE TABLE planet (id INTEGER PRIMARY KEY, name TEXT, mass REAL, kind INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
INSERT INTO planet SELECT i, 'name ' || (i * 7919 % 10007), i / 7.0, i % 97 FROM n;
CREATE INDEX by_name ON planet(name);
CREATE INDEX by_kind ON planet(kind, mass);
SELECT kind, count(*), round(sum(mass), 3), max(name) FROM planet GROUP BY kind ORDER BY 3 DESC LIMIT 5;
SELECT count(*) FROM planet a JOIN planet b ON a.name = b.name AND a.id < b.id;
UPDATE planet SET mass = mass * 2 WHERE kind BETWEEN 10 AND 20;
DELETE FROM planet WHERE name LIKE '%77%';
SELECT count(*), round(total(mass), 3), length(group_concat(name)) FROM planet;
`;
