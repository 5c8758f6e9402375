// A form is sent once; and whoever sent it twice all the same is not stuck.
import { createCustomer, generateButton, h1, signIn, verify } from "../helpers.ts";
import { expect, test } from "../server.ts";

test("a double click on the button shows the one token it made", async ({ page, freshServer: server, world }) => {
  test.skip(world !== "js-on", "without script the second click is the second test's matter");
  const { email, integrationId, token } = createCustomer(server, "Northwind");
  await signIn(page, server, email);
  await page.goto(server.at(`/integrations/${integrationId}`));
  // Its forms are guarded once the islands are awake, which the copy button of the next page shows too.
  await page.waitForLoadState("networkidle");
  await generateButton(page).dblclick();
  const fresh = page.locator("output#token");
  await expect(fresh).toBeVisible();
  const text = (await fresh.textContent()) ?? "";
  expect(text).not.toBe(token);
  expect((await verify(server, text)).status).toBe(200);

  // Back, and the button works again.
  await page.goBack();
  await generateButton(page).click();
  await expect(fresh).toBeVisible();
  expect(await fresh.textContent()).not.toBe(text);
});

test("a form sent twice says what happened, and one button makes another token", async ({ page, freshServer: server }) => {
  const { email, integrationId } = createCustomer(server, "Northwind");
  await signIn(page, server, email);
  await page.goto(server.at(`/integrations/${integrationId}`));
  const form = await page.locator("#generate input[name=form]").inputValue();
  // The answer to the first click, which a second click throws away.
  const path = server.at(`/integrations/${integrationId}/tokens`);
  const answer = await page.request.post(path, { form: { form }, headers: { Origin: server.url } });
  const lost = /<output id="token"[^>]*>([^<]+)</.exec(await answer.text())?.[1] ?? "";
  expect(lost.split(".")).toHaveLength(3);

  await generateButton(page).click();
  await expect(page).toHaveURL(/generated=tok_/);
  await expect(page.getByRole("main")).toContainText("has already generated a token");
  await expect(generateButton(page)).toHaveCount(1);
  await page.getByRole("button", { name: /^Revoke …[\w-]+ and generate another$/ }).click();
  await expect(h1(page)).toContainText("new token");
  const fresh = (await page.locator("output#token").textContent()) ?? "";
  expect(fresh).not.toBe(lost);
  expect((await verify(server, fresh)).status).toBe(200);
  const refused = await verify(server, lost);
  expect(refused.status).toBe(401);
  expect(refused.problem.code).toBe("token_revoked");
});
