// Fixtures: a Rollcall of one's own, and pages in one of the three worlds.
//
//   import { expect, test } from "../server.ts";
//   test("…", async ({ page, server }) => { await page.goto("/login"); … });
//
// `server` is a demo, shared by the tests of one worker, and what relative paths refer to: leave it as
// you found it. To move a rotation take `freshServer`, an empty one for this test alone, or
// `freshDemo`: `page.goto(freshServer.at("/login"))`. `helpers.ts` fills it. `visitor()` is the browser
// of somebody else.
import { type BrowserContext, type Page, test as base } from "@playwright/test";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export { expect } from "@playwright/test";

export type World = "js-on" | "js-off" | "wasm-blocked";
export type Options = { world: World };

const BINARY = process.env.ROLLCALL_BIN ?? join(import.meta.dirname, "../target/debug/rollcall");

/** Those that run. One whose fixture ran out of time is stopped by nobody else. */
const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** A running `rollcall` in a temporary folder of its own. */
export class Server {
  private constructor(
    readonly url: string,
    readonly folder: string,
    private readonly env: Record<string, string | undefined>,
    private readonly process: ChildProcess,
    private readonly said: string[],
  ) {}

  /** What it has printed so far, the demo's logins among it. */
  get output(): string {
    return this.said.join("");
  }

  /** The address of a path on this server. */
  at(path: string): string {
    return this.url + path;
  }

  /** `demo` has a past, people and traffic; `serve` has nothing yet. */
  static async start(kind: "demo" | "serve"): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "rollcall-e2e-"));
    const address = `127.0.0.1:${await freePort()}`;
    const data = join(folder, "data");
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      NO_COLOR: "1",
      ROLLCALL_DATABASE_URL: `sqlite://${join(data, "rollcall.db")}`,
      ROLLCALL_MAIL_URL: `file://${join(data, "mail")}`,
    };
    const options = kind === "demo" ? ["--data", data] : [];
    const child = spawn(BINARY, [kind, "--address", address, ...options], {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    const said: string[] = [];
    child.stdout.on("data", (text) => said.push(String(text)));
    child.stderr.on("data", (text) => said.push(String(text)));
    const server = new Server(`http://${address}`, folder, env, child, said);
    await server.answers(kind);
    return server;
  }

  /** Runs a `rollcall` command on the same database and gives what it printed. */
  run(...args: string[]): string {
    return this.runWith("", ...args);
  }

  /** The same, with something on its standard input: a password. */
  runWith(input: string, ...args: string[]): string {
    return execFileSync(BINARY, args, {
      cwd: this.folder,
      encoding: "utf8",
      env: this.env,
      input,
      stdio: ["pipe", "pipe", "pipe"],
    });
  }

  /** The same, as the value that `--json` prints. */
  json(...args: string[]): any {
    return JSON.parse(this.run("--json", ...args));
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((resolve) => this.process.once("exit", resolve));
      this.process.kill("SIGTERM");
      const late = setTimeout(() => this.process.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(late);
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private async answers(kind: string): Promise<void> {
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      if (this.process.exitCode !== null) break;
      const up = await fetch(`${this.url}/livez`).then((answer) => answer.ok, () => false);
      if (up) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { output } = this;
    await this.stop();
    throw new Error(`rollcall ${kind} did not start:\n${output}`);
  }
}

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

type TestFixtures = { freshServer: Server; freshDemo: Server; visitor: () => Promise<Page> };
type WorkerFixtures = { server: Server };

/** A server for as long as a fixture is used. */
const aServer =
  (kind: "demo" | "serve") =>
  // Playwright wants to see which fixtures it depends on: none.
  async ({}: object, use: (server: Server) => Promise<void>) => {
    const server = await Server.start(kind);
    await use(server);
    await server.stop();
  };

/** Makes a browser live in its world. */
async function enter(context: BrowserContext, world: World): Promise<void> {
  if (world === "wasm-blocked") await context.route("**/*.wasm", (route) => route.abort());
}

export const test = base.extend<TestFixtures & Options, WorkerFixtures>({
  world: ["js-on", { option: true }],

  server: [aServer("demo"), { scope: "worker", timeout: 90_000 }],

  freshServer: [aServer("serve"), { timeout: 90_000 }],

  freshDemo: [aServer("demo"), { timeout: 90_000 }],

  baseURL: async ({ server }, use) => use(server.url),

  context: async ({ context, world }, use) => {
    await enter(context, world);
    await use(context);
  },

  visitor: async ({ browser, world }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext({ javaScriptEnabled: world !== "js-off" });
      contexts.push(context);
      await enter(context, world);
      return context.newPage();
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
});
