import type { Page, Route } from "@playwright/test";
import { expect, test } from "../support/fixtures";
import { RuntimePage, VersionPage, expectLive, open } from "../support/pages";
import { smallKrt } from "../support/krt";
import { RUNTIME } from "../support/samples";

const VERSION = "/runtimes/demo/versions/v1";

test.beforeEach(async ({ server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1" }));
});

/** As when the person goes to another tab, or comes back. */
function setHidden(page: Page, hidden: boolean): Promise<void> {
  return page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

test.describe("more tabs than a browser has connections to a server", () => {
  for (const [what, path] of [
    ["pages", "/runtimes/demo"],
    ["open logs", `${VERSION}?logs=all`],
  ] as const) {
    test(`${what} in eight tabs all work, and catch up when they are seen`, async ({ context, server }) => {
      const tabs: Page[] = [];
      for (let tab = 0; tab < 8; tab += 1) {
        const page = await context.newPage();
        await open(page, path);
        tabs.push(page);
        await setHidden(page, true);
      }
      await server.command(RUNTIME.id, "v1", "start");
      await server.waitForState(RUNTIME.id, "v1", "started");
      const first = tabs[0]!;
      await setHidden(first, false);
      if (path === "/runtimes/demo") await new RuntimePage(first).expectState("v1", "started");
      else await new VersionPage(first, "v1").expectState("started");
      await expectLive(first);
    });
  }

  test("a tab that is opened behind the others follows once it is seen, and again after it was left", async ({ page, server }) => {
    await page.addInitScript(() => Object.defineProperty(document, "hidden", { configurable: true, value: true }));
    await page.goto("/runtimes/demo");
    await server.command(RUNTIME.id, "v1", "start");
    await server.waitForState(RUNTIME.id, "v1", "started");
    const runtime = new RuntimePage(page);
    await runtime.expectState("v1", "stopped");
    await setHidden(page, false);
    await runtime.expectState("v1", "started");
    await setHidden(page, true);
    await server.command(RUNTIME.id, "v1", "stop");
    await server.waitForState(RUNTIME.id, "v1", "stopped");
    await setHidden(page, false);
    await runtime.expectState("v1", "stopped");
  });

  test("logs of a tab that was left go on after the newest line that it has", async ({ page, server }) => {
    await server.command(RUNTIME.id, "v1", "start");
    await server.waitForState(RUNTIME.id, "v1", "started");
    await open(page, `${VERSION}?logs=all`);
    const lines = page.getByRole("log").getByText("started in the sandbox");
    await expect(lines).toHaveCount(2);
    await setHidden(page, true);
    await server.command(RUNTIME.id, "v1", "stop");
    await server.waitForState(RUNTIME.id, "v1", "stopped");
    await server.command(RUNTIME.id, "v1", "start");
    await server.waitForState(RUNTIME.id, "v1", "started");
    await setHidden(page, false);
    await expect(lines).toHaveCount(4);
  });
});

test.describe("a page that an extension has changed before it is hydrated", () => {
  // The hydration's own complaint, and the panic that ends it.
  test.use({ expectedErrors: /hydrat|panicked|unreachable|client-side rendering|preload/i });

  for (const [what, change] of [
    ["an element first in the body", (html: string) => html.replace(/<body>/, "<body><div id=\"extension\">hello</div>")],
    ["an icon beside an input", (html: string) => html.replace(/(<input [^>]*type="search"[^>]*>)/, "$1<svg></svg><i></i>")],
    ["a text instead of an element", (html: string) => html.replace(/<h1[\s\S]*?<\/h1>/, "<font>Démo</font>")],
    ["an attribute on everything", (html: string) => html.replace(/<(button|input|a) /g, "<$1 data-extension=\"1\" ")],
    ["a wrapper around the page", (html: string) => html.replace(/(<main [\s\S]*<\/main>)/, "<div>$1</div>")],
    ["a header that is gone", (html: string) => html.replace(/<nav [\s\S]*?<\/nav>/, "")],
  ] as const) {
    test(`works in spite of ${what}`, async ({ page }) => {
      await page.route("**/runtimes/demo", async (route) => {
        if (route.request().resourceType() !== "document") return route.continue();
        const response = await route.fetch();
        const html = await response.text();
        expect(change(html)).not.toBe(html);
        await route.fulfill({ response, body: change(html) });
      });
      await page.goto("/runtimes/demo");
      await expectLive(page);
      const runtime = new RuntimePage(page);
      await runtime.row("v1").getByRole("button", { name: "Start v1" }).click();
      await runtime.expectState("v1", "started");
    });
  }
});

for (const [what, wrong] of [
  ["ten minutes behind", -10 * 60_000],
  ["a day ahead", 24 * 3_600_000],
  ["an hour ahead, as with a wrong zone", 3_600_000],
  ["half a minute ahead", 30_000],
  ["years behind, as after its battery was empty", -15 * 365 * 24 * 3_600_000],
] as const) {
  test(`times are the server's where the browser's clock is ${what}`, async ({ page }) => {
    await page.clock.install({ time: new Date(Date.now() + wrong) });
    await open(page, "/runtimes/demo");
    const time = new RuntimePage(page).row("v1").locator("time").first();
    await page.clock.fastForward(20_000);
    await expect(time).toHaveText(/^(just now|under a minute ago|1 min ago)$/);
    await page.clock.fastForward(3_600_000);
    await expect(time).toHaveText("1 h ago");
  });
}

test.describe("a request that fails while the events go on", () => {
  test.use({ expectedErrors: /status of (502|503)|ERR_FAILED/ });

  for (const [how, fail] of [
    ["a proxy's page", (route: Route) => route.fulfill({ status: 502, contentType: "text/html", body: "<html>" })],
    ["nothing", (route: Route) => route.abort()],
    ["an empty answer", (route: Route) => route.fulfill({ status: 503, body: "" })],
  ] as const) {
    test(`is told, and tried again until it works: ${how} instead of a version`, async ({ page, server }) => {
      await open(page, VERSION);
      await expect(page.getByText("1 node", { exact: true }).first()).toBeVisible();
      let failing = true;
      await page.route("**/api/fn/version*", (route) => (failing ? fail(route) : route.continue()));
      await server.command(RUNTIME.id, "v1", "start");
      await new VersionPage(page, "v1").expectState("started");
      await expect(page.getByText("This page may be out of date.")).toBeVisible();
      failing = false;
      await expect(page.getByText("1 of 1 node ready").first()).toBeVisible();
      await expect(page.getByText("This page may be out of date.")).toBeHidden();
    });
  }

  test("is told, and tried again until it works: on the list of what was done", async ({ page, server }) => {
    await open(page, "/activity");
    let failing = true;
    await page.route("**/api/fn/activity*", (route) => (failing ? route.fulfill({ status: 502, body: "" }) : route.continue()));
    await server.command(RUNTIME.id, "v1", "archive");
    await expect(page.getByText("This page may be out of date.")).toBeVisible();
    failing = false;
    await expect(page.getByRole("row").nth(1)).toContainText("archive");
    await expect(page.getByText("This page may be out of date.")).toBeHidden();
  });
});

test.describe("text without a space, on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test("is broken within the page", async ({ page, server }) => {
    const long = "Donaudampfschifffahrtsgesellschaft".repeat(6).slice(0, 180);
    await server.createRuntime("long", "W".repeat(80), long);
    await server.addVersion("long", smallKrt({ name: "v1", description: long }));
    await server.command("long", "v1", "archive", long);
    const version = "/runtimes/long/versions/v1";
    for (const path of ["/", "/runtimes/new", "/runtimes/long?archived=", version, `${version}/history`, `${version}/manifest`, "/activity"]) {
      await open(page, path);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(360);
    }
  });
});

test("what runs from right to left does not turn what stands beside it", async ({ page, server }) => {
  await server.createRuntime("other", "שלום", "\u202eevil");
  await open(page, "/");
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "שלום" }) });
  const isolated = (text: string) =>
    card.getByText(text).evaluate((element) => getComputedStyle(element.closest("[dir]") ?? element).unicodeBidi);
  for (const text of ["שלום", "\u202eevil"]) expect(await isolated(text)).toBe("isolate");
});

test("states and names are not translated", async ({ page }) => {
  await open(page, "/runtimes/demo");
  const row = new RuntimePage(page).row("v1");
  for (const part of [row.locator(".badge").first(), row.getByRole("rowheader"), page.getByRole("heading", { level: 1 })]) {
    await expect(part).toHaveAttribute("translate", "no");
  }
});
