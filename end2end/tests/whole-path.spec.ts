import { expect, test } from "../support/fixtures";
import { RuntimePage, VersionPage, open } from "../support/pages";
import { CONFIG, sampleBytes, samplePath } from "../support/samples";

test("from two KRT files to a published version and back, and a second browser follows without reload", async ({
  page,
  another,
}) => {
  test.setTimeout(120_000);
  await open(page, "/");
  await expect(page.getByText("Sandbox – nothing really runs here")).toBeVisible();

  await test.step("create the runtime", async () => {
    await expect(page.getByText("No runtimes yet.")).toBeVisible();
    await page.getByRole("link", { name: "Create a runtime" }).click();
    const id = page.getByLabel("Id", { exact: true });
    await id.fill("Demo");
    await expect(id).toHaveAttribute("aria-invalid", "true");
    await id.fill("demo");
    await page.getByLabel("Name", { exact: true }).fill("Demo");
    await page.getByLabel("Description", { exact: true }).fill("What customers say");
    await page.getByRole("button", { name: "Create runtime" }).click();
    await expect(page.getByRole("heading", { name: "Demo" })).toBeVisible();
    await expect(page).toHaveURL(/\/runtimes\/demo$/);
  });

  const runtime = new RuntimePage(page);
  const follower = new RuntimePage(await another());
  await open(follower.page, "/runtimes/demo");
  // Were the second browser's page ever loaded again, this would be gone.
  await follower.page.evaluate(() => Object.assign(window, { sameDocument: true }));

  await test.step("add one by the picker and one by drop", async () => {
    await runtime.pick(samplePath("reviews-v1"));
    await runtime.send();
    await expect(runtime.upload).toContainText("reviews-v1 was added");
    await runtime.drop("reviews-v2", sampleBytes("reviews-v2"));
    await runtime.send();
    await expect(runtime.upload).toContainText("reviews-v2 was added");
    for (const each of [runtime, follower]) {
      await each.expectState("reviews-v1", "stopped");
      await each.expectState("reviews-v2", "stopped");
    }
  });

  const v1 = new VersionPage(page, "reviews-v1");
  await test.step("configure and start the first", async () => {
    await runtime.row("reviews-v1").getByRole("link", { name: "reviews-v1", exact: true }).click();
    await v1.expectState("stopped");
    await expect(v1.action("Start")).toBeDisabled();
    await expect(v1.action("Start")).toHaveAccessibleDescription(/REPLY_SIGNATURE/);
    await expect(v1.action("Publish")).toBeDisabled();
    await expect(v1.action("Publish")).toHaveAccessibleDescription(/start it first/);

    await v1.configure(CONFIG["reviews-v1"]);
    await v1.goTo("Status");
    await v1.perform("Start", "started", "first try");
    // Each workflow runs its own instance of the node that both use.
    await expect(v1.node("rate", "clean-text")).toContainText("1/1");
    await expect(v1.node("answer", "clean-text")).toContainText("1/1");
    await follower.expectState("reviews-v1", "started");
  });

  await test.step("publish it", async () => {
    await v1.action("Publish").click();
    await expect(v1.dialog("Publish")).toContainText("No version is published now");
    await v1.dialog("Publish").getByRole("button", { name: "Cancel" }).click();
    await v1.perform("Publish", "published");
    await follower.expectState("reviews-v1", "published");
    await expect(v1.action("Stop")).toBeDisabled();
    await expect(v1.action("Stop")).toHaveAccessibleDescription(/unpublish it first/);
  });

  const v2 = new VersionPage(page, "reviews-v2");
  await test.step("publish the other in its place", async () => {
    await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "demo" }).click();
    await runtime.row("reviews-v2").getByRole("link", { name: "reviews-v2", exact: true }).click();
    await v2.configure(CONFIG["reviews-v2"]);
    await v2.goTo("Status");
    await v2.perform("Start", "started");
    await expect(v2.node("triage", "sentiment")).toContainText("2/2");
    await v2.action("Publish").click();
    await expect(v2.dialog("Publish")).toContainText("Replaces reviews-v1");
    await v2.dialog("Publish").getByRole("button", { name: "Publish", exact: true }).click();
    await v2.expectState("published");
    await follower.expectState("reviews-v2", "published");
    await follower.expectState("reviews-v1", "started");
  });

  await test.step("unpublish, stop and archive it", async () => {
    await v2.perform("Unpublish", "started");
    await follower.expectState("reviews-v2", "started");
    await v2.perform("Stop", "stopped");
    await expect(v2.node("triage", "sentiment")).toContainText("0/2");
    await v2.perform("Archive", "archived", "replaced");
    await expect(follower.row("reviews-v2")).toBeHidden();
    for (const name of ["Start", "Stop", "Publish", "Unpublish", "Archive"]) await expect(v2.action(name)).toBeDisabled();
  });

  await test.step("its history tells all of it, newest first", async () => {
    await v2.goTo("History");
    const actions = page.getByRole("rowheader");
    await expect(actions).toHaveText([
      "archive", "stop", "unpublish", "publish", "start", "configure", "create",
    ]);
    const newest = page.getByRole("row").nth(1);
    await expect(newest).toContainText("local");
    await expect(newest).toContainText("replaced");
    await expect(page.getByRole("row").filter({ hasText: "done" })).toHaveCount(7);
  });

  await test.step("the archived one is shown on demand", async () => {
    await follower.page.getByRole("link", { name: "Show 1 archived" }).click();
    await follower.expectState("reviews-v2", "archived");
    expect(await follower.page.evaluate(() => "sameDocument" in window)).toBe(true);
  });
});
