// Every page there is, and how to stand before it: the walks of axe.spec.ts and console.spec.ts.
import type { Page } from "@playwright/test";
import { code, createCustomer, DEMO, fillSignIn, generateButton, holdTokens, mailedLink, signIn, verify } from "./helpers.ts";
import { expect, type Server } from "./server.ts";

/** A page: its name in reports, and the way there; whether that way ends in the middle of the page, or is one by script. */
export type Stop = { name: string; go: (page: Page) => Promise<void>; inTheMiddle?: true; byScript?: true };

const at = (server: Server, path: string, name = path): Stop => ({
  name,
  go: async (page) => void (await page.goto(server.at(path))),
});

/** The pages that anyone may see. */
export function publicStops(server: Server): Stop[] {
  const codes = ["token_missing", "token_not_captured", "token_replaced", "unavailable"];
  return [
    at(server, "/login"),
    {
      name: "/login, refused",
      go: async (page) => {
        await page.goto(server.at("/login"));
        await (await fillSignIn(page, "nobody@juniper.example", "wrong")).click();
        await expect(page.getByRole("alert")).toBeVisible();
      },
    },
    at(server, "/login?next=/activity&form=unsent", "/login, after a form that was not taken"),
    at(server, "/fix?ref=AAAAAAAAAAAAAAAAAAAA"),
    at(server, "/forgot"),
    at(server, "/set-password?token=none"),
    at(server, "/setup"),
    at(server, "/status"),
    at(server, "/help"),
    at(server, "/help?q=token"),
    at(server, "/help?q=zebra"),
    at(server, "/help#captured-life"),
    at(server, "/help/still-refused"),
    ...codes.map((code) => at(server, `/help/${code}`)),
    at(server, "/no-such-page"),
  ];
}

/** The pages behind links that work once. Of a server on which nobody is yet. */
export function onceStops(server: Server): Stop[] {
  const short = async (page: Page, button: string) => {
    await page.getByLabel("New password").fill("short");
    await page.getByRole("button", { name: button }).click();
    await expect(page).toHaveTitle(/^Error: /);
  };
  const email = "dev@alder-books.example";
  return [
    {
      name: "/setup, the first admin",
      go: async (page) => void (await page.goto(server.output.match(/http\S+\/setup\?link=\S+/)?.[0] ?? "")),
    },
    {
      name: "/setup, refused",
      go: async (page) => {
        await page.getByLabel("Email").fill("priya@platform.example");
        await short(page, "Create admin");
      },
    },
    {
      name: "/forgot, sent",
      go: async (page) => {
        createCustomer(server, "Alder Books");
        await page.goto(server.at("/forgot"));
        await page.getByLabel("Email").fill(email);
        await page.getByRole("button", { name: "Send the link" }).click();
        await expect(page).toHaveTitle(/^Check your mail/);
      },
    },
    {
      name: "/set-password, by a link",
      go: async (page) => void (await page.goto(await mailedLink(server, email))),
    },
    { name: "/set-password, refused", go: (page) => short(page, "Set password") },
  ];
}

/** The pages of a customer with a dead integration. Generates a token. */
export async function memberStops(page: Page, server: Server): Promise<Stop[]> {
  await signIn(page, server, DEMO.broken, DEMO.password);
  const rows = page.getByRole("list", { name: "Your integrations" }).getByRole("listitem");
  const links = rows.locator(".row-name a");
  const paths = await links.evaluateAll((found) => found.map((link) => link.getAttribute("href") ?? ""));
  const names = await links.allTextContents();
  expect(paths.length).toBeGreaterThan(2);
  const broken = paths[0] ?? "";
  // One that is no more. The account's other integrations stay as they are.
  const archived = server.json("integration", "create", "--account", "Northwind", "--name", "Old importer").id;
  server.json("integration", "archive", archived);
  const about = `integration=${broken.split("/").pop()}&request=0123456789abcdef`;
  await page.goto(server.at("/support"));
  const tickets = await page
    .getByRole("rowheader")
    .getByRole("link")
    .evaluateAll((found) => found.map((link) => link.getAttribute("href") ?? ""));
  return [
    at(server, "/"),
    at(server, `/?archived=${archived}`, "/?archived"),
    at(server, `/integrations/${archived}`, "/integrations/{id}, archived"),
    at(server, `${broken}/edit`, "/integrations/{id}/edit"),
    {
      name: "/integrations/{id}/edit, refused",
      go: async (page) => {
        await page.goto(server.at(`${broken}/edit`));
        await page.getByLabel("Name").fill(names[1] ?? "");
        await page.getByRole("button", { name: /^Rename/ }).click();
        await expect(page).toHaveTitle(/^Error: /);
      },
    },
    ...paths.map((path, index) => at(server, path, `/integrations/{id}, ${names[index]}`)),
    at(server, `${broken}?from=401`, "/integrations/{id}?from=401"),
    {
      name: "/integrations/{id}/tokens, fresh",
      go: async (page) => {
        await page.goto(server.at(broken));
        await generateButton(page).click();
        await expect(page.locator("#token")).toBeVisible();
      },
    },
    {
      name: "/integrations/{id}?generated=already",
      go: async (page) => {
        await page.goto(server.at(broken));
        const form = await page.locator("#generate input[name=form]").inputValue();
        // The answer to the first click, which a second click throws away.
        await page.request.post(server.at(`${broken}/tokens`), { form: { form }, headers: { Origin: server.url } });
        await generateButton(page).click();
        await expect(page.getByRole("button", { name: /generate another$/ })).toBeVisible();
      },
    },
    at(server, "/diagnose"),
    {
      name: "/diagnose, explained",
      inTheMiddle: true,
      byScript: true,
      go: async (page) => {
        const made = server.json("token", "issue", "--integration", broken.split("/").at(-1) ?? "");
        await page.goto(server.at("/diagnose"));
        await page.getByLabel("Access token").fill(`Bearer ${made.token}`);
        await page.getByRole("button", { name: "Explain this token" }).click();
        await expect(page.locator("#explained")).toContainText("This token works");
      },
    },
    at(server, "/activity"),
    at(server, "/support"),
    ...tickets.map((path) => at(server, path, "/support/{id}")),
    at(server, `/support/new?${about}`, "/support/new"),
    {
      name: "/support/new, refused",
      go: async (page) => {
        await page.goto(server.at(`/support/new?${about}`));
        await page.locator("main form").evaluate((form: HTMLFormElement) => (form.noValidate = true));
        await page.getByRole("button", { name: "Send the question" }).click();
        await expect(page).toHaveTitle(/^Error: /);
      },
    },
    {
      name: "Get help, in the dialog",
      byScript: true,
      go: async (page) => {
        await page.goto(server.at(broken));
        await page.waitForLoadState("networkidle");
        await page.getByRole("contentinfo").getByRole("link", { name: "Get help" }).click();
        await expect(page.getByRole("dialog")).toBeVisible();
      },
    },
    at(server, "/fix?ref=AAAAAAAAAAAAAAAAAAAA", "/fix, not theirs"),
    ...tokenStops(server),
    ...settingsStops(server),
  ];
}

/** A token's life on the page of an integration of its own: refused, replaced while it calls, revoked, given back. */
function tokenStops(server: Server): Stop[] {
  const made = { path: "", token: "" };
  const main = (page: Page) => page.getByRole("main");
  return [
    {
      name: "/integrations/{id}/tokens, a day that is over",
      go: async (page) => {
        made.path = `/integrations/${server.json("integration", "create", "--account", "Northwind", "--name", "Stock feed").id}`;
        made.token = server.json("token", "issue", "--integration", made.path.split("/").at(-1) ?? "").token;
        await page.goto(server.at(made.path));
        await page.getByRole("radio", { name: /^On a day/ }).check();
        await page.locator("#generate form").evaluate((form: HTMLFormElement) => (form.noValidate = true));
        await page.getByLabel("The day it expires").fill("2020-02-29");
        await generateButton(page).click();
        await expect(page).toHaveTitle(/^Error: /);
      },
    },
    {
      name: "/integrations/{id}/tokens, both tokens call",
      byScript: true,
      go: async (page) => {
        expect((await verify(server, made.token)).status).toBe(200);
        // Who called is written within a second.
        await expect.poll(async () => {
          await page.goto(server.at(made.path));
          return page.getByRole("table", { name: /^Tokens of/ }).textContent();
        }).toContain("127.0.0.1");
        await generateButton(page).click();
        const token = (await page.locator("output#token").textContent()) ?? "";
        expect((await verify(server, token)).status).toBe(200);
        // The page follows by itself.
        await expect(page.locator("#live").getByRole("row", { name: /^New/ })).not.toContainText("Never used");
      },
    },
    {
      name: "/integrations/{id}, Revoke asked",
      inTheMiddle: true,
      go: async (page) => {
        await page.goto(server.at(made.path));
        await page.getByText(/^Revoke token/).first().click();
        await expect(page.getByRole("button", { name: /^Revoke …/ }).first()).toBeVisible();
      },
    },
    {
      name: "/integrations/{id}, just revoked",
      go: async (page) => {
        await page.goto(server.at(made.path));
        await page.getByText(/^Revoke token/).first().click();
        await page.getByRole("button", { name: /^Revoke …/ }).first().click();
        await expect(main(page)).toContainText("Revoked by mistake? You can undo it until");
      },
    },
    {
      name: "/integrations/{id}, the revocation undone",
      go: async (page) => {
        await page.getByRole("button", { name: /^Undo the revocation/ }).first().click();
        await expect(main(page)).toContainText("is not revoked");
        // As it was before, but for its story.
        server.json("integration", "archive", made.path.split("/").at(-1) ?? "");
      },
    },
  ];
}

/** The pages of one's own account, up to a second factor that is on, and a sign-in that asks for it. Signs in again. */
function settingsStops(server: Server): Stop[] {
  const password = async (page: Page, path: string, label: string, button: string) => {
    await page.goto(server.at(path));
    await page.getByLabel(label, { exact: true }).fill(DEMO.password);
    await page.getByRole("button", { name: button }).click();
  };
  return [
    at(server, "/settings"),
    at(server, "/settings/notifications"),
    at(server, "/settings/password"),
    {
      name: "/settings/password, refused",
      go: async (page) => {
        await page.goto(server.at("/settings/password"));
        await page.getByLabel("Current password").fill(DEMO.password);
        await page.getByLabel("New password").fill("short");
        await page.getByRole("button", { name: "Change password" }).click();
        await expect(page).toHaveTitle(/^Error: /);
      },
    },
    at(server, "/settings/second-factor"),
    { name: "/settings/second-factor, set up", go: (page) => password(page, "/settings/second-factor", "Your password", "Set up the app") },
    {
      name: "/settings/second-factor/confirm, wrong code",
      go: async (page) => {
        await page.getByLabel("Six-digit code").fill("12345");
        await page.getByRole("button", { name: "Turn it on" }).click();
        await expect(page).toHaveTitle(/^Error: /);
      },
    },
    {
      name: "/settings/second-factor/confirm, recovery codes",
      go: async (page) => {
        await password(page, "/settings/second-factor", "Your password", "Set up the app");
        const secret = (await page.locator("output#secret").textContent()) ?? "";
        await page.getByLabel("Six-digit code").fill(code(secret));
        await page.getByRole("button", { name: "Turn it on" }).click();
        await expect(page.locator("#recovery-codes")).toBeVisible();
      },
    },
    at(server, "/settings/second-factor", "/settings/second-factor, on"),
    at(server, "/settings?done=password"),
    {
      name: "/login, the code",
      go: async (page) => {
        await page.context().clearCookies();
        await page.goto(server.at("/login"));
        await (await fillSignIn(page, DEMO.broken, DEMO.password)).click();
        await expect(page.getByLabel("Six-digit code")).toBeVisible();
      },
    },
    {
      name: "/login, a wrong recovery code",
      go: async (page) => {
        await page.getByText("No phone at hand?").click();
        await page.getByLabel("Recovery code").fill("none of them");
        await page.getByRole("button", { name: "Use the recovery code" }).click();
        await expect(page).toHaveTitle(/^Error: /);
        // As it was before: others sign in as them too.
        server.json("user", "reset-second-factor", "--email", DEMO.broken);
      },
    },
  ];
}

/** The pages of an admin while a rotation is being recorded; the demo has one. */
export async function recordingStops(page: Page, server: Server): Promise<Stop[]> {
  await signIn(page, server, DEMO.admin, DEMO.password);
  const rotation = await pathOf(page, server, "/admin", "See who would break");
  await page.goto(server.at("/admin/accounts?show=every"));
  const account = (await page.getByRole("rowheader").getByRole("link").first().getAttribute("href")) ?? "";
  const tickets: string[] = [];
  for (const state of ["open", "answered", "closed"]) {
    await page.goto(server.at(`/admin/tickets?state=${state}`));
    tickets.push((await page.getByRole("rowheader").getByRole("link").first().getAttribute("href")) ?? "");
  }
  return [
    at(server, "/admin"),
    at(server, "/admin/rotations"),
    at(server, "/admin/rotations/new", "/admin/rotations/new, while one is open"),
    at(server, rotation, "/admin/rotations/{id}, recording"),
    at(server, `${rotation}/finalise`, "…/finalise"),
    {
      name: "…/finalise, refused",
      go: async (page) => {
        await page.goto(server.at(`${rotation}/finalise`));
        await page.locator("main form").evaluate((form: HTMLFormElement) => (form.noValidate = true));
        await page.getByRole("button", { name: /^Finalise / }).click();
        await expect(page).toHaveTitle(/^Error: /);
      },
    },
    at(server, `${rotation}/abort`, "…/abort"),
    at(server, "/admin/accounts"),
    at(server, "/admin/accounts?show=every&q=o"),
    at(server, "/admin/accounts?q=nobody-is-called-this"),
    at(server, account, "/admin/accounts/{id}"),
    at(server, `${account}/disable`, "/admin/accounts/{id}/disable"),
    at(server, "/admin/tickets"),
    at(server, "/admin/tickets?state=answered"),
    ...tickets.map((path) => at(server, path, "/admin/tickets/{id}")),
    {
      name: "/admin/tickets/{id}, refused",
      go: async (page) => {
        await page.goto(server.at(tickets[0] ?? ""));
        await page.locator("main form").first().evaluate((form: HTMLFormElement) => (form.noValidate = true));
        await page.getByRole("button", { name: "Send the answer" }).click();
        await expect(page).toHaveTitle(/^Error: /);
      },
    },
    at(server, "/admin/keys"),
    at(server, "/admin/audit"),
    at(server, "/admin/notify"),
  ];
}

/** The pages of an admin while tokens are held, and after the cutover: moves the server's rotation there, then to its close. */
export async function cutoverStops(page: Page, server: Server): Promise<Stop[]> {
  await signIn(page, server, DEMO.admin, DEMO.password);
  const rotation = await pathOf(page, server, "/admin", "See who would break");
  const { name } = server.json("rotation", "status");
  await holdTokens(server, { tenant: "Northwind", sub: "Reports" }, { tenant: "cust_42", sub: "Order sync" }, { sub: "x" });
  const held = `/admin/held/${server.json("token", "held", "list")[0].id}`;
  const refused = async (page: Page, path: string, button: string) => {
    await page.goto(server.at(path));
    await page.locator("main form").evaluateAll((forms) => forms.forEach((form) => ((form as HTMLFormElement).noValidate = true)));
    await page.getByRole("button", { name: button }).click();
    await expect(page).toHaveTitle(/^Error: /);
  };
  return [
    at(server, "/admin", "/admin, with held tokens"),
    at(server, rotation, "/admin/rotations/{id}, with held tokens"),
    at(server, "/admin/held"),
    at(server, "/admin/held?show=refused"),
    {
      name: "/admin/held, the rule refused",
      go: async (page) => {
        await page.goto(server.at("/admin/held"));
        await page.getByLabel("First seen here before").fill("soon");
        await page.getByRole("button", { name: "Approve them" }).click();
        await expect(page).toHaveTitle(/^Error: /);
      },
    },
    at(server, held, "/admin/held/{id}"),
    { name: "/admin/held/{id}, refused", go: (page) => refused(page, held, "Refuse the token") },
    {
      name: "/admin, finalised",
      go: async (page) => {
        server.json("rotation", "finalise", "--confirm", name);
        await page.goto(server.at("/admin"));
      },
    },
    at(server, rotation, "/admin/rotations/{id}, finalised"),
    at(server, `${rotation}/reopen`, "…/reopen"),
    at(server, `${rotation}/close`, "…/close"),
    at(server, `${rotation}/abort`, "…/abort, not now"),
    at(server, "/admin/accounts", "/admin/accounts, finalised"),
    {
      name: "/admin, idle",
      go: async (page) => {
        server.json("rotation", "close", "--confirm", name);
        await page.goto(server.at("/admin"));
      },
    },
    at(server, rotation, "/admin/rotations/{id}, closed"),
    at(server, "/admin/rotations/new"),
    at(server, "/admin/held", "/admin/held, with none"),
  ];
}

/** Where a link of a page leads. */
async function pathOf(page: Page, server: Server, from: string, link: string): Promise<string> {
  await page.goto(server.at(from));
  const href = await page.getByRole("link", { name: link }).getAttribute("href");
  expect(href).toBeTruthy();
  return href ?? "";
}
