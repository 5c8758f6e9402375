// Fixtures: a Rollcall of one's own, and a page in one of the three worlds.
//
//   import { expect, test } from "../server.ts";
//   test("…", async ({ page, server }) => { await page.goto("/login"); … });
//
// `server` is shared by the tests of one worker and is what relative paths refer to: leave it as you
// found it. To move a rotation take `freshServer`, a new one for this test alone:
// `page.goto(freshServer.at("/login"))`.
import { test as base } from "@playwright/test";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export { expect } from "@playwright/test";

export type World = "js-on" | "js-off" | "wasm-blocked";
export type Options = { world: World };

const BINARY = process.env.ROLLCALL_BIN ?? join(import.meta.dirname, "../target/debug/rollcall");

/** Whether the executable has the demo yet. */
export function hasDemo(): boolean {
  return execFileSync(BINARY, ["demo", "--help"], { encoding: "utf8" }) !== "";
}

/** A running `rollcall demo` in a temporary folder of its own. */
export class Server {
  private constructor(
    readonly url: string,
    readonly folder: string,
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

  static async start(): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "rollcall-e2e-"));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(BINARY, ["demo", "--address", address], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        ROLLCALL_DATABASE_URL: `sqlite://${join(folder, "rollcall.db")}`,
        ROLLCALL_MAIL_URL: `file://${join(folder, "mail")}`,
        NO_COLOR: "1",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said: string[] = [];
    child.stdout.on("data", (text) => said.push(String(text)));
    child.stderr.on("data", (text) => said.push(String(text)));
    const server = new Server(`http://${address}`, folder, child, said);
    await server.answers();
    return server;
  }

  /** Runs a `rollcall` command on the same database and gives what it printed. */
  run(...args: string[]): string {
    return execFileSync(BINARY, args, {
      cwd: this.folder,
      encoding: "utf8",
      env: {
        PATH: process.env.PATH,
        HOME: this.folder,
        ROLLCALL_DATABASE_URL: `sqlite://${join(this.folder, "rollcall.db")}`,
        NO_COLOR: "1",
      },
    });
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

  private async answers(): Promise<void> {
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      if (this.process.exitCode !== null) break;
      const up = await fetch(`${this.url}/livez`).then((answer) => answer.ok, () => false);
      if (up) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { output } = this;
    await this.stop();
    throw new Error(`rollcall demo did not start:\n${output}`);
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

type TestFixtures = { freshServer: Server };
type WorkerFixtures = { server: Server };

export const test = base.extend<TestFixtures & Options, WorkerFixtures>({
  world: ["js-on", { option: true }],

  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],

  freshServer: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { timeout: 90_000 },
  ],

  baseURL: async ({ server }, use) => use(server.url),

  page: async ({ page, world }, use) => {
    if (world === "wasm-blocked") await page.route("**/*.wasm", (route) => route.abort());
    await use(page);
  },
});
