/** Names and addresses that the host knows: its interfaces, its name servers, and what a name means. */

export interface HostInterface {
  readonly name: string;
  readonly hardware: Uint8Array;
  readonly addresses: readonly { readonly ip: string; readonly prefix: number }[];
}

/** Without the loopback, in the host's order. */
export function hostInterfaces(): HostInterface[] {
  const { networkInterfaces } = process.getBuiltinModule("node:os");
  const found: HostInterface[] = [];
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    const outside = entries.filter(({ internal }) => !internal);
    const [first] = outside;
    if (first === undefined) continue;
    found.push({
      name,
      hardware: Uint8Array.from(first.mac.split(":"), (part) => Number.parseInt(part, 16)),
      addresses: outside.map(({ address, cidr }) => ({ ip: address, prefix: Number(cidr?.split("/")[1] ?? 32) })),
    });
  }
  return found;
}

/** Addresses of the host's DNS servers. */
export function nameServers(): string[] {
  return process
    .getBuiltinModule("node:dns")
    .getServers()
    .filter((server) => !server.includes("]"));
}

/** All addresses of a host; none where the name is unknown. */
export async function lookUp(name: string): Promise<string[]> {
  try {
    const found = await process.getBuiltinModule("node:dns").promises.lookup(name, { all: true });
    return found.map(({ address }) => address);
  } catch {
    return [];
  }
}
