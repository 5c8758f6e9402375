// How long pages take with very many accounts: `make bench`. Not a test, so not in tests/.
import config from "./playwright.config.ts";

export default {
  ...config,
  testDir: ".",
  testMatch: "bench.ts",
  timeout: 1_800_000,
  retries: 0,
  workers: 1,
  projects: [{ name: "bench", use: { world: "js-on" } }],
};
