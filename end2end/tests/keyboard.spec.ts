import type { Page } from "@playwright/test";
import { expect, test } from "../support/fixtures";
import { VersionPage, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes, samplePath } from "../support/samples";

/** Presses Tab until the element of this name has the focus, as a person who sees the focus would. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const target = page.locator(":focus").and(page.getByRole("link", { name, exact: true })
    .or(page.getByRole("button", { name, exact: true })).or(page.getByLabel(name, { exact: true })));
  for (let pressed = 0; pressed < 60; pressed += 1) {
    await page.keyboard.press("Tab");
    if ((await target.count()) > 0) return;
  }
  throw new Error(`Tab never reached ${name}`);
}

test("a version is added, started and stopped by keyboard alone", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await open(page, "/");

  await tabTo(page, "Demo");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/runtimes\/demo$/);

  await tabTo(page, "Add version");
  const picker = page.waitForEvent("filechooser");
  await page.keyboard.press("Enter");
  await (await picker).setFiles(samplePath("reviews-v1"));
  const upload = page.getByRole("region", { name: "Upload", exact: true });
  await expect(upload.getByRole("button", { name: "Upload" })).toBeVisible();
  await tabTo(page, "Upload");
  await page.keyboard.press("Enter");
  await expect(upload).toContainText("was added");
  await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);

  await tabTo(page, "reviews-v1");
  await page.keyboard.press("Enter");
  const version = new VersionPage(page, "reviews-v1");
  await version.expectState("stopped");

  await tabTo(page, "Start with a comment");
  await page.keyboard.press("Enter");
  await expect(version.dialog("Start")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(version.dialog("Start")).toBeHidden();
  await expect(version.action("Start with a comment")).toBeFocused();

  await page.keyboard.press("Enter");
  await expect(version.dialog("Start")).toBeVisible();
  await tabTo(page, /^Comment/);
  await page.keyboard.type("by keyboard");
  await tabTo(page, "Start");
  await page.keyboard.press("Enter");
  await version.expectState("started");

  await tabTo(page, "Stop");
  await page.keyboard.press("Enter");
  await expect(version.dialog("Stop")).toBeVisible();
  await tabTo(page, "Stop");
  await page.keyboard.press("Enter");
  await version.expectState("stopped");
});

test("the first thing that Tab reaches skips to the content", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await open(page, "/runtimes/demo");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
});
