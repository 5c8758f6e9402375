// Times are in UTC; whoever is elsewhere is told their own beside it.
import { DEMO, signIn } from "../helpers.ts";
import { expect, test } from "../server.ts";

const clock = "#clock";

test.describe("half past two in India", () => {
  test.use({ timezoneId: "Asia/Kolkata" });

  test("the foot of the page tells the local time beside UTC, and nothing moves for it", async ({ page, world }) => {
    await page.clock.setFixedTime(new Date("2026-11-30T21:00:00Z"));
    await page.goto("/status");
    const height = () => page.getByRole("contentinfo").evaluate((foot) => foot.getBoundingClientRect().height);
    const before = await height();
    if (world === "js-on") await expect(page.locator(clock)).toHaveText("Times are in UTC; here it is 02:30.");
    await page.waitForLoadState("networkidle");
    if (world !== "js-on") await expect(page.locator(clock)).toHaveText("Times are in UTC.");
    expect(await height()).toBe(before);
  });

  test("a time that is pointed at tells its local one", async ({ page, server, world }) => {
    await signIn(page, server, DEMO.calm, DEMO.password);
    await page.waitForLoadState("networkidle");
    const time = page.getByRole("main").locator("time[datetime]:visible").first();
    await expect(time).not.toHaveAttribute("title");
    await time.hover();
    if (world !== "js-on") return expect(time).not.toHaveAttribute("title");
    const at = new Date((await time.getAttribute("datetime")) ?? "");
    await expect(time).toHaveAttribute("title", at.toLocaleString("en-GB", { timeZone: "Asia/Kolkata" }));
  });
});

test.describe("at Greenwich, in winter", () => {
  test.use({ timezoneId: "Etc/UTC" });

  test("there is nothing to add", async ({ page }) => {
    await page.goto("/status");
    await page.waitForLoadState("networkidle");
    await expect(page.locator(clock)).toHaveText("Times are in UTC.");
  });
});
