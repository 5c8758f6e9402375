
/** Every page of the walks that the tests take, so that no page is without a picture. */
async function walk(page: Page, stops: Stop[]): Promise<void> {
  for (const { name, go } of stops) {
    await go(page);
    await shoot(page, `all ${name.replaceAll(/[^\w]+/g, "-").replaceAll(/^-|-$/g, "")}`);
  }
}

test("every public page", async ({ page, server }) => walk(page, publicStops(server)));

test("every page of a member", async ({ page, server }) => walk(page, await memberStops(page, server)));

test("every page of an admin, step by step", async ({ page, freshDemo }) => {
  await walk(page, await recordingStops(page, freshDemo));
  await walk(page, await cutoverStops(page, freshDemo));
});

test("where there is nothing yet", async ({ page, freshServer: server }) => {
  createAdmin(server);
  await signIn(page, server, ADMIN, PASSWORD);
  for (const path of ["/admin", "/admin/rotations", "/admin/rotations/new", "/admin/accounts", "/admin/audit"]) {
    await page.goto(server.at(path));
    await shoot(page, `empty ${path.slice(1).replaceAll("/", "-")}`);
  }
});
