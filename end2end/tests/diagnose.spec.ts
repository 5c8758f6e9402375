// A pasted token is explained, and stays where it was pasted.
import type { Page } from "@playwright/test";
import { check } from "../checks.ts";
import { createCustomer, h1, signIn, verify } from "../helpers.ts";
import { expect, test } from "../server.ts";

/** Pastes a text and asks about it. */
async function explain(page: Page, text: string): Promise<void> {
  await page.getByLabel("Access token").fill(text);
  await page.getByRole("button", { name: "Explain this token" }).click();
}

test("a token is explained in plain words, and no request of the page carries any part of it", async ({
  page,
  freshServer: server,
  world,
}) => {
  test.skip(world !== "js-on", "there is no field without script");
  const own = createCustomer(server, "Alder Books");
  const stranger = createCustomer(server, "Birch Bikes");
  await signIn(page, server, own.email);
  const sent: string[] = [];
  page.on("request", (request) => {
    sent.push([request.url(), JSON.stringify(request.headers()), request.postData() ?? ""].join("\n"));
  });
  await page.goto(server.at("/diagnose"));
  const answer = page.locator("#explained");

  await test.step("one that works, with what stood around it", async () => {
    await explain(page, own.token);
    await expect(answer).toContainText("This token works, and has not been used yet.");
    await expect(answer).toContainText("of Order sync");
    await explain(page, `Authorization: Bearer "${own.token.replaceAll(".", ".\n  ")}"\n`);
    await expect(answer).toContainText("This token works");
    const note = page.locator("#pasted-note");
    for (const part of ["the name of the header", "the word Bearer", "quotes", "line breaks"]) {
      await expect(note).toContainText(part);
    }
  });

  await test.step("what is no token is told so here, without a request", async () => {
    const before = sent.length;
    for (const [text, words] of [
      ["", "Nothing was pasted"],
      ["correct horse battery staple", "no access token"],
      ["tok_01K0000000000000000000", "public id"],
      [own.token.slice(0, -1), "damaged"],
    ] as const) {
      await explain(page, text);
      await expect(page.locator("#pasted-note")).toContainText(words);
      await expect(answer).toBeEmpty();
    }
    expect(sent.length).toBe(before);
  });

  await test.step("a stranger's token reads as one that was never issued", async () => {
    const answers: string[] = [];
    const [head, body] = own.token.split(".");
    for (const token of [stranger.token, `${head}.${body}.${"A".repeat(86)}`]) {
      await explain(page, token);
      await expect(answer).toContainText("No token of your account is this one.");
      answers.push(await answer.innerHTML());
    }
    expect(answers[0]).toBe(answers[1]);
    expect(answers[0]).toContain("token_unknown");
  });

  await test.step("each refusal in its words", async () => {
    expect((await verify(server, own.token)).status).toBe(200);
    server.json("rotation", "start", "--name", "2026-11");
    await explain(page, own.token);
    await expect(answer).toContainText("This token works until the cutover.");
    server.json("rotation", "finalise", "--confirm", "2026-11");
    await explain(page, own.token);
    await expect(answer).toContainText("This access token stopped working when the signing key was rotated.");
    await expect(answer.getByRole("link", { name: "token_not_captured" })).toHaveAttribute("href", "/help/token_not_captured");
    await answer.getByRole("link", { name: "Generate new token for Order sync" }).click();
    await expect(h1(page)).toHaveText("Order sync needs a new token.");
    await page.goto(server.at("/diagnose"));
    const id = server.json("token", "issue", "--integration", own.integrationId).id;
    server.json("token", "revoke", id);
    server.json("integration", "archive", own.integrationId);
    await explain(page, own.token);
    await expect(answer).toContainText("This access token was revoked.");
    await expect(answer).toContainText("Its integration is archived");
  });

  await test.step("no request carried a part of a token", () => {
    expect(sent.length).toBeGreaterThan(10);
    for (const token of [own.token, stranger.token]) {
      for (let at = 0; at + 12 <= token.length; at += 1) {
        const part = token.slice(at, at + 12);
        expect(sent.filter((request) => request.includes(part)), part).toEqual([]);
      }
    }
  });
});

check(1, () => {
  test("without script the page explains itself and has no field and no dead button", async ({
    page,
    freshServer: server,
    world,
  }) => {
    const { email } = createCustomer(server, "Alder Books");
    await signIn(page, server, email);
    const html = (await (await page.request.get(server.at("/diagnose"))).text()).replace(/<script[\s\S]*?<\/script>/g, "");
    expect(html).not.toContain("<textarea");
    await page.goto(server.at("/diagnose"));
    if (world === "js-on") {
      await expect(page.getByLabel("Access token")).toBeVisible();
      const field = page.locator("textarea");
      expect(await field.evaluate((field: HTMLTextAreaElement) => [field.name, field.form])).toEqual(["", null]);
      return;
    }
    await page.waitForLoadState("load");
    const main = page.getByRole("main");
    await expect(main).toContainText("rollcall token inspect");
    await expect(main.getByText("/verify").first()).toBeVisible();
    await expect(main.locator("textarea")).toHaveCount(0);
    await expect(main.getByRole("button")).toHaveCount(0);
  });
});
