// Each of the twelve sentences has tests that prove it.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { CHECKS, titleOf } from "../checks.ts";
import { expect, test } from "../server.ts";

const PLAYWRIGHT = createRequire(import.meta.url).resolve("@playwright/test/cli");

test("no check is without a test", () => {
  const options = { cwd: join(import.meta.dirname, ".."), encoding: "utf8" } as const;
  const listed = execFileSync(process.execPath, [PLAYWRIGHT, "test", "--list"], options);
  const numbers = Object.keys(CHECKS).map(Number) as (keyof typeof CHECKS)[];
  expect(numbers).toHaveLength(12);
  expect(numbers.filter((number) => !listed.includes(`› ${titleOf(number)} ›`))).toEqual([]);
});
