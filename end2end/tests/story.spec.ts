// The story that the product is for, told once in each world.
import { check } from "../checks.ts";
import { ADMIN, confirmStep, createAdmin, createCustomer, fillSignIn, generateButton, h1, signIn, verify } from "../helpers.ts";
import { expect, test } from "../server.ts";

check(2, () => {
  test("a rotation, from its start to its close: who was seen goes on, who was not is back in three clicks", async ({
    page,
    freshServer: server,
    visitor,
    world,
    context,
  }, info) => {
    test.slow();
    if (world === "js-on") await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    createAdmin(server);
    const seen = createCustomer(server, "Alder Books");
    const missed = createCustomer(server, "Birch Bikes");
    const other = createCustomer(server, "Cedar Clinic", "Nightly export");
    const admin = await visitor();
    await signIn(admin, server, ADMIN);

    await test.step("the recording phase captures what is used", async () => {
      const status = server.json("rotation", "start", "--name", "2026-11", "--window", "15d");
      expect(status).toMatchObject({ phase: "recording", name: "2026-11" });
      const first = await verify(server, seen.token);
      expect(first.status).toBe(200);
      expect(first.headers.get("rollcall-capture")).toBe("recorded");
      expect((await verify(server, seen.token)).headers.get("rollcall-capture")).toBe("already");
    });

    await test.step("the rehearsal names the two others, on the command line and on the page", async () => {
      const accounts: { account: string }[] = server.json("rotation", "rehearse");
      expect(accounts.map(({ account }) => account).sort()).toEqual([missed.account, other.account]);
      await admin.goto(server.at("/admin"));
      await admin.getByRole("link", { name: "See who would break" }).click();
      await expect(h1(admin)).toContainText("2 accounts would lose an integration");
      const table = admin.getByRole("table").filter({ hasText: missed.account });
      await expect(table).toContainText(other.account);
      await expect(table).not.toContainText(seen.account);
    });

    await test.step("the admin finalises, and the rehearsal was right", async () => {
      await admin.getByRole("link", { name: "Finalise…" }).click();
      await confirmStep(admin, "Finalise", "2026-11");
      await expect(h1(admin)).not.toContainText("Finalise");
      expect((await verify(server, seen.token)).status).toBe(200);
      for (const customer of [missed, other]) {
        const refused = await verify(server, customer.token);
        expect(refused.status).toBe(401);
        expect(refused.problem).toMatchObject({ code: "token_not_captured", rotation: "2026-11" });
        expect(refused.headers.get("www-authenticate")).toContain('error="invalid_token"');
      }
    });

    // From here on as the developer at a bad hour, with the 401 in the log.
    let clicks = 0;
    const click = async (what: ReturnType<typeof generateButton>) => {
      clicks += 1;
      await what.click();
    };
    const { help_url } = (await verify(server, missed.token)).problem;
    const begun = Date.now();

    const token = await test.step("help_url leads to a new token in three clicks", async () => {
      await page.goto(help_url);
      await expect(h1(page)).toContainText("Your request was refused");
      await expect(page.getByRole("main")).toContainText("signing key of this service was rotated");
      await click(await fillSignIn(page, missed.email));
      await expect(h1(page)).toHaveText(`${missed.integration} needs a new token.`);
      await expect(page).toHaveURL(server.at(`/integrations/${missed.integrationId}?from=401`));
      await expect(generateButton(page)).toHaveCount(1);
      await click(generateButton(page));
      const token = page.locator("output#token");
      const text = (await token.textContent()) ?? "";
      expect(text.split(".")).toHaveLength(3);
      if (world === "js-on") {
        await click(page.getByRole("button", { name: "Copy token" }));
        await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(text);
      } else {
        // One click selects all of it, for the keys that copy.
        await click(token);
        expect(await page.evaluate(() => String(getSelection()).trim())).toBe(text);
      }
      return text;
    });
    expect(clicks).toBeLessThanOrEqual(3);
    const seconds = (Date.now() - begun) / 1000;
    info.annotations.push({ type: "to a copied token", description: `${clicks} clicks, ${seconds} s` });
    console.log(`  ${world}: ${clicks} clicks and ${seconds} s from help_url to a copied token`);

    await test.step("the new token works, and the page says so", async () => {
      const live = page.locator("#live");
      await expect(live).toContainText("Waiting for first request");
      expect((await verify(server, token)).status).toBe(200);
      if (world !== "js-on") await live.getByRole("link", { name: "Check now" }).click();
      await expect(live).toContainText("Working: first request");
      await expect(live).toContainText("from 127.0.0.1");
      await page.goto(server.at(`/integrations/${missed.integrationId}`));
      await expect(h1(page)).toHaveText(`${missed.integration} works.`);
    });

    await test.step("the admin sees one of the two work again", async () => {
      await admin.goto(server.at("/admin"));
      await expect(h1(admin)).toContainText("1 of 2 affected accounts works again");
      expect(server.json("rotation", "status").accounts).toEqual({ affected: 1, recovered: 1 });
    });

    await test.step("after the close the captured token goes on, and the dormant one stays refused", async () => {
      await admin.getByRole("link", { name: "The recovery" }).click();
      await admin.getByRole("link", { name: "Close…" }).click();
      await confirmStep(admin, "Close", "2026-11");
      await expect(h1(admin)).not.toContainText("for good");
      expect(server.json("rotation", "status").phase).toBe("idle");
      expect((await verify(server, seen.token)).status).toBe(200);
      expect((await verify(server, token)).status).toBe(200);
      expect((await verify(server, other.token)).status).toBe(401);
    });
  });
});
