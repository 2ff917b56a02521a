import { expect, test } from "../support/fixtures";
import { RuntimePage, VersionPage, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";

test("a start that fails leads back to stopped and says which node and why", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("unpullable"));
  await open(page, "/runtimes/demo/versions/reviews-nopull");
  const version = new VersionPage(page, "reviews-nopull");

  await version.ask("Start");

  const failure = page.getByRole("region", { name: "The last start failed" });
  await expect(failure).toContainText("rate/score");
  await expect(failure).toContainText(/pull/i);
  await version.expectState("stopped");
  await expect(version.node("rate", "score")).toContainText("0/1");
  await version.goTo("History");
  await expect(page.getByRole("row").nth(1)).toContainText("failed");
});

test.describe("a start that takes its time", () => {
  test.use({ settings: { KAI_SANDBOX_READY_AFTER: "3s", KAI_START_TIMEOUT: "5m" } });

  test("shows how far it is, what keeps each node, and when it gives up", async ({ page, server }) => {
    await server.createRuntime(RUNTIME.id, RUNTIME.name);
    await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
    await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
    await open(page, "/runtimes/demo/versions/reviews-v1");
    const start = page.getByRole("region", { name: "Progress of the start" });
    await new VersionPage(page, "reviews-v1").ask("Start");
    await expect(start.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "0");
    await expect(start).toContainText(/0 of (\d) ready for under a minute, gives up in [45] min/);
    await expect(start.getByRole("listitem").first()).toContainText("entrypoint");
    // One count, not two that differ.
    await expect(page.getByRole("region", { name: "State" })).not.toContainText("ready;");
    await new VersionPage(page, "reviews-v1").expectState("started");
    await expect(start).toHaveCount(0);
  });
});

test("the reason why an action is off does not pop up under the pointer that has just pressed it", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
  await open(page, "/runtimes/demo/versions/reviews-v1");
  const version = new VersionPage(page, "reviews-v1");
  const why = page.getByRole("tooltip").filter({ hasText: /it is start(ing|ed) and cannot be started/i });
  await version.action("Start").click();
  await version.expectState("started");
  await expect(why).toBeHidden();
  await version.action("Stop").hover();
  await version.action("Start").hover();
  await expect(why).toBeVisible();
});

test("an archived version is not said to lack ready nodes", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("unpullable"));
  await server.command(RUNTIME.id, "reviews-nopull", "archive");
  await open(page, "/runtimes/demo/versions/reviews-nopull");
  await expect(page.getByRole("region", { name: "State" })).toContainText("1 node");
  await expect(page.getByRole("main")).not.toContainText("nodes ready");
});

test.describe("a server that is killed", () => {
  // The browser reports the broken connection and each attempt to connect again.
  test.use({
    settings: { KAI_SANDBOX_READY_AFTER: "3s" },
    expectedErrors: /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)|TypeError|was preloaded using link preload/,
  });

  test("goes on with a start when it is back, and the open page with it", async ({ page, server }) => {
    await server.createRuntime(RUNTIME.id, RUNTIME.name);
    await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
    await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
    await open(page, "/runtimes/demo/versions/reviews-v1");
    const version = new VersionPage(page, "reviews-v1");
    await version.perform("Start", "starting");

    await server.kill();
    await expect(page.getByText("Connection lost")).toBeVisible();
    await server.start();

    await expect(page.getByText("Connection lost")).toBeHidden();
    await version.expectState("started");
  });

  test("keeps whoever goes to a screen that is not loaded yet in the application", async ({ page, server }) => {
    await server.createRuntime(RUNTIME.id, RUNTIME.name);
    await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
    await open(page, "/runtimes/demo");
    await server.kill();
    await page.getByRole("link", { name: "reviews-v1", exact: true }).click();
    await expect(page.getByRole("heading", { name: "This page could not be loaded" })).toBeVisible();
    await expect(page.getByRole("alert").filter({ hasText: "server is unreachable" })).toBeVisible();
    await expect(page.getByText("Connection lost")).toBeVisible();

    await server.start();
    await expect(page.getByRole("heading", { name: "Status" })).toBeVisible();
    await expect(page).toHaveURL(/\/versions\/reviews-v1$/);
    await page.goBack();
    await expect(page.getByRole("heading", { name: "Demo" })).toBeVisible();
  });
});

test.describe("two people at once", () => {
  // Chromium itself reports every answer that is an error to the console.
  test.use({ expectedErrors: /status of 409/ });

  test("get one start, and the other is told the state", async ({ page, another, server }) => {
    await server.createRuntime(RUNTIME.id, RUNTIME.name);
    await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
    await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
    const path = "/runtimes/demo/versions/reviews-v1";
    const pages = [page, await another()];
    const versions = pages.map((each) => new VersionPage(each, "reviews-v1"));
    for (const each of pages) await open(each, path);
    for (const each of versions) {
      await each.action("Start with a comment").click();
      await expect(each.dialog("Start")).toBeVisible();
    }

    await versions[0]!.dialog("Start").getByRole("button", { name: "Start", exact: true }).click();
    await versions[0]!.expectState("started");
    await versions[1]!.dialog("Start").getByRole("button", { name: "Start", exact: true }).click();

    await expect(versions[1]!.dialog("Start").getByRole("alert")).toContainText("started");
    await versions[1]!.dialog("Start").getByRole("button", { name: "Cancel" }).click();
    await versions[1]!.expectState("started");
    const follower = new RuntimePage(pages[1]!);
    await open(follower.page, "/runtimes/demo");
    await follower.expectState("reviews-v1", "started");
  });
});
