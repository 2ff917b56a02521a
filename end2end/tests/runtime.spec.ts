import type { Locator, Page } from "@playwright/test";
import { gunzipSync, gzipSync } from "node:zlib";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { RuntimePage, VersionPage, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";
import type { Server } from "../support/server";

const path = `/runtimes/${RUNTIME.id}`;

async function started(server: Server, ...names: (keyof typeof CONFIG)[]): Promise<void> {
  for (const name of names) {
    await server.configure(RUNTIME.id, name, CONFIG[name]);
    await server.command(RUNTIME.id, name, "start");
    await server.waitForState(RUNTIME.id, name, "started");
  }
}

const news = (page: Page) => page.getByRole("list", { name: "Notifications" });
const publication = (page: Page) => page.getByRole("region", { name: "Published" });

test.beforeEach(async ({ server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
});

test("versions are acted on in their rows, and the page tells what becomes of it", async ({ page, server }) => {
  await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
  await open(page, path);
  const runtime = new RuntimePage(page);
  const button = (name: string) => page.getByRole("button", { name, exact: true });

  // Twice, as an impatient person does: one start.
  await button("Start reviews-v1").dblclick();
  await runtime.expectState("reviews-v1", "started");
  await expect(news(page)).toContainText("reviews-v1 is now started.");
  await expect(button("Start reviews-v1")).toHaveCount(0);

  await button("Publish reviews-v1").click();
  const dialog = page.getByRole("dialog", { name: "Publish reviews-v1" });
  await expect(dialog).toContainText("No version is published now");
  await dialog.getByRole("button", { name: "Publish", exact: true }).dblclick();
  await expect(publication(page).getByRole("link", { name: "reviews-v1" })).toBeVisible();
  await expect(publication(page)).toContainText("live for under a minute");
  await expect(news(page)).toContainText("reviews-v1 is now published.");

  const version = new VersionPage(page, "reviews-v1");
  await runtime.row("reviews-v1").getByRole("link", { name: "reviews-v1", exact: true }).click();
  await version.goTo("History");
  await expect(page.getByRole("rowheader")).toHaveText(["publish", "start", "configure", "create"]);
});

test("a version that lacks values says how many in its row, which leads to them and offers no start", async ({ page, another, server }) => {
  await open(page, path);
  const row = new RuntimePage(page).row("reviews-v2");
  await expect(row).toContainText("needs 2 values");
  await expect(row.getByRole("button", { name: "Start reviews-v2" })).toHaveCount(0);
  const other = await another();
  await open(other, path);
  await row.getByRole("link", { name: "Set 2 values of reviews-v2" }).click();
  await expect(page.getByRole("heading", { name: "Configuration" })).toBeVisible();
  await expect(page.getByText("Missing: ALERT_BELOW, topics.json")).toBeVisible();

  await server.configure(RUNTIME.id, "reviews-v2", CONFIG["reviews-v2"]);
  await expect(other.getByRole("button", { name: "Start reviews-v2" })).toBeVisible();
  await expect(new RuntimePage(other).row("reviews-v2")).not.toContainText("needs");
});

test("a state keeps its ground in the row that is pointed at", async ({ page }) => {
  await open(page, path);
  const row = new RuntimePage(page).row("reviews-v1");
  await row.hover();
  const ground = (of: Locator) => of.evaluate((element) => getComputedStyle(element).backgroundColor);
  expect(await ground(row.locator(".badge").first())).not.toBe(await ground(row));
});

test("the way back to what was published before is one click, started or not", async ({ page, server }) => {
  await started(server, "reviews-v1", "reviews-v2");
  for (const name of ["reviews-v1", "reviews-v2"] as const) {
    await server.command(RUNTIME.id, name, "publish");
    await server.waitForState(RUNTIME.id, name, "published");
  }
  await open(page, path);
  await publication(page).getByRole("button", { name: "Roll back to reviews-v1" }).click();
  const dialog = page.getByRole("dialog", { name: "Publish reviews-v1" });
  await expect(dialog).toContainText("Replaces reviews-v2");
  await dialog.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(publication(page).getByRole("link", { name: "reviews-v1" })).toBeVisible();

  await server.command(RUNTIME.id, "reviews-v2", "stop");
  await publication(page).getByRole("button", { name: "Start and publish reviews-v2" }).click();
  await expect(publication(page)).toContainText("Starting reviews-v2. When it has started, a dialog asks you to publish it.");
  const second = page.getByRole("dialog", { name: "Publish reviews-v2" });
  await second.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(publication(page).getByRole("link", { name: "reviews-v2" })).toBeVisible();
});

test("the published version's address is there to copy", async ({ page, server, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await started(server, "reviews-v1");
  await server.command(RUNTIME.id, "reviews-v1", "publish");
  await open(page, path);
  const address = await publication(page).locator("code").textContent();
  await publication(page).getByRole("button", { name: /^Copy / }).click();
  await expect(publication(page).getByRole("status")).toHaveText("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(address);
});

test("what is listed can be narrowed by state and words, and a link shows the same", async ({ page, another, server }) => {
  await started(server, "reviews-v1");
  await open(page, path);
  const runtime = new RuntimePage(page);
  await page.getByRole("list", { name: "By state" }).getByRole("link", { name: /^started/ }).click();
  await expect(page).toHaveURL(`${path}?state=started`);
  await expect(runtime.row("reviews-v2")).toHaveCount(0);
  await expect(runtime.row("reviews-v1")).toBeVisible();
  await page.getByRole("list", { name: "By state" }).getByRole("link", { name: /^all/ }).click();
  await expect(runtime.row("reviews-v2")).toBeVisible();

  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Search the versions" })).toBeFocused();
  await page.keyboard.type("sentiment sorts");
  await expect(runtime.row("reviews-v1")).toHaveCount(0);
  await expect(runtime.row("reviews-v2")).toBeVisible();
  await expect(page).toHaveURL(/q=sentiment%20sorts/);

  const link = await another({ javaScriptEnabled: false });
  await link.goto(page.url());
  await expect(new RuntimePage(link).row("reviews-v2")).toBeVisible();
  await expect(new RuntimePage(link).row("reviews-v1")).toHaveCount(0);

  await page.getByRole("searchbox", { name: "Search the versions" }).fill("nothing of the kind");
  await expect(page.getByText("No matching versions.")).toBeVisible();
  await expectAccessible(page);
});

/** The sample as another version, with as many nines as it takes to have its name of the same length. */
function renamed(name: string): Buffer {
  const archive = gunzipSync(sampleBytes("reviews-v1"));
  const at = archive.indexOf("reviews-v1");
  archive.write(name, at, "latin1");
  return gzipSync(archive);
}

test("of many versions the newest are shown, and the rest part by part", async ({ page, server }) => {
  for (let number = 0; number < 60; number += 1) {
    await server.addVersion(RUNTIME.id, renamed(`reviews-${String.fromCharCode(97 + Math.floor(number / 10))}${number % 10}`));
  }
  await open(page, path);
  const rows = page.getByRole("rowheader");
  await expect(rows).toHaveCount(25);
  await expect(page.getByText("Showing 25 of 62")).toBeVisible();
  await page.getByRole("button", { name: "Show 25 more" }).click();
  await expect(rows).toHaveCount(50);
  await page.getByRole("button", { name: "Show 12 more" }).click();
  await expect(rows).toHaveCount(62);
  await expect(page.getByText(/Showing \d+ of \d+/)).toHaveCount(0);
});
