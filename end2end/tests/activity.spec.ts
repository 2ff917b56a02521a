import { readFileSync } from "node:fs";
import { expect, test } from "../support/fixtures";
import { open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";

test.beforeEach(async ({ server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.createRuntime("shop", "Shop");
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await server.addVersion("shop", sampleBytes("reviews-v2"));
});

test("every action on the server is listed with its outcome, and new ones appear by themselves", async ({ page, server }) => {
  await open(page, "/");
  await page.getByRole("banner").getByRole("link", { name: "Activity" }).click();
  await expect(page.getByRole("heading", { name: "Activity" })).toBeFocused();
  await expect(page).toHaveTitle(/^Activity/);
  const rows = page.getByRole("row").filter({ has: page.getByRole("rowheader") });
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText("reviews-v2");

  await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
  await server.command(RUNTIME.id, "reviews-v1", "start");
  await expect(rows.first()).toContainText("start");
  await expect(rows.first()).toContainText("done");
  await expect(rows).toHaveCount(4);
});

test("it is narrowed by runtime, person, action and date, and a link shows the same", async ({ page, another, server }) => {
  await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
  await open(page, "/activity");
  const rows = page.getByRole("rowheader");
  await expect(rows).toHaveCount(3);
  await page.getByLabel("Runtime", { exact: true }).selectOption("Demo");
  await expect(rows).toHaveCount(2);
  await page.getByLabel("Action", { exact: true }).selectOption("create");
  await expect(rows).toHaveText(["create"]);
  await expect(page).toHaveURL(/runtime=demo/);
  await expect(page).toHaveURL(/action=create/);

  const link = await another({ javaScriptEnabled: false });
  await link.goto(page.url());
  await expect(link.getByRole("rowheader")).toHaveText(["create"]);
  await expect(link.getByLabel("Runtime", { exact: true })).toHaveValue("demo");

  await page.getByLabel("By", { exact: true }).fill("nobody");
  await page.keyboard.press("Enter");
  await expect(page.getByText("No matching activity.")).toBeVisible();
  await page.getByRole("link", { name: "Clear" }).click();
  await expect(rows).toHaveCount(3);
  await expect(page.getByLabel("By", { exact: true })).toHaveValue("");
  await page.getByLabel("To (UTC)").fill("2001-01-01");
  await page.keyboard.press("Enter");
  await expect(page.getByText("No matching activity.")).toBeVisible();
});

test("what is listed can be had as CSV", async ({ page }) => {
  await open(page, "/activity?runtime=shop");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export as CSV" }).click(),
  ]);
  const lines = readFileSync(await download.path(), "utf8").trim().split(/\r?\n/);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain("reviews-v2");
});
