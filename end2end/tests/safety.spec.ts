// A user's own account: the second factor, the password, the mail that sets a new one.
import type { Page } from "@playwright/test";
import { code, createCustomer, fillSignIn, h1, mailedLink, PASSWORD, signIn } from "../helpers.ts";
import { expect, type Server, test } from "../server.ts";

const NEW = "seven quiet lighthouses";

/** Turns the second factor on; gives the secret and the recovery codes. */
async function enrol(page: Page, server: Server): Promise<{ secret: string; codes: string[] }> {
  await page.goto(server.at("/settings"));
  await page.getByRole("link", { name: "Turn on second factor" }).click();
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Set up the app" }).click();
  await expect(page.getByRole("img", { name: /^QR code/ })).toBeVisible();
  const secret = (await page.locator("output#secret").textContent()) ?? "";
  await page.getByLabel("Six-digit code").fill(code(secret));
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(h1(page)).toHaveText("The second factor is on. Keep these codes.");
  const codes = await page.locator("#recovery-codes code").allTextContents();
  expect(codes).toHaveLength(10);
  return { secret, codes };
}

test("a second factor is turned on, asked for, and answered by the app or by a recovery code", async ({
  page,
  freshServer: server,
  visitor,
}) => {
  const customer = createCustomer(server, "Alder Books");
  await signIn(page, server, customer.email);
  const { secret, codes } = await enrol(page, server);
  await page.goto(server.at("/settings/second-factor"));
  await expect(h1(page)).toHaveText("A code is asked for at each sign-in.");
  expect(await page.content()).not.toContain(secret);
  expect(await page.content()).not.toContain(codes[0]);

  const other = await visitor();
  await test.step("a wrong code is told, and the right one leads to where one wanted to go", async () => {
    await other.goto(server.at("/activity?a=1"));
    await (await fillSignIn(other, customer.email)).click();
    await expect(h1(other)).toHaveText("Your password is right. Now your code.");
    await expect(other.getByLabel("Six-digit code")).toHaveAttribute("autocomplete", "one-time-code");
    await other.getByLabel("Six-digit code").fill("12 34 5");
    await other.getByRole("main").getByRole("button", { name: "Sign in" }).click();
    await expect(other.getByRole("alert")).toContainText("This code is not right");
    await expect(other.getByRole("alert")).toBeFocused();
    await expect(other).toHaveTitle(/^Error: /);
    await other.getByLabel("Six-digit code").fill(code(secret, 1));
    await other.getByRole("main").getByRole("button", { name: "Sign in" }).click();
    await expect(other).toHaveURL(server.at("/activity?a=1"));
  });

  await test.step("a recovery code signs in once", async () => {
    for (const right of [true, false]) {
      const third = await visitor();
      await third.goto(server.at("/login"));
      await (await fillSignIn(third, customer.email)).click();
      await third.getByText("No phone at hand?").click();
      await third.getByLabel("Recovery code").fill(codes[2] ?? "");
      await third.getByRole("button", { name: "Use the recovery code" }).click();
      if (right) await expect(third.getByRole("button", { name: "Sign out", exact: true })).toBeAttached();
      else await expect(third.getByRole("alert")).toContainText("none of your recovery codes");
    }
  });

  await test.step("the operator takes it off whoever lost everything", async () => {
    server.json("user", "reset-second-factor", "--email", customer.email);
    await signIn(await visitor(), server, customer.email);
  });
});

test("changing the password signs the others out, and says what it does not take", async ({
  page,
  freshServer: server,
  visitor,
}) => {
  const customer = createCustomer(server, "Alder Books");
  await signIn(page, server, customer.email);
  const other = await visitor();
  await signIn(other, server, customer.email);
  await page.goto(server.at("/settings"));
  await page.getByRole("link", { name: "Change password" }).click();
  const change = async (current: string, password: string) => {
    await page.getByLabel("Current password").fill(current);
    await page.getByLabel("New password").fill(password);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await expect(page.locator('[autocomplete="username"]')).toHaveValue(customer.email);
  await change("not this one", NEW);
  await expect(page.getByRole("alert")).toContainText("not your current password");
  await change(PASSWORD, "short");
  await expect(page.getByRole("alert")).toContainText("15 characters at least");
  await change(PASSWORD, NEW);
  await expect(page.getByRole("status")).toContainText("Your new password is set");
  await other.goto(server.at("/activity"));
  await expect(h1(other)).toHaveText("Sign in");
  await signIn(other, server, customer.email, NEW);
});

test("a forgotten password: the mail, its link, the new password, and the link once more", async ({
  page,
  freshServer: server,
}) => {
  const customer = createCustomer(server, "Alder Books");
  await page.goto(server.at("/login"));
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("Email").fill(customer.email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(h1(page)).toHaveText("Check your mail.");
  const link = await mailedLink(server, customer.email);
  await page.goto(link);
  await expect(page.locator('[autocomplete="username"]')).toHaveValue(customer.email);
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Set password" }).click();
  await expect(page.getByRole("main")).toContainText("Your new password is set.");
  await (await fillSignIn(page, customer.email, NEW)).click();
  await expect(page.getByRole("button", { name: "Sign out", exact: true })).toBeAttached();
  await page.goto(link);
  await expect(h1(page)).toHaveText("This link no longer works.");
});

test("letters are chosen, and what is about one's safety cannot be", async ({ page, freshServer: server }) => {
  const customer = createCustomer(server, "Alder Books");
  await signIn(page, server, customer.email);
  await page.goto(server.at("/settings/notifications"));
  await expect(h1(page)).toHaveText("You get every letter.");
  await page.getByLabel("A new sign-in").uncheck();
  await page.getByRole("button", { name: "Keep this choice" }).click();
  await expect(page.getByRole("status")).toContainText("Your choice of letters is kept.");
  await page.goto(server.at("/settings/notifications"));
  await expect(page.getByLabel("A new sign-in")).not.toBeChecked();
  await expect(page.getByLabel("A token was generated")).toBeChecked();
  await expect(page.getByRole("checkbox")).toHaveCount(3);
});
