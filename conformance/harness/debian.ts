/**
 * Packages of Debian 12, fetched by name with a private apt configuration: its own lists, cache and architecture, so that
 * the machine's own apt never hears of a foreign architecture. `BABELF_DEBIAN_MIRROR` names another mirror.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheFolder, completeFolder } from "./cache.ts";
import { runTool } from "./child.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const RELEASE = "bookworm";
const COMPONENTS = "main";

/** In an unpacked tree: which archives it came from. */
export const VERSIONS = ".versions";

/** apt for one architecture: `APT_CONFIG`, with the package lists fetched. */
async function privateApt(architecture: string): Promise<string> {
  const folder = cacheFolder("apt", architecture);
  const configuration = path.join(folder, "apt.conf");
  for (const part of ["state/lists/partial", "cache/archives/partial", "etc/preferences.d"])
    mkdirSync(path.join(folder, part), { recursive: true });
  writeFileSync(path.join(folder, "state/status"), "");
  const mirror = process.env.BABELF_DEBIAN_MIRROR ?? "http://deb.debian.org/debian";
  const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : "";
  writeFileSync(
    path.join(folder, "sources.list"),
    ["deb", "deb-src"].map((kind) => `${kind} ${signed}${mirror} ${RELEASE} ${COMPONENTS}\n`).join(""),
  );
  writeFileSync(
    configuration,
    `APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
APT::Sandbox::User "";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Dir::State "${folder}/state";
Dir::State::status "${folder}/state/status";
Dir::Cache "${folder}/cache";
Dir::Etc::sourcelist "${folder}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "${folder}/etc/preferences.d";
`,
  );
  const stamp = path.join(folder, "updated");
  if (!existsSync(stamp)) {
    await network(() => apt(configuration, "apt-get", ["update", "-q"]), `Debian's ${architecture} package lists`);
    writeFileSync(stamp, "");
  }
  return configuration;
}

function apt(configuration: string, file: string, args: readonly string[], cwd?: string): Promise<string> {
  return runTool(file, args, {
    env: { ...(process.env as Record<string, string>), APT_CONFIG: configuration, LC_ALL: "C" },
    ...(cwd !== undefined ? { cwd } : {}),
  });
}

/** A network step: tried twice, and one line when it fails. */
async function network<T>(step: () => Promise<T>, what: string): Promise<T> {
  process.stderr.write(`fetching ${what}\n`);
  try {
    return await step();
  } catch {
    try {
      return await step();
    } catch (error) {
      throw new Error(`cannot fetch ${what}: ${(error as Error).message}`);
    }
  }
}

/** Unpacks binary packages (without their dependencies) into one tree and returns its path. */
export async function unpackPackages(architecture: string, name: string, packages: readonly string[]): Promise<string> {
  return completeFolder(path.join(cacheFolder("packages", architecture), name), async (folder) => {
    const configuration = await privateApt(architecture);
    const archives = path.join(folder, ".archives");
    mkdirSync(archives);
    await network(
      () => apt(configuration, "apt-get", ["download", "-q", ...packages], archives),
      packages.length === 1 ? `${packages[0]} from Debian` : `${packages.length} ${architecture} packages from Debian`,
    );
    writeFileSync(path.join(folder, VERSIONS), readdirSync(archives).sort().join("\n"));
    for (const archive of readdirSync(archives)) await runTool("dpkg", ["-x", path.join(archives, archive), folder]);
    await runTool("rm", ["-rf", archives]);
  });
}

/** The names of packages and of all that they depend on, in the private lists. */
export async function withDependencies(architecture: string, packages: readonly string[]): Promise<string[]> {
  const configuration = await privateApt(architecture);
  const quiet = ["suggests", "recommends", "conflicts", "breaks", "replaces", "enhances"].map((kind) => `--no-${kind}`);
  const text = await apt(configuration, "apt-cache", ["depends", "--recurse", ...quiet, ...packages]);
  const names = text.split("\n").filter((line) => /^[a-z0-9]/.test(line));
  return [...new Set(names.map((name) => name.split(":")[0]))].sort();
}

/** Fetches a source package and unpacks the named part of its upstream or Debian archive; returns the folder of that part. */
export async function unpackSource(name: string, part: string, archive: "orig" | "debian" = "orig"): Promise<string> {
  const place = archive === "orig" ? name : `${name}.${archive}`;
  const folder = await completeFolder(path.join(cacheFolder("sources"), place), async (temporary) => {
    const configuration = await privateApt("amd64");
    await network(
      () => apt(configuration, "apt-get", ["source", "-q", "--download-only", name], temporary),
      `the source of ${name} from Debian`,
    );
    const file = readdirSync(temporary).find((each) => each.includes(`.${archive}.tar.`));
    if (file === undefined) throw new Error(`the source of ${name} has no .${archive}.tar`);
    // Upstream's archive has its own top folder, Debian's begins with debian/.
    const only = archive === "orig" ? ["--strip-components=1", "--wildcards", `*/${part}`] : [part];
    await runTool("tar", ["xf", file, ...only], { cwd: temporary });
    for (const each of readdirSync(temporary))
      if (each.startsWith(`${name}_`)) await runTool("rm", ["-f", path.join(temporary, each)]);
  });
  return path.join(folder, part);
}
