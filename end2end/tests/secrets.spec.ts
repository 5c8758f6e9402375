// A token is seen once, by whoever asked for it, and nowhere else.
import { chromium, type Page } from "@playwright/test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { check } from "../checks.ts";
import { createCustomer, type Customer, generateButton, signIn } from "../helpers.ts";
import { expect, type Server, test } from "../server.ts";

/** Generates a token in the page of the customer's integration and gives it. */
async function generate(page: Page, server: Server, customer: Customer): Promise<string> {
  await page.goto(server.at(`/integrations/${customer.integrationId}`));
  await generateButton(page).click();
  return (await page.locator("output#token").textContent()) ?? "";
}

const tokensListed = (page: Page) => page.getByRole("table", { name: /^Tokens of/ }).locator("tbody tr");

/** Whether a page, as it stands or as it was sent, has the secret anywhere. */
async function expectNowhereIn(page: Page, secret: string): Promise<void> {
  expect(page.url()).not.toContain(secret);
  expect(await page.content()).not.toContain(secret);
}

check(3, () => {
  test("reload, Back, Forward and a second tab never show the token again", async ({ page, freshServer: server, context }) => {
    const customer = createCustomer(server, "Alder Books");
    await signIn(page, server, customer.email);
    const token = await generate(page, server, customer);
    expect(token.split(".")).toHaveLength(3);
    const address = page.url();

    const second = await context.newPage();
    await second.goto(address);
    await expectNowhereIn(second, token);
    await expect(second.locator("#token")).toHaveCount(0);
    await expect(second.getByRole("main")).toContainText("already generated");

    await page.reload();
    await expect(page.getByRole("main")).toContainText("already generated");
    await expectNowhereIn(page, token);

    await page.goBack();
    await expectNowhereIn(page, token);
    // The way forward again is a page that nothing has kept: the browser's own error is fine too.
    await page.goForward().catch(() => null);
    await expectNowhereIn(page, token);
    await page.goto(server.at(`/integrations/${customer.integrationId}`));
    await expect(tokensListed(page)).toHaveCount(2);
  });

  test("leaving the token's page and coming Back finds it gone, also in a browser that keeps pages alive", async ({
    freshServer: server,
    world,
  }, info) => {
    const customer = createCustomer(server, "Alder Books");
    // Playwright switches the back/forward cache off; people have it on.
    const browser = await chromium.launch({
      ...info.project.use.launchOptions,
      ignoreDefaultArgs: ["--disable-back-forward-cache"],
    });
    try {
      const context = await browser.newContext({ javaScriptEnabled: world !== "js-off" });
      if (world === "wasm-blocked") await context.route("**/*.wasm", (route) => route.abort());
      const page = await context.newPage();
      await signIn(page, server, customer.email);
      const token = await generate(page, server, customer);
      await page.goto(server.at("/"));
      await page.goBack().catch(() => null);
      await expectNowhereIn(page, token);
    } finally {
      await browser.close();
    }
  });

  test("the token is in no address, history, storage or cookie, and the server keeps and logs none of it", async ({
    page,
    freshServer: server,
    context,
  }) => {
    const customer = createCustomer(server, "Alder Books");
    await signIn(page, server, customer.email);
    const token = await generate(page, server, customer);
    const kept = await page.evaluate(() =>
      JSON.stringify([
        location.href,
        document.referrer,
        history.state,
        { ...localStorage },
        { ...sessionStorage },
        document.cookie,
      ]),
    );
    const signature = token.split(".")[2] ?? "";
    expect(signature.length).toBeGreaterThan(40);
    for (const place of [kept, JSON.stringify(await context.cookies()), server.output]) {
      expect(place).not.toContain(signature);
    }
    const files = await readdir(server.folder, { recursive: true, withFileTypes: true });
    const read = files.filter((file) => file.isFile());
    expect(read.map(({ name }) => name)).toContain("rollcall.db");
    for (const { parentPath, name } of read) {
      const bytes = await readFile(join(parentPath, name));
      expect(bytes.includes(signature), name).toBe(false);
    }
  });
});

test("a form sent twice makes one token, and the second answer says that it was already generated", async ({
  page,
  freshServer: server,
}) => {
  const customer = createCustomer(server, "Alder Books");
  await signIn(page, server, customer.email);
  await page.goto(server.at(`/integrations/${customer.integrationId}`));
  const form = await page.locator('input[name="form"]').getAttribute("value");
  const send = () =>
    page.request.post(server.at(`/integrations/${customer.integrationId}/tokens`), {
      form: { form: form ?? "" },
      headers: { Origin: server.url },
    });
  const answers = await Promise.all([send(), send(), send()]);
  const pages = await Promise.all(answers.map((answer) => answer.text()));
  expect(pages.filter((html) => html.includes('id="token"'))).toHaveLength(1);
  expect(pages.filter((html) => html.includes("already generated"))).toHaveLength(2);
  // The browser's own copy of the form is as old as the one sent.
  await generateButton(page).click();
  await expect(page.getByRole("main")).toContainText("already generated");
  await expect(tokensListed(page)).toHaveCount(2);
});

check(4, () => {
  test("what is copied is the token exactly, and “Copied” is said politely", async ({
    page,
    freshServer: server,
    context,
    world,
  }) => {
    test.skip(world !== "js-on", "copying is a comfort of the script");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const customer = createCustomer(server, "Alder Books");
    await signIn(page, server, customer.email);
    const token = await generate(page, server, customer);
    const copied = () => page.evaluate(() => navigator.clipboard.readText());

    await page.getByRole("button", { name: "Copy token" }).click();
    await expect(page.getByRole("status").filter({ hasText: /^Copied$/ })).toHaveCount(1);
    expect(await copied()).toBe(token);

    await page.getByRole("button", { name: "Copy with the token" }).click();
    await expect.poll(copied).toBe(`export ROLLCALL_TOKEN='${token}'`);
    await expect(page.getByRole("button", { name: "Copy token" })).toBeVisible();
  });

  test("where there is no clipboard there is no button for it", async ({ page, freshServer: server, world }) => {
    const customer = createCustomer(server, "Alder Books");
    await page.addInitScript(() => {
      Object.defineProperty(Navigator.prototype, "clipboard", { get: () => undefined });
    });
    await signIn(page, server, customer.email);
    const loaded = world === "js-on" ? page.waitForResponse(/\/live\?token=/) : null;
    await generate(page, server, customer);
    // The page is awake when it asks for the first request.
    await loaded;
    await expect(page.getByRole("button", { name: /copy/i })).toHaveCount(0);
  });
});
