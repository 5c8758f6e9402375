// What must hold on every page: silence in the console, nobody else's servers, no sideways scroll,
// one headline, and the skip link first.
import type { Page } from "@playwright/test";
import { check } from "../checks.ts";
import { cutoverStops, memberStops, onceStops, publicStops, recordingStops, type Stop } from "../routes.ts";
import { expect, type Server, test } from "../server.ts";

/** Collects what a page should not do, for as long as it lives. */
async function listen(page: Page, server: Server): Promise<string[]> {
  const heard: string[] = [];
  page.on("pageerror", (error) => heard.push(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const text = message.text();
    // A page that answers 4xx on purpose: the browser mentions it, nothing is wrong.
    if (/^Failed to load resource: .* 4\d\d/.test(text) && message.location().url === page.url()) return;
    heard.push(`${message.type()}: ${text}`);
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== server.url) heard.push(`another server: ${request.url()}`);
  });
  page.on("requestfailed", (request) => {
    // Left alone by the next page.
    if (request.failure()?.errorText === "net::ERR_ABORTED") return;
    heard.push(`failed: ${request.url()} ${request.failure()?.errorText}`);
  });
  await page.exposeFunction("violated", (what: string) => heard.push(`policy: ${what}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      (window as any).violated(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return heard;
}

async function walk(page: Page, stops: Stop[], heard: string[]): Promise<void> {
  for (const stop of stops) {
    heard.length = 0;
    await page.setViewportSize({ width: 320, height: 640 });
    await stop.go(page);
    await page.waitForLoadState("load");
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect.soft(sideways, `${stop.name}: pixels to scroll sideways at 320`).toBeLessThanOrEqual(0);
    await expect.soft(page.getByRole("heading", { level: 1 }), `${stop.name}: headlines`).toHaveCount(1);
    await expect.soft(page, `${stop.name}: title`).toHaveTitle(/\S · Rollcall$/);
    // Tab goes on from where the server put the focus on an error, from what an address names, and
    // from where one has clicked.
    const named = new URL(page.url()).hash !== "";
    if (!named && !stop.inTheMiddle && (await page.locator("[autofocus]").count()) === 0) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => document.activeElement?.textContent);
      expect.soft(focused, `${stop.name}: the first stop of Tab`).toBe("Skip to content");
    }
    expect.soft(heard, `${stop.name}: errors, policy violations, requests elsewhere`).toEqual([]);
  }
}

test.beforeEach(() => test.setTimeout(120_000));

check(12, () => {
  test("the public pages are quiet, narrow enough, and begin with the skip link", async ({ page, server }) => {
    await walk(page, publicStops(server), await listen(page, server));
  });

  test("so are the pages behind links that work once", async ({ page, freshServer: server }) => {
    await walk(page, onceStops(server), await listen(page, server));
  });

  test("so are a customer's pages", async ({ page, freshDemo: server }) => {
    const heard = await listen(page, server);
    await walk(page, await memberStops(page, server), heard);
  });

  test("so are the admin's pages in any phase", async ({ page, freshDemo: server }) => {
    const heard = await listen(page, server);
    await walk(page, await recordingStops(page, server), heard);
    await page.setViewportSize({ width: 1280, height: 800 });
    await walk(page, await cutoverStops(page, server), heard);
  });
});

check(9, () => {
  test("the skip link leads to the content", async ({ page }) => {
    await page.goto("/help");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("main")).toBeFocused();
  });
});
