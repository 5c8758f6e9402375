// Pictures of the main pages: `make shots`. Not a test, so not in tests/.
import config from "./playwright.config.ts";

export default {
  ...config,
  testDir: ".",
  testMatch: "shots.ts",
  timeout: 600_000,
  projects: [{ name: "shots", use: { world: "js-on" } }],
};
