/** The network interfaces that a program sees (netdevice(7)). */

export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  /** IFF */
  readonly flags: number;
  readonly mtu: number;
  readonly isLoopback: boolean;
  /** Six bytes. */
  readonly hardware: Uint8Array;
  readonly addresses: readonly { readonly ip: string; readonly prefix: number }[];
}

export const IFF = {
  UP: 0x1,
  BROADCAST: 0x2,
  LOOPBACK: 0x8,
  RUNNING: 0x40,
  MULTICAST: 0x1000,
  LOWER_UP: 0x10000,
} as const;

/** Every run has it. */
export const LOOPBACK: NetworkInterface = {
  index: 1,
  name: "lo",
  flags: IFF.UP | IFF.LOOPBACK | IFF.RUNNING | IFF.LOWER_UP,
  mtu: 65536,
  isLoopback: true,
  hardware: new Uint8Array(6),
  addresses: [
    { ip: "127.0.0.1", prefix: 8 },
    { ip: "::1", prefix: 128 },
  ],
};
