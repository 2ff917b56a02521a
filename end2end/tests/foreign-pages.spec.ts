import { createServer } from "node:http";
import type { Page } from "@playwright/test";
import { findBrowser } from "../support/browser";
import { expect, test } from "../support/fixtures";
import { smallKrt } from "../support/krt";
import type { Server } from "../support/server";

// Nobody logs in, so what keeps a page of another site from acting in a person's browser is asked of the browser itself.
const FOREIGN = "evil.test";

test.use({
  launchOptions: {
    executablePath: findBrowser(),
    args: [
      "--no-sandbox",
      // A name that its owner makes point at this machine (DNS rebinding).
      `--host-resolver-rules=MAP ${FOREIGN} 127.0.0.1`,
      // What new Chromium does against it, other browsers do not.
      "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    ],
  },
  // The browser says of each try that it was refused.
  expectedErrors: /CORS policy|Failed to load resource|blocked|refused|violates|Cross-Origin/i,
});

const VERSION = "/api/v1/runtimes/demo/versions/v1";

/** Each listener with something that it knows and something that it would do. */
function listeners(server: Server) {
  const create = (id: string) => JSON.stringify({ id, name: id });
  return [
    { at: server.url, read: "/api/v1/runtimes", change: "/api/v1/runtimes", body: create("stolen") },
    { at: server.url, read: VERSION, change: `${VERSION}/stop`, body: "{}" },
    { at: server.sandboxUrl, read: "/api/v1/secrets", change: "/api/v1/namespaces", body: '{"metadata":{"name":"stolen"}}' },
    { at: server.internalUrl, read: "/krt/demo/v1", change: "/krt/demo/v1", body: "{}" },
  ];
}

/** What a page gets of a request: nothing when the browser or the server keeps it from it. */
async function ask(page: Page, url: string, init: RequestInit = {}): Promise<{ status: number; text: string } | undefined> {
  return page.evaluate(
    async ([url, init]) => {
      try {
        const answer = await fetch(url, init);
        return { status: answer.status, text: await answer.text() };
      } catch {
        return undefined;
      }
    },
    [url, init] as const,
  );
}

async function started(server: Server): Promise<void> {
  await server.createRuntime("demo", "Demo");
  await server.addVersion("demo", smallKrt({ name: "v1" }));
  await server.command("demo", "v1", "start");
  await server.waitForState("demo", "v1", "started");
}

async function expectUnchanged(server: Server): Promise<void> {
  const runtimes = (await (await fetch(`${server.url}/api/v1/runtimes`)).json()) as { id: string }[];
  expect(runtimes.map(({ id }) => id)).toEqual(["demo"]);
  await server.waitForState("demo", "v1", "started");
  expect((await fetch(`${server.sandboxUrl}/api/v1/namespaces/stolen`)).status).toBe(404);
}

test("a page of another site reads and changes nothing through any listener", async ({ context, server }) => {
  await started(server);
  const site = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html><title>Evil</title>"));
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const address = site.address();
  if (address === null || typeof address === "string") throw new Error("a listener without a port");
  // Of another name, and of the same host at another port.
  for (const origin of [`http://${FOREIGN}:${address.port}`, `http://127.0.0.1:${address.port}`]) {
    for (const { at, read, change, body } of listeners(server)) {
      const page = await context.newPage();
      await page.goto(origin);
      expect(await ask(page, at + read), `${origin} reads ${at}${read}`).toBeUndefined();
      for (const type of ["application/json", "text/plain"]) {
        expect(await ask(page, at + change, { method: "POST", body, headers: { "content-type": type } })).toBeUndefined();
      }
      // What is sent without asking first: the answer stays hidden, but it arrives.
      await ask(page, at + change, { method: "POST", body, mode: "no-cors" });
      const answered = page.waitForResponse((answer) => answer.request().method() === "POST" && answer.url() === at + change);
      await page.evaluate(
        ([action, body]) => {
          const form = document.createElement("form");
          Object.assign(form, { method: "post", enctype: "text/plain", action });
          const field = document.createElement("input");
          // Sent as NAME=VALUE, which makes JSON of it.
          Object.assign(field, { name: `${body.slice(0, -1)}${body.length > 2 ? "," : ""}"x":"`, value: '"}' });
          form.append(field);
          document.body.append(form);
          form.submit();
        },
        [at + change, body] as const,
      );
      expect((await answered).status()).toBe(at === server.internalUrl ? 401 : 403);
      await page.close();
    }
  }
  site.close();
  await expectUnchanged(server);
});

test("a name that is made to point at this machine opens no listener", async ({ page, server }) => {
  await started(server);
  for (const { at, read, change, body } of listeners(server)) {
    const rebound = at.replace("127.0.0.1", FOREIGN);
    // The page came from elsewhere, before the name was made to point here.
    await page.route(`${rebound}/page`, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
    await page.goto(`${rebound}/page`);
    const refused = at === server.internalUrl ? 401 : 403;
    const answer = await ask(page, rebound + read);
    expect(answer?.status, `${rebound}${read}`).toBe(refused);
    expect(answer?.text).not.toContain("demo");
    const json = { "content-type": "application/json" };
    expect((await ask(page, rebound + change, { method: "POST", body, headers: json }))?.status).toBe(refused);
  }
  await expectUnchanged(server);
});

test("a picture out of a file stays locked away when it is shown a second time", async ({ page, server }) => {
  await server.createRuntime("demo", "Demo");
  const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><foreignObject width="300" height="100">
    <form xmlns="http://www.w3.org/1999/xhtml" method="post" action="${VERSION}/stop"><button>Look closer</button></form>
    </foreignObject></svg>`;
  await server.addVersion("demo", smallKrt({ name: "v1", files: { "docs/README.md": "![a](a.svg)", "docs/a.svg": picture } }));
  await server.command("demo", "v1", "start");
  await server.waitForState("demo", "v1", "started");
  const url = `${VERSION}/docs/a.svg`;
  // The second time the server says that nothing has changed (304), and the browser shows what it has kept.
  for (let view = 1; view <= 3; view += 1) {
    await page.goto(url);
    const blocked = page.waitForEvent("console", (message) => message.text().includes("Blocked form submission"));
    await page.locator("button").click();
    await blocked;
  }
  await server.waitForState("demo", "v1", "started");
});

test("markup in a runtime's name is text in what the server sends, in the title too", async ({ another, server }) => {
  const name = `</title><img src="/x" onerror="document.body.remove()"> & Co`;
  await server.createRuntime("demo", name);
  const page = await another({ javaScriptEnabled: false });
  for (const path of ["/", "/runtimes/demo"]) {
    await page.goto(path);
    await expect(page.getByText(name).first()).toBeVisible();
    await expect(page.locator("img[src='/x']")).toHaveCount(0);
  }
  await expect(page).toHaveTitle(`${name} · KAI Server`);
});
