// Your integrations: created, renamed, archived, in each world.
import { createCustomer, h1, signIn, verify } from "../helpers.ts";
import { expect, test } from "../server.ts";

test("an integration is created, renamed and archived; its token is refused, and its story stays", async ({
  page,
  freshServer: server,
}) => {
  const { email, token, integrationId } = createCustomer(server, "Alder Books", "Old importer");
  await signIn(page, server, email);
  await page.getByText("Create an integration", { exact: true }).click();
  await page.getByLabel("Name").fill("Order sync");
  await page.getByRole("button", { name: "Create integration" }).click();
  await expect(h1(page)).toHaveText("Order sync has no token yet.");

  await test.step("a name that is taken is refused where it was typed", async () => {
    await page.getByRole("link", { name: "Rename or archive Order sync" }).click();
    await page.getByLabel("Name").fill("old IMPORTER");
    await page.getByRole("button", { name: "Rename Order sync" }).click();
    await expect(page.getByRole("alert")).toBeFocused();
    await expect(page.getByLabel("Name")).toHaveValue("old IMPORTER");
    await page.getByLabel("Name").fill("Order export");
    await page.getByRole("button", { name: "Rename Order sync" }).click();
    await expect(h1(page)).toHaveText("Order export has no token yet.");
  });

  await test.step("archiving wants the name, and ends the token at once", async () => {
    expect((await verify(server, token)).status).toBe(200);
    await page.goto(server.at(`/integrations/${integrationId}/edit`));
    const button = page.getByRole("button", { name: "Archive Old importer" });
    const field = page.getByLabel("Type Old importer to confirm");
    await field.fill("Old");
    await button.click();
    // The browser refuses a form that is not valid, with script and without.
    await expect(page).toHaveURL(/\/edit$/);
    expect((await verify(server, token)).status).toBe(200);
    await field.fill("Old importer");
    await button.click();
    await expect(page.getByRole("main")).toContainText("Old importer is archived.");
    expect((await verify(server, token)).problem.code).toBe("token_revoked");
  });

  await test.step("it is in no list but the one at the end, which leads to its story", async () => {
    const rows = page.getByRole("list", { name: "Your integrations" });
    await expect(rows.getByRole("listitem")).toHaveCount(1);
    await page.goto(server.at("/"));
    await page.getByText("1 archived integration").click();
    await page.getByRole("link", { name: "Old importer" }).click();
    await expect(h1(page)).toHaveText("Old importer is archived.");
    await expect(page.getByRole("main")).toContainText("The integration was archived by");
    await expect(page.getByRole("main").getByRole("button")).toHaveCount(0);
  });
});

test("an account without integrations is shown how to begin", async ({ page, freshServer: server }) => {
  const { email, integrationId } = createCustomer(server, "Birch Bikes");
  server.json("integration", "archive", integrationId);
  await signIn(page, server, email);
  await expect(h1(page)).toHaveText("You have no integrations yet.");
  await expect(page.getByRole("list", { name: "How a program is connected" }).getByRole("listitem")).toHaveCount(3);
  await expect(page.getByRole("button", { name: "Create integration" })).toBeVisible();
});
