import type { Locator } from "@playwright/test";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { RuntimePage, VersionPage, holdBack, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";

test.beforeEach(async ({ server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
});

test("the command palette goes to any runtime or version and acts on it, by keyboard alone", async ({ page, server }) => {
  await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
  await open(page, "/");
  const palette = page.getByRole("dialog", { name: "Command palette" });
  const box = palette.getByRole("combobox");
  const option = (name: RegExp) => palette.getByRole("option", { name });

  await page.keyboard.press("Control+k");
  await expect(box).toBeFocused();
  await expect(option(/^Demo/)).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.type("v2");
  await expect(palette.getByRole("option").first()).toHaveText(/^reviews-v2/);
  await expect(option(/^Demo/)).toHaveCount(0);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/versions\/reviews-v2$/);
  await expect(palette).toBeHidden();

  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("start v1");
  await expect(palette.getByRole("option")).toHaveText([/^Start reviews-v1/]);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("list", { name: "Notifications" })).toContainText("reviews-v1 is now started.");

  await page.keyboard.press("Control+k");
  await page.keyboard.type("p");
  await expect(option(/^Stop reviews-v1/)).toBeVisible();
  // However late the server answers, Enter does only what has all the letters.
  const answer = await holdBack(page, /\/api\/fn\/find/);
  await page.keyboard.type("ublish");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Publish reviews-v1" })).toBeVisible();
  answer();
  await page.unrouteAll({ behavior: "wait" });
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);

  await page.keyboard.press("Control+k");
  await page.keyboard.type("nothing of the kind");
  await expect(palette.getByRole("status")).toHaveText("No matches.");
  await page.keyboard.press("Control+k");
  await expect(palette).toBeHidden();
});

test("the help leads to the API's reference, a page that runs nothing and fits", async ({ page }) => {
  await open(page, "/");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).getByRole("link", { name: "API" }).click();
  await expect(page).toHaveURL(/\/docs\/api$/);
  await expect(page.getByRole("heading", { level: 1, name: "API" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Versions", exact: true }).click();
  await expect(page.getByRole("heading", { name: "POST /api/v1/runtimes/{id}/versions", exact: true })).toBeAttached();
  await page.setViewportSize({ width: 390, height: 800 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  expect(await page.evaluate(() => document.scripts.length)).toBe(0);
});

test("the keyboard's keys are listed, and single ones can be turned off for good", async ({ page }) => {
  await open(page, "/");
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await expect(help.getByRole("button", { name: "Close" })).toBeFocused();
  // All of them, whatever the page, and in capitals: a small l looks like a 1.
  const lines = ["?Show keyboard shortcuts", "/Search the versions", "LOpen the logs", "/Search in the logs", "EnterOpen the node"];
  for (const line of ["Ctrl or ⌘ + KOpen the command palette", ...lines]) await expect(help).toContainText(line);
  await expectAccessible(page);
  await help.getByLabel(/single-key/).uncheck();
  await help.getByRole("button", { name: "Close" }).click();
  await page.keyboard.press("?");
  await expect(help).toBeHidden();

  await open(page, "/runtimes/demo");
  await page.keyboard.press("?");
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).not.toBeFocused();
  await expect(help).toBeHidden();
  await page.getByRole("button", { name: "Keyboard" }).click();
  await expect(help.getByLabel(/single-key/)).not.toBeChecked();
  await help.getByLabel(/single-key/).check();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
});

test("going to a page moves the focus to its title, and the window says where one is", async ({ page }) => {
  await open(page, "/");
  await expect(page).toHaveTitle("Runtimes · KAI Server");
  await page.getByRole("heading", { name: "Demo" }).getByRole("link").click();
  await expect(page.getByRole("heading", { name: "Demo" })).toBeFocused();
  await expect(page).toHaveTitle("Demo · KAI Server");
  await new RuntimePage(page).row("reviews-v1").getByRole("link", { name: "reviews-v1", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await new VersionPage(page, "reviews-v1").goTo("History");
  await expect(page.getByRole("heading", { name: "History" })).toBeFocused();
  await expect(page).toHaveTitle(/^History · reviews-v1 · demo/);
});

test("what takes long to load is marked as on its way, a dialog as well as a page", async ({ page }) => {
  await open(page, "/runtimes/demo");
  const mark = page.getByRole("progressbar", { name: "Loading" });
  const late = async (part: string, ask: () => Promise<void>, shown: Locator) => {
    const arrive = await holdBack(page, new RegExp(`/split_${part}[^/]*\\.wasm$`));
    await expect(mark).toBeHidden();
    await ask();
    await expect(mark).toBeVisible();
    await expect(mark).toBeInViewport();
    await expectAccessible(page);
    await expect(shown).toBeHidden();
    arrive();
    await expect(shown).toBeVisible();
    await expect(mark).toBeHidden();
  };
  await late("overlays", () => page.keyboard.press("Control+k"), page.getByRole("combobox"));
  await page.keyboard.press("Escape");
  const version = new RuntimePage(page).row("reviews-v1").getByRole("link", { name: "reviews-v1", exact: true });
  await late("version_pages", () => version.click(), page.getByRole("heading", { name: "Status" }));
});

test("times are relative and go on; the exact one is a hover away", async ({ page }) => {
  await page.clock.install();
  await page.goto("/runtimes/demo");
  const time = new RuntimePage(page).row("reviews-v1").locator("time").first();
  await expect(time).toHaveText("just now");
  await expect(time).toHaveAttribute("title", /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await expect(page.getByRole("banner").getByText("Live", { exact: true })).toBeVisible();
  await page.clock.fastForward("03:00");
  await expect(time).toHaveText("3 min ago");
});

test.describe("a server that goes away and comes back", () => {
  // The browser reports the broken connection and each attempt to connect again.
  test.use({ expectedErrors: /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)/ });

  test("is told of in every browser, and each goes on by itself", async ({ page, another, server }) => {
    const second = await another();
    await open(page, "/runtimes/demo");
    await open(second, "/activity");
    await server.kill();
    for (const each of [page, second]) await expect(each.getByText("Connection lost – data may be out of date.")).toBeVisible();
    await expectAccessible(page);
    await server.start();
    for (const each of [page, second]) await expect(each.getByText("Connection lost")).toBeHidden();
    await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
    await server.command(RUNTIME.id, "reviews-v1", "start");
    await new RuntimePage(page).expectState("reviews-v1", "started");
    await expect(second.getByRole("row").nth(1)).toContainText("start");
  });
});
