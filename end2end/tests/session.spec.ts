// What a cutover does to the people who are signed in.
import type { Page } from "@playwright/test";
import { check } from "../checks.ts";
import { ADMIN, createAdmin, createCustomer, fillSignIn, h1, PASSWORD, signIn } from "../helpers.ts";
import { expect, test } from "../server.ts";

const REASON = "Nothing is wrong with your password";

check(6, () => {
  test("a session used in the recording phase outlives the cutover; an unused one is told why and comes back to its link", async ({
    page,
    freshServer: server,
    visitor,
  }) => {
    createAdmin(server);
    const customer = createCustomer(server, "Alder Books");
    const [used, unused, stranger] = [page, await visitor(), await visitor()];
    await signIn(used, server, customer.email);
    await signIn(unused, server, customer.email);

    server.json("rotation", "start", "--name", "2026-11");
    await used.goto(server.at("/"));
    server.json("rotation", "finalise", "--confirm", "2026-11");

    await test.step("the used one is still signed in", async () => {
      await used.goto(server.at(`/integrations/${customer.integrationId}`));
      await expect(used.getByRole("button", { name: "Sign out", exact: true })).toBeAttached();
      await expect(h1(used)).toContainText(customer.integration);
    });

    await test.step("the unused one reads the reason, signs in, and is where it wanted to go", async () => {
      const link = server.at(`/integrations/${customer.integrationId}?from=mail`);
      await unused.goto(link);
      await expect(unused).toHaveURL(/\/login\?next=/);
      await expect(unused.getByRole("main")).toContainText("security keys of this service were rotated");
      await expect(unused.getByRole("main")).toContainText(REASON);
      await (await fillSignIn(unused, customer.email)).click();
      await expect(unused).toHaveURL(link);
    });

    await test.step("once signed in again, there is nothing to explain any more", async () => {
      await unused.getByRole("button", { name: "Sign out", exact: true }).click();
      await expect(h1(unused)).toHaveText("Sign in");
      await expect(unused.getByRole("main")).not.toContainText(REASON);
    });

    await test.step("somebody who was not signed in reads no reason, and comes to the link too", async () => {
      const link = server.at(`/integrations/${customer.integrationId}`);
      await stranger.goto(link);
      await expect(h1(stranger)).toHaveText("Sign in");
      await expect(stranger.getByRole("main")).not.toContainText(REASON);
      await (await fillSignIn(stranger, customer.email, PASSWORD)).click();
      await expect(stranger).toHaveURL(link);
    });

    await test.step("nor does somebody whose session ended for another reason", async () => {
      await used.goto(server.at("/settings/password"));
      await used.getByLabel("Current password").fill(PASSWORD);
      await used.getByLabel("New password").fill("seven quiet lighthouses");
      await used.getByRole("button", { name: "Change password" }).click();
      await expect(used.getByRole("status")).toContainText("Your new password is set");
      await stranger.goto(server.at("/activity"));
      await expect(h1(stranger)).toHaveText("Sign in");
      await expect(stranger.getByRole("main")).not.toContainText(REASON);
    });
  });

  test("whichever page was asked for, the login says why and leads to it", async ({ freshServer: server, visitor }) => {
    createAdmin(server);
    const { email, integrationId } = createCustomer(server, "Alder Books");
    const wanted: [string, string][] = [
      [email, "/activity"],
      [email, `/support/new?integration=${integrationId}&request=0123456789abcdef`],
      [email, "/settings/password"],
      [ADMIN, "/admin/accounts?show=every&q=o"],
    ];
    const pages: Page[] = [];
    for (const [who] of wanted) {
      const page = await visitor();
      await signIn(page, server, who);
      pages.push(page);
    }
    server.json("rotation", "start", "--name", "2026-11");
    server.json("rotation", "finalise", "--confirm", "2026-11");
    for (const [index, page] of pages.entries()) {
      const [who = "", path = ""] = wanted[index] ?? [];
      await page.goto(server.at(path));
      await expect(page, path).toHaveURL(/\/login\?next=/);
      await expect(page.getByRole("main"), path).toContainText(REASON);
      await (await fillSignIn(page, who)).click();
      await expect(page).toHaveURL(server.at(path));
    }
  });
});
