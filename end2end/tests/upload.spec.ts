import { expect, test } from "../support/fixtures";
import { RuntimePage, expectLive, holdBack, open } from "../support/pages";
import { RUNTIME, heavySample, samplePath } from "../support/samples";

test("an upload that waits says so", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await open(page, "/runtimes/demo");
  const runtime = new RuntimePage(page);
  // As a server does whose turns are all taken: nothing is read until the wait is over.
  const go = await holdBack(page, "**/api/v1/runtimes/demo/versions");

  await page.getByLabel("Add version").setInputFiles(samplePath("reviews-v1"));
  await runtime.send();
  await expect(runtime.upload.getByRole("status")).toHaveText(/limits concurrent uploads/);
  go();
  await expect(runtime.upload).toContainText("reviews-v1 was added");
});

test("a slow upload shows how far it is, can be cancelled, and leaves nothing behind", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await open(page, "/runtimes/demo");
  const runtime = new RuntimePage(page);
  const network = await page.context().newCDPSession(page);
  const uploadAt = (bytesPerSecond: number) =>
    network.send("Network.emulateNetworkConditions", {
      offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond,
    });

  await uploadAt(200_000);
  const file = { name: "heavy.krt", mimeType: "application/gzip", buffer: heavySample("reviews-v1", 4_000_000) };
  const input = page.getByLabel("Add version");
  await input.setInputFiles(file);
  await runtime.send();
  await expect(runtime.upload.getByRole("progressbar", { name: "Sent" })).toBeVisible();
  await runtime.upload.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("progressbar")).toBeHidden();

  await uploadAt(-1);
  await page.reload();
  await expect(page.getByText("No versions yet")).toBeVisible();
  await expectLive(page);
  await input.setInputFiles(file);
  await runtime.send();
  await expect(runtime.upload).toContainText("reviews-v1 was added");
  await runtime.expectState("reviews-v1", "stopped");
});
