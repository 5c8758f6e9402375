// deploy/nginx.conf, as the README gives it, in a real nginx between a client and an API.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server as Api } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCustomer } from "../helpers.ts";
import { expect, freePort, type Server, test as base } from "../server.ts";

const NGINX = process.env.NGINX ?? "/usr/sbin/nginx";
const CONF = join(import.meta.dirname, "../../deploy/nginx.conf");

/** An API that says what reached it. */
async function startApi(): Promise<{ api: Api; port: number }> {
  const api = createServer((request, response) => {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ path: request.url, method: request.method, headers: request.headers }));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => api.listen(port, "127.0.0.1", resolve));
  return { api, port };
}

/** nginx with the example's server and the least around it; only the addresses are changed. */
async function startNginx(folder: string, rollcall: string, apiPort: number): Promise<{ nginx: ChildProcess; url: string }> {
  const port = await freePort();
  const example = (await readFile(CONF, "utf8"))
    .replace("127.0.0.1:3000", rollcall)
    .replace("127.0.0.1:8080", `127.0.0.1:${apiPort}`)
    .replace("127.0.0.1:8000", `127.0.0.1:${port}`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`);
  const user = process.getuid?.() === 0 ? "user root;" : "";
  await writeFile(join(folder, "example.conf"), example);
  await writeFile(
    join(folder, "nginx.conf"),
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1; ${user}
events {}
http { access_log off; ${temporary.join(" ")} include ${folder}/example.conf; }`,
  );
  const nginx = spawn(NGINX, ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")], {
    stdio: "inherit",
  });
  const url = `http://127.0.0.1:${port}`;
  await expect.poll(() => fetch(url).then(() => true, () => false)).toBe(true);
  return { nginx, url };
}

type Seen = { path: string; method: string; headers: IncomingHttpHeaders };

const test = base.extend<{ gateway: string }>({
  gateway: async ({ freshServer: server }, use) => {
    const folder = await mkdtemp(join(tmpdir(), "rollcall-nginx-"));
    const { api, port } = await startApi();
    const { nginx, url } = await startNginx(folder, new URL(server.url).host, port);
    await use(url);
    const ended = new Promise((resolve) => nginx.once("exit", resolve));
    nginx.kill("SIGTERM");
    await ended;
    api.close();
    await rm(folder, { recursive: true, force: true });
  },
});

function rotate(server: Server) {
  const seen = createCustomer(server, "Alder Books");
  const missed = createCustomer(server, "Birch Bikes");
  server.json("rotation", "start", "--name", "2026-11");
  return { seen, missed };
}

const ask = (url: string, token: string, init: RequestInit = {}) =>
  fetch(url, { ...init, headers: { Authorization: `Bearer ${token}`, ...init.headers } });

test("behind nginx a good token reaches the API with who it is, and a dormant one gets the explanation", async ({
  freshServer: server,
  gateway,
}) => {
  const { seen, missed } = rotate(server);

  const first = await ask(`${gateway}/orders?page=2`, seen.token, {
    method: "POST",
    body: "x".repeat(10_000),
    headers: { "Rollcall-Account": "acc_forged" },
  });
  expect(first.status).toBe(200);
  expect(first.headers.get("rollcall-capture")).toBe("recorded");
  const reached = (await first.json()) as Seen;
  expect(reached).toMatchObject({ path: "/orders?page=2", method: "POST" });
  expect(reached.headers["rollcall-integration"]).toBe(seen.integrationId);
  expect(reached.headers["rollcall-account"]).toMatch(/^acc_(?!forged)/);
  expect(reached.headers["rollcall-token"]).toMatch(/^tok_/);
  expect(reached.headers["rollcall-standing"]).toBe("captured");

  server.json("rotation", "finalise", "--confirm", "2026-11");
  expect((await ask(`${gateway}/orders`, seen.token)).status).toBe(200);

  const refused = await ask(`${gateway}/orders`, missed.token, { method: "POST", body: "{}" });
  expect(refused.status).toBe(401);
  expect(refused.headers.get("content-type")).toBe("application/problem+json");
  expect(refused.headers.get("www-authenticate")).toContain('error="invalid_token"');
  expect(refused.headers.get("cache-control")).toBe("no-store");
  const problem = (await refused.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({ status: 401, code: "token_not_captured", rotation: "2026-11" });
  expect(problem.help_url).toMatch(new RegExp(`^${server.url}/fix\\?ref=\\w+`));
});

test("behind nginx no token is 401, and without Rollcall the answer is 503: nothing passes unchecked", async ({
  freshServer: server,
  gateway,
}) => {
  const missing = await fetch(`${gateway}/orders`);
  expect(missing.status).toBe(401);
  expect(await missing.json()).toMatchObject({ code: "token_missing" });

  const { token } = createCustomer(server, "Alder Books");
  await server.stop();
  const away = await ask(`${gateway}/orders`, token);
  expect(away.status).toBe(503);
  expect(away.headers.get("retry-after")).toBe("1");
  expect(await away.json()).toMatchObject({ code: "unavailable" });
});
