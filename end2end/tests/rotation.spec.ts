// Every step of a rotation, taken by an admin in the browser: with script, and without.
import type { Page } from "@playwright/test";
import { ADMIN, confirmStep, createAdmin, createCustomer, h1, signIn, verify } from "../helpers.ts";
import { expect, type Server, test } from "../server.ts";

type Status = { phase: string; name: string | null; current: number; last?: { name: string; phase: string } };
const status = (server: Server): Status => server.json("rotation", "status");

/** Follows the button of a step on the rotation's page, and takes the step. */
async function take(page: Page, step: string, rotation: string): Promise<void> {
  await page.getByRole("link", { name: `${step}…` }).click();
  await expect(h1(page)).toContainText(`${step} ${rotation}`);
  await confirmStep(page, step, rotation);
  await expect(page).toHaveURL(/\/admin\/rotations\/rot_[a-z0-9]+$/);
}

/** Fills in the form of a start and sends it. */
async function start(page: Page, server: Server, name: string): Promise<void> {
  await page.goto(server.at("/admin"));
  await page.getByRole("main").getByRole("link", { name: "Start a rotation" }).click();
  await page.getByLabel("Name").fill(name);
  for (const box of await page.getByRole("checkbox").all()) await box.check();
  await page.getByRole("button", { name: "Start the rotation" }).click();
  await expect(page).toHaveURL(/\/admin\/rotations\/rot_[a-z0-9]+$/);
}

test("start, abort, start, finalise, reopen, finalise, close: each from its page, and each takes effect", async ({
  page,
  freshServer: server,
}) => {
  test.slow();
  createAdmin(server);
  const { token } = createCustomer(server, "Alder Books");
  await signIn(page, server, ADMIN);

  await test.step("start: a new key signs, and the old token goes on", async () => {
    await start(page, server, "first");
    expect(status(server)).toMatchObject({ phase: "recording", name: "first" });
    await expect(h1(page)).toContainText("1 account would lose an integration");
  });

  await test.step("abort: nothing is refused, and the page says how it ended", async () => {
    await take(page, "Abort", "first");
    await expect(page.getByRole("main")).toContainText("aborted");
    expect(status(server)).toMatchObject({ phase: "idle", last: { name: "first", phase: "aborted" } });
    expect((await verify(server, token)).status).toBe(200);
  });

  await test.step("its address offers no step any more", async () => {
    const ended = page.url();
    await page.goto(`${ended}/finalise`);
    await expect(h1(page)).toContainText("Rotation first is aborted, and cannot become finalised.");
    await page.getByRole("link", { name: "Go to the rotation" }).click();
    await expect(page).toHaveURL(ended);
  });

  await test.step("start again: the next generation; only one runs at a time", async () => {
    await start(page, server, "second");
    await page.goto(server.at("/admin/rotations/new"));
    await expect(h1(page)).toHaveText("Rotation second is recording already.");
    await page.getByRole("link", { name: "Go to second" }).click();
  });

  await test.step("finalise: what was not seen is refused", async () => {
    await take(page, "Finalise", "second");
    expect(status(server).phase).toBe("finalised");
    const refused = await verify(server, token);
    expect(refused.status).toBe(401);
    expect(refused.problem.code).toBe("token_not_captured");
  });

  await test.step("reopen: it works again, and is captured by its next request", async () => {
    await take(page, "Reopen", "second");
    expect(status(server).phase).toBe("recording");
    const again = await verify(server, token);
    expect(again.status).toBe(200);
    expect(again.headers.get("rollcall-capture")).toBe("recorded");
  });

  await test.step("finalise again and close: the captured token lives on", async () => {
    await page.reload();
    await take(page, "Finalise", "second");
    await take(page, "Close", "second");
    expect(status(server)).toMatchObject({ phase: "idle", last: { name: "second", phase: "closed" } });
    expect((await verify(server, token)).status).toBe(200);
    await page.goto(`${page.url()}/reopen`);
    await expect(h1(page)).toContainText("Rotation second is closed, and cannot become recording.");
  });

  await test.step("the audit has every step, once, with who", async () => {
    await page.goto(server.at("/admin/audit"));
    const lines = page.getByRole("main").getByRole("listitem");
    for (const step of ["started", "aborted", "finalised", "reopened", "closed"]) {
      await expect(lines.filter({ hasText: `${step} rotation` }).first(), step).toContainText(ADMIN);
    }
  });
});

test("a look-back is rehearsed before the start, starts nothing, and keeps what was filled in", async ({
  page,
  freshDemo: server,
}) => {
  test.slow();
  const open = status(server).name ?? "";
  server.run("rotation", "abort", "--confirm", open);
  await signIn(page, server, "priya@rollcall.example", demoPassword(server));
  await page.goto(server.at("/admin/rotations/new"));
  await page.getByLabel("Name").fill("after the leak");
  const rehearse = async () => {
    await page.getByRole("button", { name: "Rehearse this look-back" }).click();
    return (await page.locator("#rehearsed strong").first().textContent()) ?? "";
  };

  await page.getByRole("radio", { name: "None" }).check();
  const without = await rehearse();
  expect(without).toMatch(/^If you started without a look-back and finalised at once, \d+ accounts? would lose/);
  const named = await page.locator("#rehearsed").getByRole("table").getByRole("row").count();

  await page.getByRole("radio", { name: "40 days" }).check();
  const looking = await rehearse();
  expect(looking).toMatch(/^If you started with a look-back of 40 days and finalised at once, /);
  await expect(page.getByRole("radio", { name: "40 days" })).toBeChecked();
  await expect(page.getByLabel("Name")).toHaveValue("after the leak");
  const count = (text: string): number => Number(/(\d+) accounts?/.exec(text)?.[1] ?? 0);
  expect(count(looking)).toBeLessThan(count(without));
  expect(named).toBeGreaterThan(1);
  expect(status(server).phase).toBe("idle");
});

/** The password that the demo printed for its logins. */
function demoPassword(server: Server): string {
  const [, password] = /priya@rollcall\.example\s+(\S+)/.exec(server.output) ?? [];
  return password ?? "";
}
