/**
 * Registers that are set and set again before anybody looks (flags, above all) need not be put into their locals: such
 * `set`s are taken out of a block, and with them the values that only they used.
 */
import type { Containers } from "./containers.ts";
import type { ContainerSet } from "./dataflow.ts";
import type { Arm, Effect, Node } from "./ir.ts";

type SetEffect = Effect & { readonly kind: "set" };

/**
 * The effects that are left of a block's; the uses must have been counted. `liveOut`: what is read after the last of them.
 * `checked`: an access may read all registers.
 */
export function withoutDeadSets(
  effects: readonly Effect[],
  containers: Containers,
  liveOut: ContainerSet,
  checked: boolean,
): readonly Effect[] {
  const dead = new Set<Effect>();
  /** What a `set` that stays must rescue for those that went before it. */
  const inherited = new Map<SetEffect, readonly Node[]>();
  /** By container: the last `set` that nobody has looked at yet. */
  const pending = new Map<number, SetEffect>();
  const blurred = new Set<number>();
  for (const effect of effects) findBlurred(effect, containers, blurred, false);
  for (const effect of effects) {
    if (effect.kind === "set") {
      const { index } = containers.of(effect.slot);
      if (blurred.has(index)) continue;
      const before = pending.get(index);
      if (before) {
        dead.add(before);
        const displaced = inherited.get(before) ?? before.displaced;
        inherited.set(effect, [...displaced, ...effect.displaced]);
      }
      pending.set(index, effect);
    } else if (leaves(effect, checked)) pending.clear();
  }
  for (const [index, effect] of pending) if (!liveOut.has(index)) dead.add(effect);
  if (dead.size === 0) return effects;
  for (const effect of dead) release((effect as SetEffect).value);
  return effects
    .filter((effect) => !dead.has(effect))
    .map((effect) => {
      const displaced = effect.kind === "set" ? inherited.get(effect) : undefined;
      return displaced ? { ...(effect as SetEffect), displaced } : effect;
    });
}

/** Containers with several views, or that are set in an arm: of those it is not certain what a `set` overwrites, or who reads it. */
function findBlurred(effect: Effect, containers: Containers, blurred: Set<number>, inArm: boolean): void {
  if (effect.kind === "set") {
    const container = containers.of(effect.slot);
    if (inArm || container.slots.length > 1) blurred.add(container.index);
  } else if (effect.kind === "when") {
    for (const arm of [effect.then, effect.otherwise])
      for (const inner of arm?.effects ?? []) findBlurred(inner, containers, blurred, true);
  }
}

/** May registers be stored at this effect? */
function leaves(effect: Effect, checked: boolean): boolean {
  switch (effect.kind) {
    case "raiseIf":
      return true;
    case "load":
    case "store":
    case "compareExchange":
      return checked;
    case "when": {
      const inArm = (arm: Arm): boolean => arm.effects.some((inner) => leaves(inner, checked));
      return inArm(effect.then) || (effect.otherwise !== null && inArm(effect.otherwise));
    }
    default:
      return false;
  }
}

/** One use of the value less. */
function release(node: Node): void {
  node.uses--;
  node.remaining--;
  if (node.uses > 0) return;
  if (node.a) release(node.a);
  if (node.b) release(node.b);
  if (node.c) release(node.c);
}
