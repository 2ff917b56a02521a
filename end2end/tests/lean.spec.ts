import { expect, test } from "../support/fixtures";
import { VersionPage, open } from "../support/pages";
import { RUNTIME, sampleBytes } from "../support/samples";

const VERSION = "/runtimes/demo/versions/reviews-v1";
const PATHS = [
  "/",
  "/activity",
  "/people",
  "/audit",
  "/runtimes/demo/access",
  "/runtimes/new",
  "/runtimes/demo",
  ...["", "/metrics", "/documentation", "/configuration", "/history", "/manifest", "/compare"].map((screen) => VERSION + screen),
];

test.beforeEach(async ({ server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
});

test("nothing moves when a page is hydrated, and nobody else is asked for anything", async ({ page, server }) => {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.addInitScript(() => {
    const seen: string[] = [];
    Object.assign(window, { shifts: seen });
    type Shift = PerformanceEntry & { value: number; sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[] };
    const at = ({ x, y, width, height }: DOMRect) => [x, y, width, height].join(" ");
    new PerformanceObserver((list) => {
      for (const { value, sources } of list.getEntries() as Shift[]) {
        const moved = sources.map(({ node, previousRect, currentRect }) => {
          const element = node instanceof Element ? node : node?.parentElement;
          const opening = element?.outerHTML.match(/^<[^>]*>/)?.[0];
          return `${opening} ${node?.textContent?.slice(0, 40)}: ${at(previousRect)} -> ${at(currentRect)}`;
        });
        seen.push([value, ...moved].join("\n"));
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  for (const path of PATHS) {
    await open(page, path);
    // What has moved is known a frame later.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    expect(await page.evaluate(() => (window as unknown as { shifts: string[] }).shifts), path).toEqual([]);
  }
  const elsewhere = asked.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith("data:"));
  expect(elsewhere).toEqual([]);
});

test("a part of the pages is loaded once, and not before it is needed", async ({ page }) => {
  const loaded: string[] = [];
  page.on("request", (request) => {
    const name = new URL(request.url()).pathname.match(/\/(?:split|chunk)_[^/]*$/)?.[0];
    if (name !== undefined) loaded.push(name);
  });
  await open(page, "/");
  // The first script imports it, so that it need not be learnt of from there.
  await expect(page.locator('link[rel="modulepreload"][href*="__wasm_split"]')).toHaveCount(1);
  expect(loaded.some((name) => name.includes("split_first_pages"))).toBe(true);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Command palette" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "Demo" }).getByRole("link").click();
  await expect(page.getByRole("heading", { name: "Demo" })).toBeVisible();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Command palette" })).toBeVisible();
  expect(loaded.some((name) => name.includes("split_overlays"))).toBe(true);
  expect(loaded.some((name) => name.includes("split_version_pages"))).toBe(false);
  expect(new Set(loaded).size).toBe(loaded.length);
});

test.describe("a part that the server no longer has", () => {
  // Chromium reports each file that is not there, and the script that asked for it what it means.
  test.use({ expectedErrors: /status of 404|TypeError|was preloaded using link preload/ });

  test("has the browser visit the page anew when it is gone to", async ({ page }) => {
    await open(page, "/runtimes/demo");
    await page.route(/\/split_version[^/]*$/, (route) => route.fulfill({ status: 404 }), { times: 2 });
    await page.getByRole("link", { name: "reviews-v1", exact: true }).first().click();
    await expect(page.getByRole("heading", { name: "Status" })).toBeVisible();
    await expect(page).toHaveURL(VERSION);
    await new VersionPage(page, "reviews-v1").goTo("History");
    await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
  });

  test("is told of on a page that begins with it, which shows its content all the same", async ({ page }) => {
    await page.route(/\/split_runtime_pages[^/]*$/, (route) => route.fulfill({ status: 404 }));
    await page.goto("/runtimes/demo");
    await expect(page.getByRole("alert")).toContainText("A part of this page could not be loaded");
    await expect(page.getByRole("link", { name: "reviews-v1", exact: true })).toBeVisible();
  });
});
