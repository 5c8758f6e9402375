// Every page as a visitor sees it, in both themes, wide and narrow.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ADMIN, createAdmin, createCustomer, DEMO, PASSWORD, signIn } from "./helpers.ts";
import { cutoverStops, memberStops, publicStops, recordingStops, type Stop } from "./routes.ts";
import { test } from "./server.ts";
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

test.beforeEach(() => mkdir(FOLDER, { recursive: true }));

test("the picture of the README", async ({ page, server }) => {
  await signIn(page, server, DEMO.broken, DEMO.password);
  await page.goto("/");
  await page.locator("html").evaluate((html) => html.setAttribute("data-theme", "light"));
  await mkdir(join(README, ".."), { recursive: true });
  await page.screenshot({ path: README });
});

/** Every page of the walks that the tests take, so that no page is without a picture. */
async function walk(page: Page, stops: Stop[]): Promise<void> {
  for (const { name, go } of stops) {
    await go(page);
    await shoot(page, name.replaceAll(/[^\w]+/g, "-").replaceAll(/^-|-$/g, "") || "start");
  }
}

test("every public page", async ({ page, server }) => walk(page, publicStops(server)));

test("every page of a member", async ({ page, server }) => walk(page, await memberStops(page, server)));

test("every page of an admin, step by step", async ({ page, freshDemo }) => {
  await walk(page, await recordingStops(page, freshDemo));
  await walk(page, await cutoverStops(page, freshDemo));
});

test("a customer who begins", async ({ page, freshServer: server }) => {
  const { email, integrationId } = createCustomer(server, "Alder Books");
  server.json("integration", "archive", integrationId);
  await signIn(page, server, email);
  await shoot(page, "empty start");
  const { id } = server.json("integration", "create", "--account", "Alder Books", "--name", "Billing");
  await page.goto(server.at(`/integrations/${id}`));
  await shoot(page, "empty integration");
});

test("where there is nothing yet", async ({ page, freshServer: server }) => {
  createAdmin(server);
  await signIn(page, server, ADMIN, PASSWORD);
  for (const path of ["/admin", "/admin/rotations", "/admin/rotations/new", "/admin/accounts", "/admin/tickets", "/admin/audit"]) {
    await page.goto(server.at(path));
    await shoot(page, `empty ${path.slice(1).replaceAll("/", "-")}`);
  }
});
