/** Who may import whom: the arrows of docs/architecture.md as a table. A folder may always import itself. */

/** Folder of src/ → folders that it may import. "." is src/index.ts. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  cli: [".", "host", "start"],
  start: [".", "translate", "host"],
  ".": ["user", "system", "debug"],
  user: ["loader", "syscalls", "kernel", "translate", "memory", "cpu", "host"],
  system: ["translate", "cpu", "memory", "host"],
  debug: ["syscalls", "kernel", "translate", "cpu", "memory"],
  syscalls: ["kernel", "memory"],
  kernel: ["memory", "host"],
  loader: ["memory"],
  memory: ["host"],
  translate: ["cpu"],
  cpu: [],
  host: [],
};

/** npm packages that only one folder may import. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  koffi: ["host"],
  yargs: ["cli"],
  elfy: ["loader"],
};

const IMPORT = /(?:^|\n)\s*(?:import|export)\b[^;"'(=]*?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

/** What `source`, a file of src/ at `path` ("kernel/fs/view.ts"), imports against the rules, as one line each. */
export function brokenRules(path: string, source: string): string[] {
  const from = folderOf(path);
  const problems: string[] = [];
  const allowed = ARROWS[from];
  if (allowed === undefined) return [`src/${path}: no rule for the folder ${from}; add one to scripts/import-rules.ts`];
  for (const match of source.matchAll(IMPORT)) {
    const target = match[1] ?? match[2]!;
    if (target.startsWith(".")) {
      if (!/\.(ts|json)$/.test(target)) problems.push(`src/${path}: imports ${target} without its ending (.ts)`);
      const to = folderOf(new URL(target, `file:///${path}`).pathname.slice(1));
      if (to !== from && !allowed.includes(to)) problems.push(`src/${path}: ${from} may not import ${to} (${target})`);
    } else {
      const owners = PACKAGES[target.split("/")[0]!];
      if (owners !== undefined && !owners.includes(from))
        problems.push(`src/${path}: only ${owners} may import ${target}`);
    }
  }
  return problems;
}

function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : ".";
}
