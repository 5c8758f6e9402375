// What a customer does where no script runs, and where its WebAssembly does not arrive.
import type { Page } from "@playwright/test";
import { check } from "../checks.ts";
import { createCustomer, fillSignIn, generateButton, h1, signIn, verify } from "../helpers.ts";
import { memberStops, publicStops, recordingStops } from "../routes.ts";
import { expect, test } from "../server.ts";

/** Buttons in sight that do nothing by themselves: they send no form and open nothing. */
const dead = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("button, input[type=button], [role=button], a:not([href])")].flatMap((element) => {
      if (!element.checkVisibility({ visibilityProperty: true })) return [];
      const { type, form, disabled, popoverTargetElement } = element as HTMLButtonElement;
      const works = !disabled && ((type === "submit" && form) || popoverTargetElement);
      return works ? [] : [element.outerHTML.slice(0, 120)];
    }),
  );

check(1, () => {
  test("login, a new token, sign out, and a ticket", async ({ page, freshServer: server, world }) => {
    const customer = createCustomer(server, "Alder Books");
    const blocked: string[] = [];
    page.on("requestfailed", (request) => blocked.push(new URL(request.url()).pathname));

    await page.goto(server.at("/login"));
    await (await fillSignIn(page, customer.email)).click();
    await page.getByRole("list", { name: "Your integrations" }).getByRole("link", { name: customer.integration }).first().click();
    await generateButton(page).click();
    const token = (await page.locator("output#token").textContent()) ?? "";
    expect((await verify(server, token)).status).toBe(200);
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(h1(page)).toHaveText("Sign in");

    await page.getByRole("contentinfo").getByRole("link", { name: "Get help" }).click();
    await (await fillSignIn(page, customer.email)).click();
    await expect(h1(page)).toHaveText("What can we help you with?");
    await page.getByLabel("What is it about?").fill("Refused since noon");
    await page.getByLabel("What happens, and what did you expect?").fill("We get a 401.");
    await page.getByRole("button", { name: "Send the question" }).click();
    await expect(h1(page)).toHaveText("“Refused since noon” waits for support.");

    // The world was the one it is said to be.
    expect(blocked.some((path) => path.endsWith(".wasm"))).toBe(world === "wasm-blocked");
  });

  test("no button of any page is dead; with script those that copy are added", async ({ page, freshDemo: server, world }) => {
    test.setTimeout(300_000);
    if (world === "js-on") {
      const customer = createCustomer(server, "Alder Books");
      await signIn(page, server, customer.email);
      await page.goto(server.at(`/integrations/${customer.integrationId}`));
      await generateButton(page).click();
      await expect.poll(async () => (await dead(page)).join()).toContain("Copy token");
      return;
    }
    const walks = [async () => publicStops(server), () => memberStops(page, server), () => recordingStops(page, server)];
    for (const walk of walks) {
      await page.context().clearCookies();
      for (const { name, go } of (await walk()).filter(({ byScript }) => !byScript)) {
        await go(page);
        await page.waitForLoadState("load");
        expect.soft(await dead(page), name).toEqual([]);
      }
    }
  });
});
