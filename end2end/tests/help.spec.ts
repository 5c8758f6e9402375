// Help is found, and a link to an answer shows it.
import { h1 } from "../helpers.ts";
import { expect, test } from "../server.ts";

test("what a customer types finds its answer, in each world", async ({ page }) => {
  await page.goto("/help");
  await page.getByLabel("Search the answers").fill("was I logged out?");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/\/help\?q=was/);
  await expect(h1(page)).toContainText("for “was I logged out?”");
  await expect(page.locator("details[open]").first()).toContainText("Nothing is wrong with your password");
  await page.goto("/help?q=token_expired");
  await expect(page.getByRole("link", { name: "token_expired" })).toBeVisible();
  await page.goto("/help?q=zebra");
  await expect(page.getByRole("main")).toContainText("Nothing here holds these words");
});

test("a link to an answer shows it open, on the page of all and on its own", async ({ page }) => {
  await page.goto("/help");
  const answer = page.locator("#captured-life");
  await expect(answer).toBeHidden();
  await page.goto("/status");
  await page.goto("/help#captured-life");
  await expect(answer).toBeVisible();
  await answer.getByRole("link", { name: /^Link to this answer/ }).click();
  await expect(page).toHaveURL(/\/help\/captured-life$/);
  await expect(h1(page)).toHaveText("How long does my captured token live?");
  await expect(page.getByRole("main")).toContainText("it keeps the expiry it was generated with");
});

test("every refusal code has a page with the same check commands", async ({ page }) => {
  await page.goto("/help");
  const codes = await page.getByRole("table").getByRole("link").evaluateAll((links) =>
    links.map((link) => link.getAttribute("href") ?? ""),
  );
  expect(codes.length).toBe(10);
  for (const code of codes) {
    await page.goto(code);
    await expect(page.getByRole("group", { name: "Language" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText("YOUR_TOKEN");
  }
});
