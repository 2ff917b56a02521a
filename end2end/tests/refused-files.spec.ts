import { expect, test } from "../support/fixtures";
import { RuntimePage, open } from "../support/pages";
import { RUNTIME, sampleBytes, samplePath } from "../support/samples";

// Chromium itself reports every answer that is an error to the console.
test.use({ expectedErrors: /status of (409|422)/ });

// The server's own refusals are seen only where the browser does not check files before it sends them.
test.beforeEach(async ({ server, page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, "Worker"));
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await open(page, "/runtimes/demo");
});

test("a file with five mistakes is refused with each of them and its place", async ({ page }) => {
  const runtime = new RuntimePage(page);
  await runtime.pick(samplePath("broken"));
  await runtime.send();

  await expect(runtime.upload).toContainText("broken.krt was not added");
  const problems = runtime.upload.getByRole("listitem").filter({ hasText: "Error" });
  await expect(problems).toHaveCount(5);
  for (const [subject, place] of [
    ["Reviews_v3", "line 2:10"],
    ["alert-below", "line 12:7"],
    ["verdict", "line 17:16"],
    ["src/triage.py", "line 27:14"],
    ["sentiment", "line 29:13"],
  ] as const) {
    await expect(problems.filter({ hasText: subject }).filter({ hasText: place })).toHaveCount(1);
  }
  await expect(page.getByText("No versions yet")).toBeVisible();

  await runtime.upload.getByRole("button", { name: "Dismiss" }).click();
  await expect(page.getByText("was not added")).toBeHidden();
});

test("what is no gzip, or has no manifest, is refused in words", async ({ page }) => {
  const runtime = new RuntimePage(page);
  await page.getByLabel("Add version").setInputFiles({
    name: "notes.krt", mimeType: "application/octet-stream", buffer: Buffer.from("just some text, long enough to be read"),
  });
  await runtime.send();
  await expect(runtime.upload).toContainText("notes.krt was not added");
  await expect(runtime.upload).toContainText(/gzip/i);

  await page.getByLabel("Add version").setInputFiles({
    name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("text"),
  });
  await expect(runtime.upload).toContainText("notes.txt was not added");
  await expect(runtime.upload).toContainText(".krt");
});

test("a name that is taken is refused, and the version that has it stays", async ({ page, server }) => {
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  const runtime = new RuntimePage(page);
  await runtime.expectState("reviews-v1", "stopped");

  await runtime.pick(samplePath("reviews-v1"));
  await runtime.send();

  await expect(runtime.upload).toContainText("reviews-v1.krt was not added");
  await expect(runtime.upload).toContainText(/reviews-v1.*(taken|exists|already)/);
  await expect(runtime.row("reviews-v1")).toHaveCount(1);
});
