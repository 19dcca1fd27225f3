import { expect, test } from "vitest";
import { brokenRules } from "./import-rules.ts";

test("arrows", () => {
  expect(brokenRules("loader/a.ts", 'import { x } from "../memory/b.ts";')).toEqual([]);
  expect(brokenRules("loader/a.ts", 'import type { x } from "../kernel/b.ts";')).toHaveLength(1);
  expect(brokenRules("kernel/fs/a.ts", 'export {\n  x,\n} from "../../syscalls/b.ts";')).toHaveLength(1);
  expect(brokenRules("kernel/fs/a.ts", 'import "../wait.ts";')).toEqual([]);
  expect(brokenRules("cli/a.ts", 'await import("../index.ts")')).toEqual([]);
  expect(brokenRules("cli/a.ts", 'await import("../kernel/x.ts")')).toHaveLength(1);
  expect(brokenRules("kernel/a.ts", 'import koffi from "koffi";')).toHaveLength(1);
  expect(brokenRules("kernel/a.ts", 'import { x } from "./b";')).toHaveLength(1);
});
