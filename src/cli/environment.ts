/** Which variables the guest sees. */

/** What a sandboxed program gets unasked: how to talk to the terminal and the user, nothing of who or where they are. */
const HARMLESS = new Set([
  "TERM",
  "COLORTERM",
  "NO_COLOR",
  "FORCE_COLOR",
  "COLUMNS",
  "LINES",
  "LANG",
  "LANGUAGE",
  "TZ",
]);
const isHarmless = (name: string): boolean => HARMLESS.has(name) || name.startsWith("LC_");

/** What a program expects to be there; the host's own values would name directories that the guest does not have. */
const GUEST_DEFAULTS = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/" } as const;

export interface EnvironmentWishes {
  /** Pass on every variable of the host. */
  readonly all: boolean;
  /** Pass on these too. */
  readonly names: readonly string[];
  readonly set: readonly string[];
  readonly unset: readonly string[];
  /** The guest's root directory says where its user is at home. */
  readonly hasHome?: boolean;
}

/** The guest's environment as NAME → VALUE. */
export function guestEnvironment(
  host: Readonly<Record<string, string | undefined>>,
  { all, names, set, unset, hasHome = false }: EnvironmentWishes,
): Record<string, string> {
  const { PATH, HOME } = GUEST_DEFAULTS;
  const result: Record<string, string> = all ? {} : hasHome ? { PATH } : { PATH, HOME };
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && (all || isHarmless(name) || names.includes(name))) result[name] = value;
  }
  for (const assignment of set.flatMap(splitAssignments)) {
    const equals = assignment.indexOf("=");
    result[assignment.slice(0, equals)] = assignment.slice(equals + 1);
  }
  for (const name of unset.flatMap((each) => each.split(","))) delete result[name];
  return result;
}

/** "A=1,B=2" sets two, as in qemu; a comma that no NAME= follows belongs to the value. */
export function splitAssignments(text: string): string[] {
  return text.split(/,(?=[A-Za-z_][A-Za-z0-9_]*=)/);
}
