// The admin's pages with very many accounts, as the browser waits for them. Half of the accounts would
// be hit by the cutover, which is the dearest case for the lists. Read the ratio to /status, which reads
// next to nothing: that can be compared from machine to machine.
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADMIN, createAdmin, PASSWORD, signIn } from "./helpers.ts";
import { type Server, test } from "./server.ts";
import type { Page } from "@playwright/test";

const ACCOUNTS = Number(process.env.ACCOUNTS ?? 50_000);
const ROUNDS = 15;
const DAY_MS = 86_400_000;

test(`pages with ${ACCOUNTS} accounts`, async ({ page, freshServer: server }) => {
  createAdmin(server);
  const took = await fill(server);
  console.log(`${2 * ACCOUNTS} tokens of ${ACCOUNTS} accounts imported in ${(took / 1000).toFixed(0)} s`);
  const started = Date.now();
  server.run("rotation", "start", "--name", "bench", "--lookback", "40d");
  console.log(`start, with its look-back: ${((Date.now() - started) / 1000).toFixed(1)} s`);
  await signIn(page, server, ADMIN, PASSWORD);

  const last = Math.ceil(ACCOUNTS / 2 / 50);
  const list = "/admin/accounts";
  const paths = [
    "/status",
    list,
    `${list}?page=${last}`,
    `${list}?sort=last-use`,
    `${list}?sort=affected&dir=asc`,
    `${list}?q=account+4321`,
    `${list}?show=every&page=${last}`,
    `${list}?show=every&q=nobody`,
    "/admin",
  ];
  const times = new Map(paths.map((path) => [path, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const path of paths) times.get(path)?.push(await load(page, server, path));
  }
  const plain = median(times.get("/status") ?? []);
  console.log(`page                                      median    worst   of /status`);
  for (const [path, all] of times) {
    const middle = median(all);
    const figures = [`${middle} ms`.padStart(8), `${Math.max(...all)} ms`.padStart(8), `${(middle / plain).toFixed(1)}×`.padStart(8)];
    console.log(`${path.padEnd(40)} ${figures.join(" ")}`);
  }
  const begun = Date.now();
  const csv = await page.request.get(server.at(`${list}.csv?show=every`), { timeout: 120_000 });
  const lines = (await csv.text()).trimEnd().split("\n").length - 1;
  console.log(`CSV of ${lines} accounts: ${Date.now() - begun} ms`);
});

/** Fills the server by the way that a platform takes which moves here: a ledger. Milliseconds. */
async function fill(server: Server): Promise<number> {
  server.runWith("thirty-two bytes, no more, no less", "key", "import", "--no-kid", "--account-claim", "tenant", "--text");
  const now = Date.now();
  const at = (days: number) => new Date(now - days * DAY_MS).toISOString().replace(/\.\d+Z$/, "Z");
  const rows = ["digest,account,integration,issued,last_used,contact"];
  for (let number = 0; number < ACCOUNTS; number++) {
    for (const [which, name] of ["Order sync", "Reports"].entries()) {
      const digest = createHash("sha256").update(`${number} ${name}`).digest("hex");
      // Every other account has an integration that the look-back does not see.
      const used = number % 2 && which ? at(60 + (number % 200)) : at(number % 30);
      rows.push(`${digest},Account ${number},${name},${at(300)},${used},ops@customer-${number}.example`);
    }
  }
  const ledger = join(server.folder, "ledger.csv");
  await writeFile(ledger, rows.join("\n"));
  const begun = Date.now();
  server.run("token", "import", ledger);
  return Date.now() - begun;
}

/** Until the page has loaded, in milliseconds. */
async function load(page: Page, server: Server, path: string): Promise<number> {
  await page.goto(server.at(path));
  return page.evaluate(() => {
    const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    return Math.round(navigation?.domContentLoadedEventEnd ?? NaN);
  });
}

function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
