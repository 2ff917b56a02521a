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

test.describe("a server that is killed", () => {
  // The browser reports the broken connection and each attempt to connect again.
  test.use({
    settings: { KAI_SANDBOX_READY_AFTER: "3s" },
    expectedErrors: /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)/,
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
