import { defineConfig } from "@playwright/test";
import type { Options } from "./server.ts";

// Chromium as the distribution ships it: no background traffic, and no sandbox where root has none.
const args = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

// What does not depend on the world: the walks look at the same pages, and no page is in front of nginx.
const onceIsEnough = ["axe.spec.ts", "console.spec.ts", "looks.spec.ts", "nginx.spec.ts", "checks.spec.ts"];
// Without islands a page that has scripts is as it is with none.
const noIslands = ["admin.spec.ts", "rotation.spec.ts", "signin.spec.ts"];

export default defineConfig<Options>({
  testDir: "tests",
  outputDir: "test-results",
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  workers: 2,
  // Generous: what is slow is told by the benchmarks, not by a test on a busy machine.
  timeout: 120_000,
  expect: { timeout: 10_000 },
  retries: process.env.CI ? 1 : 0,
  reporter: "list",
  use: {
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args },
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
  },
  // Every page must do its work in each of these worlds.
  projects: [
    { name: "js-on", use: { world: "js-on" } },
    { name: "js-off", use: { world: "js-off", javaScriptEnabled: false }, testIgnore: onceIsEnough },
    { name: "wasm-blocked", use: { world: "wasm-blocked" }, testIgnore: [...onceIsEnough, ...noIslands] },
  ],
});
