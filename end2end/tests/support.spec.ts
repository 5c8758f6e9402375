// A question to support: from any page, with what the page knows, to an answer and its end.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { check } from "../checks.ts";
import { ADMIN, createAdmin, createCustomer, fillSignIn, h1, signIn, verify } from "../helpers.ts";
import { expect, type Server, test } from "../server.ts";

const helpLink = (page: Page) => page.getByRole("contentinfo").getByRole("link", { name: "Get help" });

/** Every mail that has been sent, as its text without the encoding of line ends. */
function mails(server: Server): string[] {
  const folder = join(server.folder, "data/mail");
  return readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8").replaceAll("=\r\n", ""));
}

test("a question goes along with its facts, and is answered, replied to and closed", async ({
  page,
  freshServer: server,
  visitor,
  world,
}) => {
  test.slow();
  createAdmin(server);
  const customer = createCustomer(server, "Northwind");
  const support = await visitor();
  await signIn(support, server, ADMIN);
  await signIn(page, server, customer.email);

  await test.step("the link stands on every page and knows what the page is about", async () => {
    await page.goto(server.at(`/integrations/${customer.integrationId}`));
    await expect(helpLink(page)).toHaveAttribute("href", `/support/new?integration=${customer.integrationId}`);
    // Awake, where there is something to wake.
    await page.waitForLoadState("networkidle");
    await helpLink(page).click();
    if (world === "js-on") await expect(page.getByRole("dialog")).toBeVisible();
    else await expect(h1(page)).toHaveText("What can we help you with?");
    await expect(page.getByRole("checkbox", { name: `Integration: ${customer.integration}` })).toBeChecked();
  });

  await test.step("a pasted token is taken out before anything is stored", async () => {
    await page.getByLabel("What is it about?").fill("Refused since noon");
    await page.getByLabel("What happens, and what did you expect?").fill(`We send\nBearer ${customer.token}\nand get a 401.`);
    await page.getByRole("button", { name: "Send the question" }).click();
    await expect(h1(page)).toHaveText("“Refused since noon” waits for support.");
    const main = page.getByRole("main");
    await expect(main).toContainText(`Bearer [token …${customer.token.slice(-4)} removed]`);
    await expect(main.getByRole("link", { name: customer.integration })).toBeVisible();
    expect(await page.content()).not.toContain(customer.token);
  });

  const here = page.url();
  await test.step("its owner revokes it from there", async () => {
    expect((await verify(server, customer.token)).status).toBe(200);
    await page.getByRole("button", { name: `Revoke …${customer.token.slice(-4)}` }).click();
    await expect(page).toHaveURL(here);
    await expect(page.getByRole("button", { name: /^Revoke/ })).toHaveCount(0);
    await expect(page.getByRole("main")).toContainText("It was revoked");
    await expect(page.getByRole("link", { name: "Undo it on its integration’s page" })).toBeVisible();
    expect((await verify(server, customer.token)).status).toBe(401);
  });

  await test.step("support sees it with the facts of the account, and answers", async () => {
    await support.goto(server.at("/admin/tickets"));
    await expect(h1(support)).toHaveText("1 ticket waits for an answer.");
    await support.getByRole("link", { name: "Refused since noon" }).click();
    await expect(support.getByRole("complementary", { name: "Facts" })).toContainText("Revoked");
    await support.getByLabel("Your answer").fill("Generate a new token and put it in your code.");
    await support.getByRole("button", { name: "Send the answer" }).click();
    await expect(h1(support)).toHaveText("Northwind has an answer.");
  });

  await test.step("the answer comes to the page and by mail, and no mail holds the token", async () => {
    await page.goto(server.at("/support"));
    await expect(h1(page)).toHaveText("Support has answered your ticket.");
    await page.getByRole("link", { name: "Refused since noon" }).click();
    await expect(page.getByRole("main")).toContainText("Generate a new token and put it in your code.");
    await expect.poll(() => mails(server).some((mail) => mail.includes(`To: ${customer.email}`) && mail.includes(here))).toBe(true);
    expect(mails(server).some((mail) => mail.includes(`To: ${ADMIN}`) && mail.includes("/admin/tickets/"))).toBe(true);
    for (const part of customer.token.split(".").slice(1)) {
      expect(mails(server).filter((mail) => mail.includes(part.slice(0, 40)))).toEqual([]);
    }
  });

  await test.step("a reply opens it again, and either side closes it", async () => {
    await page.getByLabel("Your reply").fill("Done, it works.");
    await page.getByRole("button", { name: "Send the reply" }).click();
    await expect(h1(page)).toContainText("waits for support");
    await page.getByRole("button", { name: "It is settled: close the ticket" }).click();
    await expect(h1(page)).toContainText("is closed");
    await support.reload();
    await support.getByRole("button", { name: "Open the ticket again" }).click();
    await support.getByRole("button", { name: "Close the ticket" }).click();
    await expect(h1(support)).toHaveText("This ticket of Northwind is closed.");
    await page.goto(here);
    await expect(page.getByRole("main")).toContainText("Done, it works.");
  });
});

test("whoever is not signed in signs in and is back at the question", async ({ page, freshServer: server }) => {
  const customer = createCustomer(server, "Northwind");
  await page.goto(server.at("/help/token_not_captured"));
  await helpLink(page).click();
  await (await fillSignIn(page, customer.email)).click();
  await expect(h1(page)).toHaveText("What can we help you with?");
  await expect(page.getByRole("checkbox", { name: "Refusal: token_not_captured" })).toBeChecked();
});

check(9, () => {
  test("the dialog is left by Escape, keeps what was typed, and gives the focus back", async ({ page, freshServer: server, world }) => {
    test.skip(world !== "js-on", "without script there is no dialog");
    const customer = createCustomer(server, "Northwind");
    await signIn(page, server, customer.email);
    await page.goto(server.at("/activity"));
    await page.waitForLoadState("networkidle");
    await helpLink(page).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Get help" });
    await expect(dialog).toBeVisible();
    await expect(dialog.getByLabel("What is it about?")).toBeFocused();
    await page.keyboard.type("Half a");
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
    await expect(helpLink(page)).toBeFocused();
    expect(page.url()).toBe(server.at("/activity"));
    await page.keyboard.press("Enter");
    await expect(dialog.getByLabel("What is it about?")).toHaveValue("Half a");
    await dialog.getByRole("button", { name: "Close" }).click();
    await expect(dialog).toBeHidden();

    // Signed out meanwhile: the link leads where it leads without script.
    await page.goto(server.at("/"));
    await page.waitForLoadState("networkidle");
    await page.context().clearCookies();
    await helpLink(page).click();
    await expect(page).toHaveURL(/\/login\?next=\/support\/new$/);
  });
});

test("a form sent twice asks once", async ({ page, freshServer: server }) => {
  const customer = createCustomer(server, "Northwind");
  await signIn(page, server, customer.email);
  await page.goto(server.at("/support/new"));
  const form = await page.locator("input[name=form]").inputValue();
  const fields = { form, subject: "Refused", question: "Why?" };
  const post = () => page.request.post(server.at("/support/new"), { form: fields, headers: { Origin: server.url } });
  const [first, second] = [await post(), await post()];
  expect(second.url()).toBe(first.url());
  await page.goto(server.at("/support"));
  await expect(page.getByRole("rowheader")).toHaveCount(1);
});
