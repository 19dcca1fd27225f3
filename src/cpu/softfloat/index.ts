/**
 * IEEE 754 arithmetic on bits, in every rounding mode and with exact flags: what the emulated processors do where the
 * host's own arithmetic is not enough. An ISA brings a `FloatContext` (rounding, flushing, NaN policy) and reads `flags`.
 */
export * from "./format.ts";
export * from "./arithmetic.ts";
export * from "./convert.ts";
export * from "./quick.ts";
