// Every page as a visitor sees it, in both themes, wide and narrow: whole in shots/, small and kept in references/.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADMIN, createAdmin, createCustomer, DEMO, PASSWORD, signIn } from "./helpers.ts";
import { easel, refer } from "./references.ts";
import { cutoverStops, memberStops, onceStops, publicStops, recordingStops, type Stop } from "./routes.ts";
import { test } from "./server.ts";
import type { Page } from "@playwright/test";

const FOLDER = join(import.meta.dirname, "shots");
const README = join(import.meta.dirname, "../docs/integrations.png");

/** Names that pictures have: of several pages of one kind each gets a number. */
const taken = new Map<string, number>();

function fileName(name: string): string {
  const plain = name.replaceAll(/[^\w]+/g, "-").replaceAll(/^-|-$/g, "") || "start";
  const number = (taken.get(plain) ?? 0) + 1;
  taken.set(plain, number);
  return number === 1 ? plain : `${plain}-${number}`;
}

async function shoot(page: Page, stop: string): Promise<void> {
  const name = fileName(stop);
  const pictures: Buffer[] = [];
  for (const width of [1280, 390]) {
    for (const theme of ["light", "dark"]) {
      await page.locator("html").evaluate((html, theme) => html.setAttribute("data-theme", theme), theme);
      await page.setViewportSize({ width, height: 900 });
      const picture = await page.screenshot({ fullPage: true, animations: "disabled" });
      await writeFile(join(FOLDER, `${name}-${theme}-${width}.png`), picture);
      pictures.push(picture);
    }
  }
  // Wide again: on a phone the menu is closed, and its buttons are not there to press.
  await page.setViewportSize({ width: 1280, height: 800 });
  const browser = page.context().browser();
  if (!browser) throw new Error("the page has no browser");
  const board = await easel(browser);
  const outcome = await refer(board, name, pictures);
  if (outcome !== "alike") console.log(`${outcome}: references/${name}.webp`);
  await board.close();
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
    await shoot(page, name);
  }
}

test("every public page", async ({ page, server }) => walk(page, publicStops(server)));

test("every page behind a link that works once", async ({ page, freshServer }) => walk(page, onceStops(freshServer)));

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
  for (const path of ["/admin", "/admin/rotations", "/admin/rotations/new", "/admin/accounts", "/admin/tickets", "/admin/held", "/admin/audit", "/admin/notify"]) {
    await page.goto(server.at(path));
    await shoot(page, `empty ${path.slice(1).replaceAll("/", "-")}`);
  }
});
