/**
 * The page at 0xffff0000 that Linux/ARM maps into every program, with helpers at fixed addresses for what differs from one
 * processor to the next (Documentation/arm/kernel_user_helpers.rst). The code is our own:
 *
 * | address    | helper                    | ARMv6K and later | before |
 * | ---------- | ------------------------- | ---------------- | ------ |
 * | 0xffff0f60 | compare and exchange, 64  | ldrexd, strexd   | plain  |
 * | 0xffff0fa0 | memory barrier            | dmb              | none   |
 * | 0xffff0fc0 | compare and exchange, 32  | ldrex, strex     | plain  |
 * | 0xffff0fe0 | read the thread pointer   | mrc TPIDRURO     | svc    |
 * | 0xffff0ffc | how many there are: 5     |                  |        |
 *
 * Processors before ARMv6 have no exclusive accesses and come one to a machine. A task is only ever interrupted where
 * code branches backwards or calls, so a straight line of loads and stores is atomic there.
 */
import type { Feature } from "../cpu/arm/models.ts";
import type { KernelPage } from "./guest.ts";

const ADDRESS = 0xffff0000;
const PAGE_BYTES = 4096;
const VERSION = [0xffc, 5] as const;
/** `udf #56801`, which is no debugger's: what is not a helper is SIGILL. */
const NOTHING = 0xe7fddef1;

const CMPXCHG64 = 0xf60;
const BARRIER = 0xfa0;
const CMPXCHG = 0xfc0;
const GET_TLS = 0xfe0;

type Helpers = readonly (readonly [offset: number, words: readonly number[]])[];

const BX_LR = 0xe12fff1e;
const BARRIER_V7 = [0xf57ff05b, BX_LR]; // dmb ish

/** r0: expected, r1: new, r2: where. Returns r0 = 0 and C set where it was done. */
const EXCLUSIVE: Helpers = [
  [
    CMPXCHG64,
    [
      0xe92d00f0, // push {r4-r7}
      0xe1c040d0, // ldrd r4, r5, [r0]
      0xe1c160d0, // ldrd r6, r7, [r1]
      0xe1b20f9f, // 1: ldrexd r0, r1, [r2]
      0xe0303004, // eors r3, r0, r4
      0x00313005, // eorseq r3, r1, r5
      0x01a23f96, // strexdeq r3, r6, r7, [r2]
      0x03330001, // teqeq r3, #1
      0x0afffff9, // beq 1b
      0xe2730000, // rsbs r0, r3, #0
      0xe8bd00f0, // pop {r4-r7}
      BX_LR,
    ],
  ],
  [BARRIER, BARRIER_V7],
  [
    CMPXCHG,
    [
      0xe1923f9f, // 1: ldrex r3, [r2]
      0xe0533000, // subs r3, r3, r0
      0x01823f91, // strexeq r3, r1, [r2]
      0x03330001, // teqeq r3, #1
      0x0afffffa, // beq 1b
      0xe2730000, // rsbs r0, r3, #0
      BX_LR,
    ],
  ],
  [GET_TLS, [0xee1d0f70, BX_LR]], // mrc p15, 0, r0, c13, c0, 3
];

const PLAIN: Helpers = [
  [
    CMPXCHG64,
    [
      0xe92d00f0, // push {r4-r7}
      0xe1c040d0, // ldrd r4, r5, [r0]
      0xe1c160d0, // ldrd r6, r7, [r1]
      0xe1c200d0, // ldrd r0, r1, [r2]
      0xe0303004, // eors r3, r0, r4
      0x00313005, // eorseq r3, r1, r5
      0x01c260f0, // strdeq r6, r7, [r2]
      0xe2730000, // rsbs r0, r3, #0
      0xe8bd00f0, // pop {r4-r7}
      BX_LR,
    ],
  ],
  [BARRIER, [BX_LR]],
  [
    CMPXCHG,
    [
      0xe5923000, // ldr r3, [r2]
      0xe0533000, // subs r3, r3, r0
      0x05821000, // streq r1, [r2]
      0xe2730000, // rsbs r0, r3, #0
      BX_LR,
    ],
  ],
  [
    GET_TLS,
    [
      0xe52d7004, // push {r7}
      0xe59f7008, // ldr r7, 1f
      0xef000000, // svc 0
      0xe49d7004, // pop {r7}
      BX_LR,
      0x000f0006, // 1: __ARM_NR_get_tls
    ],
  ],
];

export function vectorsPage(features: ReadonlySet<Feature>): KernelPage {
  const words = new Uint32Array(PAGE_BYTES / 4).fill(NOTHING);
  for (const [offset, code] of features.has("v7") ? EXCLUSIVE : PLAIN) words.set(code, offset / 4);
  words[VERSION[0] / 4] = VERSION[1];
  return { name: "[vectors]", address: ADDRESS, bytes: new Uint8Array(words.buffer) };
}
