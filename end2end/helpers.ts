// What the tests of several files do: fill a server, sign in, ask `/verify`, move a rotation.
import { createHmac } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { expect, type Server } from "./server.ts";

/** The password of everybody the tests create. */
export const PASSWORD = "nobody guesses this one";
export const ADMIN = "admin@rollcall.example";

/** The people of `rollcall demo`, and the password of each. */
export const DEMO = {
  admin: "priya@rollcall.example",
  calm: "mei@juniper.example",
  broken: "ana@northwind.example",
  password: "rollcall-demo-login",
};

/** Takes in another platform's key and lets tokens that it signed arrive; they are held. */
export async function holdTokens(server: Server, ...owners: { tenant?: string; sub: string }[]): Promise<void> {
  const secret = "thirty-two bytes, no more, no less";
  server.runWith(secret, "key", "import", "--no-kid", "--account-claim", "tenant", "--text");
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  for (const owner of owners) {
    const message = `${part({ alg: "HS256", typ: "JWT" })}.${part({ ...owner, iss: "https://old.example", iat: 1_700_000_000 })}`;
    const signature = createHmac("sha256", secret).update(message).digest("base64url");
    const headers = { Authorization: `Bearer ${message}.${signature}` };
    expect((await fetch(server.at("/verify"), { headers })).status).toBe(200);
  }
  await expect
    .poll(() => server.json("token", "held", "list").length, { timeout: 15_000 })
    .toBe(owners.length);
}

/** A customer with one integration and its token. */
export type Customer = {
  account: string;
  email: string;
  integration: string;
  integrationId: string;
  token: string;
};

export function createAdmin(server: Server): void {
  server.runWith(PASSWORD, "admin", "create", "--email", ADMIN, "--password-stdin");
}

/** An account with somebody who logs in, an integration, and a token for it. */
export function createCustomer(server: Server, account: string, integration = "Order sync"): Customer {
  const host = `${account.toLowerCase().replaceAll(/[^a-z]+/g, "-")}.example`;
  const email = `dev@${host}`;
  const { id } = server.json("account", "create", "--name", account, "--contact", `ops@${host}`);
  server.runWith(PASSWORD, "user", "create", "--account", id, "--email", email, "--password-stdin");
  const made = server.json("integration", "create", "--account", id, "--name", integration);
  const { token } = server.json("token", "issue", "--integration", made.id);
  return { account, email, integration, integrationId: made.id, token };
}

export type Answer = {
  status: number;
  headers: Headers;
  /** The problem document of a refusal. */
  problem: any;
};

/** One request with a token, as a gateway hands it to Rollcall. */
export async function verify(server: Server, token: string): Promise<Answer> {
  const answer = await fetch(server.at("/verify"), { headers: { Authorization: `Bearer ${token}` } });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, problem: text ? JSON.parse(text) : null };
}

/** Fills in the form that stands on `/login` and `/fix`; the caller presses its button. */
export async function fillSignIn(page: Page, email: string, password = PASSWORD): Promise<Locator> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  return page.getByRole("main").getByRole("button", { name: "Sign in", exact: true });
}

/** Signs in at `/login` and arrives at the start; whoever is signed in already stays so. */
export async function signIn(page: Page, server: Server, email: string, password = PASSWORD): Promise<void> {
  await page.goto(server.at("/login"));
  if (page.url().endsWith("/login")) await (await fillSignIn(page, email, password)).click();
  await expect(page.getByRole("button", { name: "Sign out", exact: true })).toBeAttached();
}

/** The newest mail to an address that holds a link of one use. */
export async function mailedLink(server: Server, email: string): Promise<string> {
  const folder = join(server.folder, "data", "mail");
  const find = async (): Promise<string> => {
    for (const name of await readdir(folder).catch(() => [])) {
      const mail = await readFile(join(folder, name), "utf8");
      const link = mail.match(/^http\S+\/set-password\?link=\S+$/m);
      if (link && mail.includes(`To: ${email}`)) return link[0];
    }
    return "";
  };
  await expect.poll(find, { timeout: 15_000 }).not.toBe("");
  return find();
}

/** What an authenticator app shows for a secret (RFC 6238), so many half minutes from now. */
export function code(secret: string, steps = 0): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll(" ", "")].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const tag = createHmac("sha1", key).update(counter).digest();
  const at = (tag.at(-1) ?? 0) & 15;
  return String((tag.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

export const h1 = (page: Page): Locator => page.getByRole("heading", { level: 1 });

/** The button of the integration's page. */
export const generateButton = (page: Page): Locator =>
  page.getByRole("button", { name: "Generate new token" });

/** Ticks everything, types the name, and presses the button of a step's page. */
export async function confirmStep(page: Page, step: string, rotation: string): Promise<void> {
  for (const box of await page.getByRole("checkbox").all()) await box.check();
  await page.getByLabel(`Type ${rotation} to confirm`).fill(rotation);
  await page.getByRole("button", { name: `${step} ${rotation}` }).click();
}
