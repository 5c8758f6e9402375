// The main pages as a visitor sees them, in both themes, wide and narrow.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DEMO, generateButton, signIn } from "./helpers.ts";
import { expect, type Server, test } from "./server.ts";
import type { Page } from "@playwright/test";

const FOLDER = join(import.meta.dirname, "shots");
const README = join(import.meta.dirname, "../docs/integrations.png");

async function shoot(page: Page, name: string): Promise<void> {
  for (const theme of ["light", "dark"]) {
    await page.locator("html").evaluate((html, theme) => html.setAttribute("data-theme", theme), theme);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: join(FOLDER, `${name}-${theme}-${width}.png`), fullPage: true });
    }
  }
  // Wide again: on a phone the menu is closed, and its buttons are not there to press.
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** Where the refusal of the demo's dead token sends its owner. */
async function helpUrl(server: Server): Promise<string> {
  const token = /Bearer (\S+)'/.exec(server.output)?.[1] ?? "";
  const answer = await fetch(server.at("/verify"), { headers: { Authorization: `Bearer ${token}` } });
  return ((await answer.json()) as { help_url: string }).help_url;
}

test.beforeEach(() => mkdir(FOLDER, { recursive: true }));

test("the customer's pages", async ({ page, server }) => {
  await page.goto(await helpUrl(server));
  await shoot(page, "1-fix");
  await page.goto("/status");
  await shoot(page, "2-status");
  await page.goto("/help");
  await shoot(page, "3-help");

  await signIn(page, server, DEMO.broken, DEMO.password);
  await page.goto("/");
  await shoot(page, "4-integrations");
  await page.locator("html").evaluate((html) => html.setAttribute("data-theme", "light"));
  await mkdir(join(README, ".."), { recursive: true });
  await page.screenshot({ path: README });

  await page.locator(".row-name a").first().click();
  await shoot(page, "5-integration");
  await generateButton(page).click();
  await expect(page.locator("#token")).toBeVisible();
  await shoot(page, "6-fresh-token");
});

test("the admin's pages", async ({ page, server }) => {
  await signIn(page, server, DEMO.admin, DEMO.password);
  await page.goto("/admin");
  await shoot(page, "7-admin");
  await page.getByRole("link", { name: "See who would break" }).click();
  await shoot(page, "8-rehearsal");
  await page.getByRole("link", { name: "Finalise…" }).click();
  await shoot(page, "9-finalise");
  await page.goto("/admin/accounts?show=every");
  await shoot(page, "10-accounts");
});
