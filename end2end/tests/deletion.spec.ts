import type { Locator, Page } from "@playwright/test";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { RuntimePage, VersionPage, open } from "../support/pages";
import { RUNTIME, sampleBytes } from "../support/samples";

const runtimePath = `/runtimes/${RUNTIME.id}`;
const path = `${runtimePath}/versions/reviews-v1`;

const news = (page: Page) => page.getByRole("list", { name: "Notifications" });
const confirm = (dialog: Locator) => dialog.getByRole("button", { name: "Delete", exact: true });

test.beforeEach(async ({ server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
});

test("an archived version is deleted once its name is typed, and everybody sees it go", async ({ page, server, another }) => {
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
  await open(page, path);
  const version = new VersionPage(page, "reviews-v1");
  const button = version.action("Delete");
  await expect(button).toHaveAttribute("aria-disabled", "true");
  await expect(button).toHaveAccessibleDescription(/It is stopped, and only an archived version can be deleted; archive it first\./);
  await button.click({ force: true });
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await version.perform("Archive", "archived");

  const [onVersion, onRuntime] = [await another(), await another()];
  await open(onVersion, path);
  await open(onRuntime, `${runtimePath}?archived=1`);
  await expect(new RuntimePage(onRuntime).row("reviews-v1")).toBeVisible();

  await button.click();
  const dialog = version.dialog("Delete");
  await expect(dialog).toContainText("The activity keeps its history");
  await expectAccessible(page);
  const name = dialog.getByLabel("Type reviews-v1 to confirm");
  await expect(name).toBeFocused();
  for (const wrong of ["", "reviews-v", "Reviews-v1", "reviews-v2"]) {
    await name.fill(wrong);
    await expect(confirm(dialog)).toHaveAttribute("aria-disabled", "true");
    await name.press("Enter");
    await confirm(dialog).click({ force: true });
    await expect(dialog).toBeVisible();
  }
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(button).toBeFocused();

  await button.click();
  await expect(name).toHaveValue("");
  await name.fill("reviews-v1");
  await dialog.getByLabel("Comment").fill("A mistake.");
  await confirm(dialog).click();
  await expect(page).toHaveURL(new RegExp(`${runtimePath}$`));
  await expect(news(page)).toContainText("reviews-v1 was deleted.");

  await expect(onVersion.getByText("This version was deleted.")).toBeVisible();
  await expect(new RuntimePage(onRuntime).row("reviews-v1")).toHaveCount(0);
  await expect(new RuntimePage(onRuntime).row("reviews-v2")).toBeVisible();

  await onVersion.getByRole("link", { name: "activity", exact: true }).click();
  const row = onVersion.getByRole("row").filter({ has: onVersion.getByRole("rowheader", { name: "delete", exact: true }) });
  await expect(row).toContainText("A mistake.");
  await expect(row.getByText("reviews-v1")).toBeVisible();
  await expect(row.getByRole("link", { name: "reviews-v1" })).toHaveCount(0);
  await expect(row.getByRole("link", { name: RUNTIME.id })).toBeVisible();
});

test("an empty runtime is deleted by keyboard alone, and everybody sees it go", async ({ page, server, another }) => {
  await open(page, runtimePath);
  const button = page.getByRole("button", { name: "Delete runtime" });
  await expect(button).toHaveAttribute("aria-disabled", "true");
  await expect(button).toHaveAccessibleDescription(/It has one version/);
  const onList = await another();
  await open(onList, "/");
  await expect(onList.getByRole("link", { name: RUNTIME.name })).toBeVisible();

  await server.command(RUNTIME.id, "reviews-v1", "archive");
  await server.delete(`${runtimePath}/versions/reviews-v1`);
  await expect(button).toHaveAttribute("aria-disabled", "false");
  await button.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: `Delete runtime ${RUNTIME.id}` });
  await expect(dialog).toContainText(`Its namespace kai-${RUNTIME.id} stays in the cluster`);
  await expectAccessible(page);
  await page.keyboard.type(RUNTIME.name);
  await expect(confirm(dialog)).toHaveAttribute("aria-disabled", "true");
  await page.keyboard.press("Control+a");
  await page.keyboard.type(RUNTIME.id);
  await page.keyboard.press("Enter");

  await expect(page).toHaveURL(/\/$/);
  await expect(news(page)).toContainText(`Runtime ${RUNTIME.id} was deleted.`);
  await expect(page.getByText("No runtimes yet.")).toBeVisible();
  await expect(onList.getByText("No runtimes yet.")).toBeVisible();
});

test("a history is longer than a page, and its end is there on demand", async ({ page, server }) => {
  for (let change = 0; change < 104; change += 1) {
    await server.configure(RUNTIME.id, "reviews-v1", { REPLY_SIGNATURE: `Signature ${change}` });
  }
  await open(page, `${path}/history`);
  await expect(page.getByRole("rowheader")).toHaveCount(100);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(page.getByRole("rowheader")).toHaveCount(105);
  await expect(page.getByRole("rowheader").last()).toHaveText("create");
  await expect(page.getByRole("button", { name: "Show more" })).toBeHidden();
  await server.configure(RUNTIME.id, "reviews-v1", { REPLY_SIGNATURE: "The last one" });
  await expect(page.getByRole("rowheader")).toHaveCount(106);
});
