// What stands around the fresh token: commands to check it, the warning before it is lost, both
// tokens' callers, and the way back from a wrong click.
import type { Page } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "../checks.ts";
import { createCustomer, type Customer, fillSignIn, generateButton, h1, signIn, verify } from "../helpers.ts";
import { expect, type Server, test } from "../server.ts";

/** Generates a token in the page of the customer's integration and gives it. */
async function generate(page: Page, server: Server, customer: Customer): Promise<string> {
  await page.goto(server.at(`/integrations/${customer.integrationId}`));
  await generateButton(page).click();
  return (await page.locator("output#token").textContent()) ?? "";
}

/** A customer whose page with a fresh token is open. */
async function fresh(page: Page, server: Server): Promise<{ customer: Customer; token: string }> {
  const customer = createCustomer(server, "Alder Books");
  await signIn(page, server, customer.email);
  return { customer, token: await generate(page, server, customer) };
}

const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

/** The languages, the file that each command is written to, and what runs it. */
const LANGUAGES: { name: string; file: string; run: string[] }[] = [
  { name: "curl", file: "check.sh", run: ["sh"] },
  { name: "JavaScript", file: "check.mjs", run: ["node"] },
  { name: "Python", file: "check.py", run: ["python3"] },
  { name: "Go", file: "check.go", run: ["go", "run"] },
  { name: "Java", file: "Check.java", run: ["java"] },
  { name: "PHP", file: "check.php", run: ["php"] },
  { name: "C#", file: "Program.cs", run: [] },
];

const isHere = (program: string) => {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

test("each check command masks the token, its copy holds the real one, and it prints what the page says", async ({
  page,
  freshServer: server,
  context,
  world,
}, info) => {
  test.slow();
  if (world === "js-on") await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { token } = await fresh(page, server);
  const mask = `${token.slice(0, 6)}••••••••${token.slice(-4)}`;
  await expect(page.getByRole("main")).toContainText(`the token reads ${mask}`);
  const folder = await mkdtemp(join(tmpdir(), "rollcall-check-"));
  for (const { name, file, run } of LANGUAGES) {
    await page.getByRole("radio", { name, exact: true }).check({ force: true });
    const panel = page.locator(".tab-panel:visible");
    await expect(panel).toHaveCount(1);
    const shown = (await panel.locator("code").textContent()) ?? "";
    expect(shown, name).toContain(mask);
    expect(shown, name).not.toContain(token);
    const expected = (await panel.locator("samp").textContent()) ?? "";
    let command = shown.replace(mask, token);
    if (world === "js-on") {
      await panel.getByRole("button", { name: `Copy the ${name} command` }).click();
      await expect.poll(() => copied(page)).toBe(command);
      command = await copied(page);
    }
    if (world !== "js-on" || !run[0] || !isHere(run[0])) {
      if (world === "js-on") info.annotations.push({ type: "not run here", description: name });
      continue;
    }
    await writeFile(join(folder, file), command);
    const printed = execFileSync(run[0], [...run.slice(1), join(folder, file)], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: folder },
    });
    expect(printed.trim(), name).toBe(expected);
    info.annotations.push({ type: "run", description: name });
  }
  await rm(folder, { recursive: true, force: true });
});

test("without script curl is open each time, and every other language is one click away", async ({
  page,
  freshServer: server,
  context,
  world,
}) => {
  test.skip(world === "js-on", "with script the choice is remembered: the next test");
  const { customer } = await fresh(page, server);
  const open = page.locator(".tab-panel:visible");
  for (const { name } of [...LANGUAGES].reverse()) {
    await generate(page, server, customer);
    await expect(page.getByRole("radio", { name: "curl" })).toBeChecked();
    // One, once the stylesheet is there.
    await expect(open).toHaveCount(1);
    await expect(open).toContainText("curl ");
    const before = (await open.locator("code").textContent()) ?? "";
    await page.getByText(name, { exact: true }).click();
    await expect(page.getByRole("radio", { name, exact: true })).toBeChecked();
    await expect(open).toHaveCount(1);
    if (name !== "curl") await expect(open.locator("code")).not.toHaveText(before);
  }
  expect((await context.cookies()).map((cookie) => cookie.name)).not.toContain("language");
});

test("the language chosen is remembered, and nothing else with it", async ({ page, freshServer: server, context, world }) => {
  test.skip(world !== "js-on", "remembering is a comfort of the script");
  const { customer, token } = await fresh(page, server);
  const first = page.getByRole("radio", { name: "curl" });
  await expect(first).toBeChecked();
  // The page is awake when it offers to copy.
  await expect(page.getByRole("button", { name: "Copy token" })).toBeVisible();
  await page.getByRole("radio", { name: "C#" }).check({ force: true });
  await generate(page, server, customer);
  await expect(page.getByRole("radio", { name: "C#" })).toBeChecked();
  const cookie = (await context.cookies()).find(({ name }) => name === "language");
  expect(cookie?.value).toBe("csharp");
  expect(JSON.stringify(await context.cookies())).not.toContain(token.slice(-20));
});

test("leaving the token uncopied is warned of once, and a copied one not at all", async ({
  page,
  freshServer: server,
  context,
  world,
}) => {
  if (world === "js-on") await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const warnings: string[] = [];
  page.on("dialog", async (dialog) => {
    warnings.push(dialog.type());
    await dialog.dismiss();
  });
  const { customer, token } = await fresh(page, server);
  const leave = page.getByRole("link", { name: `Back to ${customer.integration}` });
  if (world !== "js-on") {
    await leave.click();
    await expect(page.locator("#token")).toHaveCount(0);
    expect(warnings).toEqual([]);
    return;
  }
  await expect(page.getByRole("button", { name: "Copy token" })).toBeVisible();
  // A browser asks only where somebody has touched the page.
  await h1(page).click();
  await leave.click();
  await expect.poll(() => warnings).toEqual(["beforeunload"]);
  await expect(page.locator("#token")).toHaveText(token);
  await leave.click();
  await expect(page.locator("#token")).toHaveCount(0);

  for (const copy of ["by the button", "by hand", "in a command"]) {
    const token = await generate(page, server, customer);
    await expect(page.getByRole("button", { name: "Copy token" })).toBeVisible();
    if (copy === "by the button") {
      await page.getByRole("button", { name: "Copy token" }).click();
    } else if (copy === "in a command") {
      await page.getByRole("button", { name: "Copy with the token" }).click();
    } else {
      await page.locator("#token").click();
      await page.keyboard.press("ControlOrMeta+c");
    }
    await expect.poll(() => copied(page)).toContain(token);
    await page.getByRole("link", { name: `Back to ${customer.integration}` }).click();
    await expect(page.locator("#token")).toHaveCount(0);
  }
  expect(warnings).toEqual(["beforeunload"]);
});

test("when copying fails the page says so and selects the token", async ({ page, freshServer: server, world }) => {
  test.skip(world !== "js-on", "without script there is no button");
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  const { token } = await fresh(page, server);
  for (const name of ["Copy token", "Copy the curl command"]) {
    await page.getByRole("button", { name }).click();
    await expect(page.getByRole("button", { name: "Not copied" }).first()).toBeVisible();
    await expect(page.getByText("The browser did not allow copying.").first()).toBeVisible();
    expect(await page.evaluate(() => String(getSelection()).trim())).toBe(token);
    await page.evaluate(() => getSelection()?.removeAllRanges());
  }
});

check(5, () => {
  test("the first request turns Waiting into Working by itself, and without script by Check now", async ({
    page,
    freshServer: server,
    world,
  }) => {
    const { token } = await fresh(page, server);
    const live = page.locator("#live");
    await expect(live).toContainText("Waiting for first request");
    // The page is awake when it has asked.
    if (world === "js-on") await page.waitForResponse(/\/live\?token=/);
    // Too early: it must be there to be asked again.
    else await live.getByRole("link", { name: "Check now" }).click();
    let loads = 0;
    page.on("request", (request) => (loads += Number(request.isNavigationRequest())));
    expect((await verify(server, token)).status).toBe(200);
    if (world === "js-on") {
      await expect(live).toContainText("Working: first request", { timeout: 3_000 });
      expect(loads).toBe(0);
    } else {
      await expect(live).toContainText("Waiting for first request");
      await live.getByRole("link", { name: "Check now" }).click();
      await expect(live).toContainText("Working: first request");
    }
    await expect(live).toContainText("from 127.0.0.1");
  });
});

test("both tokens' callers stand on the page, and the page follows them", async ({
  page,
  freshServer: server,
  world,
}) => {
  const customer = createCustomer(server, "Alder Books");
  const answer = await fetch(server.at("/verify"), {
    headers: { Authorization: `Bearer ${customer.token}`, "User-Agent": "order-sync/2" },
  });
  expect(answer.status).toBe(200);
  await signIn(page, server, customer.email);
  await expect.poll(async () => {
    await page.goto(server.at(`/integrations/${customer.integrationId}`));
    return page.getByRole("table", { name: /^Tokens of/ }).textContent();
  }).toContain("order-sync");
  await generateButton(page).click();
  const live = page.locator("#live");
  const callers = live.getByRole("table", { name: "Who calls with which token" });
  await expect(callers.getByRole("row", { name: /^Old/ })).toContainText("order-sync from 127.0.0.1");
  await expect(callers.getByRole("row", { name: /^New/ })).toContainText("Never used");
  const token = (await page.locator("output#token").textContent()) ?? "";
  expect((await verify(server, token)).status).toBe(200);
  if (world !== "js-on") await live.getByRole("link", { name: "Check now" }).click();
  await expect(live).toContainText("Working: first request");
  await expect(callers.getByRole("row", { name: /^New/ })).not.toContainText("Never used");
});

test("a revocation by mistake is undone by one button, and the token is answered again", async ({
  page,
  freshServer: server,
}) => {
  const customer = createCustomer(server, "Alder Books");
  await signIn(page, server, customer.email);
  await page.goto(server.at(`/integrations/${customer.integrationId}`));
  await page.getByText(/^Revoke token/).click();
  await page.getByRole("button", { name: /^Revoke …/ }).click();
  expect((await verify(server, customer.token)).problem.code).toBe("token_revoked");
  const main = page.getByRole("main");
  await expect(main).toContainText("Revoked by mistake? You can undo it until");
  await page.getByRole("button", { name: /^Undo the revocation/ }).first().click();
  await expect(main).toContainText("is not revoked");
  expect((await verify(server, customer.token)).status).toBe(200);
  await expect(main).toContainText(`was undone by ${customer.email}`);
  // Back, and the same button again: the page says how it stands.
  await page.goBack();
  await page.reload();
  await expect(main).toContainText("is not revoked");
});

test("a program that still sends the ended token is named, and the checklist with it", async ({
  page,
  freshServer: server,
  world,
}) => {
  const customer = createCustomer(server, "Alder Books");
  await signIn(page, server, customer.email);
  await page.goto(server.at(`/integrations/${customer.integrationId}`));
  await page.getByRole("radio", { name: /^Ends at once/ }).check();
  await generateButton(page).click();
  const live = page.locator("#live");
  await expect(live).toContainText("Waiting for first request");
  await expect(live).not.toContainText("Nothing yet?");
  expect((await verify(server, customer.token)).problem.code).toBe("token_replaced");
  // Counts are written within a second.
  await expect(async () => {
    if (world !== "js-on") await live.getByRole("link", { name: "Check now" }).click();
    await expect(live).toContainText(/The token …[\w-]+ is still sent by .* from 127\.0\.0\.1, and was refused at/, { timeout: 1_000 });
  }).toPass({ timeout: 15_000 });
  await expect(live.getByRole("heading", { name: "Nothing yet? Look at these" })).toBeVisible();
  if (world === "js-on") {
    // Where nothing new has happened, asking for it takes the focus from nobody.
    const asked = () => page.waitForResponse(/\/live\?token=/);
    await asked();
    await live.getByRole("link", { name: "Get help" }).focus();
    await asked();
    await asked();
    await expect(live.getByRole("link", { name: "Get help" })).toBeFocused();
  }
  await live.getByRole("link", { name: "Get help" }).click();
  if (world === "js-on") await expect(page.getByRole("dialog", { name: "Get help" })).toBeVisible();
  else await expect(h1(page)).toHaveText("What can we help you with?");
  // What the page knows goes along.
  await expect(page.getByRole("checkbox", { name: `Integration: ${customer.integration}` })).toBeChecked();
});

test("a page that can follow no more says so, and follows again when it can", async ({ page, freshServer: server, world }) => {
  const customer = createCustomer(server, "Alder Books");
  await signIn(page, server, customer.email);
  await page.goto(server.at(`/integrations/${customer.integrationId}`));
  await generateButton(page).click();
  const live = page.locator("#live");
  await expect(live).toContainText("Waiting for first request");
  if (world === "js-on") {
    const asked = /\/live\?token=/;
    await page.route(asked, (route) => route.abort());
    await expect(live).toContainText("The service cannot be reached from here");
    await page.unroute(asked);
    await expect(live).not.toContainText("cannot be reached");
  }
  // Signed out somewhere else: by "Sign out everywhere else", or by an admin.
  await page.context().clearCookies();
  if (world === "js-on") await expect(live).toContainText("You are signed out, or this is no longer there. Reload the page.");
  else await live.getByRole("link", { name: "Check now" }).click();
  if (world === "js-on") await page.reload();
  await expect(h1(page)).toHaveText("Sign in");
  await (await fillSignIn(page, customer.email)).click();
  await expect(live).toContainText("Waiting for first request");
  await expect(page).toHaveURL(new RegExp(`/integrations/${customer.integrationId}$`));
});

test("a day of one's own is asked for, kept when it is over, and counts to its end", async ({ page, freshServer: server }) => {
  const customer = createCustomer(server, "Alder Books");
  await signIn(page, server, customer.email);
  await page.goto(server.at(`/integrations/${customer.integrationId}`));
  const day = page.getByLabel("The day it expires");
  await expect(day).toBeHidden();
  await page.getByRole("radio", { name: /^On a day/ }).check();
  await expect(day).toBeVisible();
  // The browser's own check would keep the past from being sent.
  await page.locator("#generate form").evaluate((form: HTMLFormElement) => (form.noValidate = true));
  await day.fill("2020-02-29");
  await generateButton(page).click();
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.getByRole("alert")).toContainText("Choose a day that is not over yet");
  await expect(day).toHaveValue("2020-02-29");
  const next = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);
  await day.fill(next);
  await generateButton(page).click();
  await expect(page.getByRole("main")).toContainText(/This token expires .*, 23:59 UTC, in (39|40|41) days\./);
});
