// axe on every page, in both themes, wide and narrow. Only where scripts run: the pages are the same.
import type { Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { check } from "../checks.ts";
import { cutoverStops, memberStops, onceStops, publicStops, recordingStops, type Stop } from "../routes.ts";
import { expect, test } from "../server.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const THEMES = ["light", "dark"];
const WIDTHS = [1280, 390];

/** What axe finds on a page as it stands, in words short enough to act on. */
async function violations(page: Page): Promise<string[]> {
  // Through the debugger: the page's policy lets no script of ours in.
  await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const found = await (window as any).axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return found.violations.flatMap((rule: { id: string; nodes: { target: string[]; html: string }[] }) =>
      rule.nodes.map(({ target, html }) => `${rule.id}: ${target.join(" ")} ${html.slice(0, 120)}`),
    );
  }, TAGS);
}

/** Both themes and both widths of each page, without loading it again: a fresh token is seen once. */
async function walk(page: Page, stops: Stop[]): Promise<void> {
  for (const stop of stops) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await stop.go(page);
    for (const theme of THEMES) {
      // What the server writes for the cookie `theme`.
      await page.locator("html").evaluate((html, theme) => html.setAttribute("data-theme", theme), theme);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        expect.soft(await violations(page), `${stop.name}, ${theme}, ${width} px`).toEqual([]);
      }
    }
  }
}

test.beforeEach(async ({ page }) => {
  test.setTimeout(180_000);
  // Colours are judged at rest.
  await page.emulateMedia({ reducedMotion: "reduce" });
});

check(8, () => {
  test("axe finds nothing on the public pages", async ({ page, server }) => {
    await walk(page, publicStops(server));
  });

  test("axe finds nothing behind links that work once", async ({ page, freshServer: server }) => {
    await walk(page, onceStops(server));
  });

  test("axe finds nothing on a customer's pages, the fresh token's among them", async ({ page, freshDemo: server }) => {
    await walk(page, await memberStops(page, server));
  });

  test("axe finds nothing on the admin's pages while a rotation is recorded", async ({ page, server }) => {
    await walk(page, await recordingStops(page, server));
  });

  test("axe finds nothing on the admin's pages after a cutover, and when none runs", async ({ page, freshDemo: server }) => {
    // Twice as many pages as the others.
    test.setTimeout(360_000);
    await walk(page, await cutoverStops(page, server));
  });
});
