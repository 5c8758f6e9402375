import { expect, hasDemo, test } from "../server.ts";

test.skip(!hasDemo(), "this executable has no `demo` yet");

test("the server answers that it lives", async ({ page }) => {
  const answer = await page.goto("/livez");
  expect(answer?.status()).toBe(200);
});
