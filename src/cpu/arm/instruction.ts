/** From a word's row to an `ArmInstruction`, and its translation: what a condition makes of a meaning that knows of none. */
import type { Fields, Pattern } from "../decode-table.ts";
import { extractFields } from "../decode-table.ts";
import type { Emitter } from "../emitter.ts";
import type { Flow } from "../isa.ts";
import { ALWAYS, conditionHolds } from "./flags.ts";
import type { ArmInstruction, ArmRow, LiftContext } from "./row.ts";
import { raising, rowsOf } from "./row.ts";

const reserved = rowsOf("Reserved");
export const [ILLEGAL, ILLEGAL_INFO] = raising("illegal");
export const RESERVED_16 = reserved(".short", "----------------", "word", ILLEGAL, ILLEGAL_INFO);
export const RESERVED_32 = reserved(".word", "--------------------------------", "word", ILLEGAL, ILLEGAL_INFO);
/** What a fetch from an address that is 2 modulo 4 gives in A32. */
export const MISALIGNED = reserved(
  ".word",
  "--------------------------------",
  "word",
  (e, _fields, { pc }) => e.raise("addressError", e.const32(pc)),
  { flow: (): Flow => ({ kind: "stop" }) },
);
export const NO_FIELDS: Fields = {};

const NEXT: Flow = { kind: "next" };

interface Place {
  readonly pc: number;
  readonly next: number;
  readonly thumb: boolean;
  readonly pcValue: number;
}

export function placeOf(pc: number, size: number): Place {
  const thumb = (pc & 1) !== 0;
  return { pc, next: (pc + size) >>> 0, thumb, pcValue: (thumb ? pc + 3 : pc + 8) >>> 0 };
}

/** What a condition makes of an instruction's flow. */
function conditionalFlow(flow: Flow, row: ArmRow, next: number): Flow {
  if (row.raises !== undefined) return NEXT;
  switch (flow.kind) {
    case "next":
      return flow;
    case "jump":
      return { kind: "branch", target: flow.target };
    case "call":
      return { kind: "conditionalCall", target: flow.target };
    default:
      return { kind: "branch", target: next };
  }
}

/** An instruction from the pattern that its word matches. `it`: the condition that an IT block gives it. */
export function instructionOf(
  pc: number,
  size: number,
  word: number,
  pattern: Pattern<ArmRow> | undefined,
  encoded: number,
  it: number | undefined,
): ArmInstruction {
  const found = pattern?.row ?? (size === 2 ? RESERVED_16 : RESERVED_32);
  const fields = pattern === undefined ? NO_FIELDS : extractFields(pattern, encoded);
  const condition = found.always ? ALWAYS : (it ?? fields["c"] ?? ALWAYS);
  const place = placeOf(pc, size);
  const alone = found.flow === undefined ? NEXT : found.flow(fields, place);
  const flow = condition >= ALWAYS ? alone : conditionalFlow(alone, found, place.next);
  const instruction = {
    pc,
    size,
    flow,
    word,
    row: found,
    fields,
    thumb: place.thumb,
    condition: Math.min(condition, ALWAYS),
    inItBlock: it !== undefined,
  };
  return found.unsupported === undefined ? instruction : { ...instruction, unsupported: found.unsupported };
}

/** Emits one instruction that is not `it`, with its condition. */
export function liftInstruction(e: Emitter, instruction: ArmInstruction, mode: number): void {
  const { row, fields, condition, pc, size, inItBlock } = instruction;
  const { next, thumb, pcValue } = placeOf(pc, size);
  const context: LiftContext = { pc, next, thumb, pcValue, inItBlock, mode, guard: undefined };
  if (condition === ALWAYS) {
    row.lift(e, fields, context);
    return;
  }
  const holds = conditionHolds(e, condition);
  if (row.raises !== undefined) {
    e.raiseIf(holds, row.raises);
    return;
  }
  const flow = row.flow?.(fields, context) ?? NEXT;
  if (flow.kind === "next") {
    const guarded = typeof row.guarded === "function" ? row.guarded(fields) : row.guarded === true;
    if (guarded) row.lift(e, fields, { ...context, guard: holds });
    else e.when(holds, () => row.lift(e, fields, context));
  } else if (flow.kind === "jump") e.branch(holds, flow.target, next);
  else e.branch(holds, next, next, () => row.lift(e, fields, context));
}
