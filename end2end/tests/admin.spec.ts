// The steps that cannot be taken by mistake, and the list of accounts.
import type { Page } from "@playwright/test";
import { check } from "../checks.ts";
import { ADMIN, confirmStep, createAdmin, createCustomer, DEMO, h1, signIn, verify } from "../helpers.ts";
import { expect, type Server, test } from "../server.ts";

const NAME = "2026-11";

/** A recording phase with one account that would break, and the admin before *Finalise*. */
async function beforeFinalise(page: Page, server: Server): Promise<string> {
  createAdmin(server);
  createCustomer(server, "Alder Books");
  await signIn(page, server, ADMIN);
  server.json("rotation", "start", "--name", NAME);
  await page.goto(server.at("/admin"));
  await page.getByRole("link", { name: "Finalise…" }).click();
  await expect(h1(page)).toContainText(`Finalise ${NAME}: 1 account loses an integration`);
  return page.url();
}

const phase = (server: Server): string => server.json("rotation", "status").phase;

check(11, () => {
  test("finalise waits for every acknowledgement and the typed name; a wrong name is refused in the page", async ({
    page,
    freshServer: server,
  }) => {
    const address = await beforeFinalise(page, server);
    const button = page.getByRole("button", { name: `Finalise ${NAME}` });
    const boxes = page.getByRole("checkbox");
    const name = page.getByLabel(`Type ${NAME} to confirm`);
    const isReady = () => page.locator("main form").evaluate((form: HTMLFormElement) => form.checkValidity());
    const looks = () => button.evaluate((element) => getComputedStyle(element).backgroundColor);
    let posts = 0;
    page.on("request", (request) => (posts += Number(request.method() === "POST")));

    const count = await boxes.count();
    expect(count).toBeGreaterThanOrEqual(3);
    const disabled = await looks();
    await name.fill(NAME);
    for (const box of await boxes.all()) {
      await button.click();
      expect(await isReady()).toBe(false);
      await box.check();
    }
    for (const wrong of ["", "2026-12", "2026_11", `${NAME}x`]) {
      await name.fill(wrong);
      await button.click();
      expect(await isReady(), wrong).toBe(false);
    }
    expect(posts).toBe(0);
    await name.fill(NAME);
    expect(await isReady()).toBe(true);
    // Its colour takes a moment to change.
    await expect.poll(looks).not.toBe(disabled);

    await test.step("the server refuses it too, keeps what was ticked, and puts the focus on what is missing", async () => {
      await boxes.first().uncheck();
      await name.fill("2026-12");
      await page.locator("main form").evaluate((form: HTMLFormElement) => (form.noValidate = true));
      await button.click();
      await expect(page).toHaveTitle(/^Error: Finalise/);
      const summary = page.locator(".error-summary");
      await expect(summary).toBeFocused();
      await expect(summary).toContainText(`Type the rotation’s name, ${NAME}.`);
      await expect(summary.getByRole("listitem")).toHaveCount(2);
      await expect(boxes.first()).not.toBeChecked();
      await expect(boxes.nth(1)).toBeChecked();
      await expect(page).toHaveURL(address);
      expect(phase(server)).toBe("recording");
    });

    await confirmStep(page, "Finalise", NAME);
    await expect(page).toHaveURL(address.replace(/\/finalise$/, ""));
    expect(phase(server)).toBe("finalised");
  });

  test("what the rehearsal counts is what then answers 401", async ({ page, freshServer: server }) => {
    createAdmin(server);
    const customers = Array.from({ length: 5 }, (_, index) => createCustomer(server, `Customer ${"ABCDE"[index]}`));
    server.json("rotation", "start", "--name", NAME);
    for (const { token } of customers.slice(0, 2)) expect((await verify(server, token)).status).toBe(200);
    await signIn(page, server, ADMIN);
    await page.goto(server.at("/admin"));
    await page.getByRole("link", { name: "See who would break" }).click();
    await expect(h1(page)).toContainText("3 accounts would lose an integration");
    const table = page.getByRole("table", { name: /^Affected accounts/ });
    const named = await table.getByRole("rowheader").getByRole("link").allTextContents();
    await page.getByRole("link", { name: "Finalise…" }).click();
    await expect(h1(page)).toContainText(`Finalise ${NAME}: 3 accounts lose an integration`);
    await confirmStep(page, "Finalise", NAME);
    await expect(h1(page)).not.toContainText("Finalise");
    const refused: string[] = [];
    for (const { account, token } of customers) {
      const { status } = await verify(server, token);
      if (status === 401) refused.push(account);
      else expect(status, account).toBe(200);
    }
    expect(refused).toHaveLength(3);
    expect(named.sort()).toEqual(refused);
  });

  test("finalise sent twice finalises once, and both are shown the rotation", async ({ page, freshServer: server }) => {
    const address = await beforeFinalise(page, server);
    const names = await page.getByRole("checkbox").evaluateAll((all) => all.map((box) => (box as HTMLInputElement).name));
    const form = Object.fromEntries([...names.map((name) => [name, "yes"]), ["confirm", NAME]]);
    const send = () => page.request.post(address, { form, headers: { Origin: server.url } });
    for (const answer of await Promise.all([send(), send(), send()])) {
      expect(answer.status()).toBe(200);
      expect(answer.url()).toBe(address.replace(/\/finalise$/, ""));
    }
    expect(phase(server)).toBe("finalised");
    await page.goto(server.at("/admin/audit"));
    await expect(page.getByRole("listitem").filter({ hasText: `finalised rotation ${NAME}` })).toHaveCount(1);
  });

  test("to a member the admin's pages do not exist", async ({ page, server }) => {
    await signIn(page, server, DEMO.calm, DEMO.password);
    const { id } = server.json("rotation", "status");
    for (const path of [
      "/admin",
      "/admin/live",
      "/admin/rotations",
      "/admin/rotations/new",
      `/admin/rotations/${id ?? "rot_00000000000000000000000000"}/finalise`,
      "/admin/accounts",
      "/admin/accounts.csv",
      "/admin/keys",
      "/admin/audit",
    ]) {
      const answer = await page.goto(path);
      expect(answer?.status(), path).toBe(404);
      await expect(h1(page), path).toHaveText("This page does not exist");
    }
    const post = await page.request.post(server.at("/admin/rotations/new"), {
      form: { new_key: "yes", records: "yes", promise: "yes" },
      headers: { Origin: server.url },
    });
    expect(post.status()).toBe(404);
  });
});

test("a stranger is asked to sign in before an admin's page", async ({ page, server }) => {
  await page.goto("/admin/accounts?show=every&q=o");
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel("Email").fill(DEMO.admin);
  await page.getByLabel("Password", { exact: true }).fill(DEMO.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(server.at("/admin/accounts?show=every&q=o"));
});

/** The names in the list as it stands. */
const listed = (page: Page): Promise<string[]> => page.getByRole("rowheader").getByRole("link").allTextContents();

check(10, () => {
  test("the list of accounts: search, filter, sort and page live in the URL, and the CSV is exactly the filter", async ({
    page,
    freshServer: server,
  }) => {
    test.slow();
    // More than one page of accounts, one of which calls itself a formula. How long 50,000 take is for
    // `make bench` to say.
    createAdmin(server);
    const names = Array.from({ length: 54 }, (_, index) => `Account ${String(index).padStart(2, "0")}`);
    names.push("=HYPERLINK(0)");
    for (const [index, name] of names.entries()) {
      const contact = `ops@customer-${index}.example`;
      server.run("account", "create", "--name", name, "--contact", contact);
      // Some of them only: the others have nothing that could break.
      if (index >= 50) {
        const { id } = server.json("integration", "create", "--account", name, "--name", "Sync");
        server.json("token", "issue", "--integration", id);
      }
    }
    server.json("rotation", "start", "--name", NAME);
    await signIn(page, server, ADMIN);

    await test.step("affected accounts first", async () => {
      await page.goto(server.at("/admin/accounts"));
      expect((await listed(page)).sort()).toEqual([...names.slice(50)].sort());
    });

    await test.step("sorting turns with its column, and says so", async () => {
      const ascending = await listed(page);
      const header = page.getByRole("columnheader", { name: "Account" });
      await expect(header).toHaveAttribute("aria-sort", "ascending");
      await header.getByRole("link").click();
      await expect(page).toHaveURL(/[?&]dir=desc/);
      await expect(header).toHaveAttribute("aria-sort", "descending");
      expect(await listed(page)).toEqual(ascending.reverse());
    });

    await test.step("a filter and a search make an address that can be shared", async () => {
      await page.getByLabel("Show").selectOption("every");
      await page.getByLabel("Name or contact").fill("account 1");
      await page.getByRole("button", { name: "Search" }).click();
      await expect(page).toHaveURL(/\/admin\/accounts\?(?=.*\bq=account(\+|%20)1)(?=.*\bshow=every)/);
      expect(await listed(page)).toEqual(names.slice(10, 20));
      await page.goto(page.url());
      await expect(page.getByLabel("Name or contact")).toHaveValue("account 1");
      await expect(page.getByLabel("Show")).toHaveValue("every");
      expect(await listed(page)).toEqual(names.slice(10, 20));
    });

    await test.step("the CSV is what the list shows", async () => {
      const csv = await csvOf(page, server);
      expect(csv.map((row) => row[1])).toEqual(names.slice(10, 20));
    });

    await test.step("pages follow each other, and the CSV has all of them", async () => {
      await page.goto(server.at("/admin/accounts?show=every"));
      const first = await listed(page);
      expect(first).toHaveLength(50);
      const csv = await csvOf(page, server);
      await page.getByRole("navigation", { name: /page/i }).getByRole("link", { name: /2|next/i }).first().click();
      await expect(page).toHaveURL(/[?&]page=2/);
      const second = await listed(page);
      const all = [...first, ...second];
      expect([...all].sort()).toEqual([...names].sort());
      const plain = all.map((name) => (name.startsWith("=") ? `'${name}` : name));
      expect(csv.map((row) => row[1])).toEqual(plain);
      expect(csv.map((row) => row[2])).toContain("ops@customer-54.example");
    });
  });
});

/** The records of the CSV that the page links to, without the head; no field here has a comma. */
async function csvOf(page: Page, server: Server): Promise<string[][]> {
  const href = await page.getByRole("link", { name: /CSV/ }).getAttribute("href");
  const answer = await page.request.get(server.at(href ?? ""));
  expect(answer.headers()["content-type"]).toContain("text/csv");
  expect(answer.headers()["content-disposition"]).toContain("attachment");
  // Streamed: nobody knows its length when it begins.
  expect(answer.headers()["content-length"]).toBeUndefined();
  const [head, ...records] = (await answer.text()).trimEnd().split("\r\n");
  expect(head).toContain("account_id,account,contact");
  return records.map((record) => record.split(","));
}
