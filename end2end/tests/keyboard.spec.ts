// What a hand on the keyboard alone can do.
import type { Page } from "@playwright/test";
import { check } from "../checks.ts";
import { createCustomer, DEMO, h1, signIn, verify } from "../helpers.ts";
import { expect, test } from "../server.ts";

/** Presses Tab until what is focused reads so; fails where the focus cannot be seen on the way. */
async function tabTo(page: Page, words: string | RegExp): Promise<void> {
  for (let press = 0; press < 60; press += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const seen = getComputedStyle(element);
      const label = element.closest("label");
      const ring = label && getComputedStyle(label);
      const visible = seen.outlineStyle !== "none" || (ring && ring.outlineStyle !== "none");
      const field = element as HTMLInputElement;
      const name = element.getAttribute("aria-label") ?? field.labels?.[0]?.textContent ?? element.textContent ?? "";
      return { name: name.trim(), visible: visible || element === document.body };
    });
    expect(focused.visible, `the focus on “${focused.name}” can be seen`).toBe(true);
    if (typeof words === "string" ? focused.name === words : words.test(focused.name)) return;
  }
  throw new Error(`Tab does not reach ${words}`);
}

check(9, () => {
  test("from the 401 to Working by keyboard alone, the focus always in sight, the skip link first", async ({
    page,
    freshServer: server,
    world,
    context,
  }) => {
    if (world === "js-on") await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const customer = createCustomer(server, "Alder Books");
    server.json("rotation", "start", "--name", "2026-11");
    server.json("rotation", "finalise", "--confirm", "2026-11");
    const { help_url } = (await verify(server, customer.token)).problem;
    await page.goto(help_url);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to content");
    await page.keyboard.press("Enter");
    await tabTo(page, "Email");
    await page.keyboard.type(customer.email);
    await tabTo(page, "Password");
    await page.keyboard.type("nobody guesses this one");
    await page.keyboard.press("Enter");
    await expect(h1(page)).toHaveText("Order sync needs a new token.");
    await tabTo(page, /^Generate new token/);
    await page.keyboard.press("Enter");
    const token = (await page.locator("output#token").textContent()) ?? "";
    if (world === "js-on") {
      await expect(page.getByRole("button", { name: "Copy token" })).toBeVisible();
      await tabTo(page, "Copy token");
      await page.keyboard.press("Enter");
      await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(token);
    }
    expect((await verify(server, token)).status).toBe(200);
    if (world !== "js-on") {
      await tabTo(page, "Check now");
      await page.keyboard.press("Enter");
    }
    await expect(page.locator("#live")).toContainText("Working: first request");
  });

  test("the question of Revoke opens by keyboard; Escape closes it, and the focus is where it was asked", async ({
    page,
    freshServer: server,
    world,
  }) => {
    const customer = createCustomer(server, "Alder Books");
    await signIn(page, server, customer.email);
    await page.goto(server.at(`/integrations/${customer.integrationId}`));
    if (world === "js-on") await page.waitForLoadState("networkidle");
    await tabTo(page, /^Revoke token …/);
    await page.keyboard.press("Enter");
    const question = page.getByRole("button", { name: /^Revoke …/ });
    await expect(question).toBeVisible();
    await tabTo(page, /^Revoke …/);
    await page.keyboard.press("Escape");
    if (world !== "js-on") {
      // What opened it closes it.
      await expect(question).toBeVisible();
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Enter");
    }
    await expect(question).toBeHidden();
    await expect(page.locator("summary").filter({ hasText: /^Revoke token …/ })).toBeFocused();
    // It was a question only.
    expect((await verify(server, customer.token)).status).toBe(200);
  });

  test("Escape closes the menu, and the focus is on its button again", async ({ page, server }) => {
    await signIn(page, server, DEMO.calm, DEMO.password);
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto("/");
    const button = page.getByRole("button", { name: "Menu" });
    await button.focus();
    await page.keyboard.press("Enter");
    const links = page.getByRole("navigation", { name: "Main" });
    await expect(links).toBeVisible();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await expect(links).toBeHidden();
    await expect(button).toBeFocused();
  });

  test("the bar holds its links on one line, and never more than the window, from 320 to 1280 px", async ({ page, server }) => {
    for (const who of [DEMO.calm, DEMO.admin]) {
      await page.context().clearCookies();
      await page.setViewportSize({ width: 1280, height: 800 });
      await signIn(page, server, who, DEMO.password);
      await page.goto("/status");
      for (let width = 320; width <= 1280; width += 32) {
        await page.setViewportSize({ width, height: 800 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(wide, `${who} at ${width} px`).toBeLessThanOrEqual(0);
        const bar = await page.locator("header.topbar").boundingBox();
        expect(bar?.height, `the bar of ${who} at ${width} px`).toBeLessThanOrEqual(60);
        const links = page.getByRole("navigation", { name: "Main" }).getByRole("link");
        if (!(await links.first().isVisible())) continue;
        const tops = new Set(await links.evaluateAll((found) => found.map((link) => link.getBoundingClientRect().top)));
        expect(tops.size, `lines of links of ${who} at ${width} px`).toBe(1);
        const [last, out] = [await links.last().boundingBox(), await page.getByRole("button", { name: "Sign out" }).boundingBox()];
        expect((last?.x ?? 0) + (last?.width ?? 0), `${who} at ${width} px`).toBeLessThanOrEqual(out?.x ?? 0);
      }
    }
  });
});
