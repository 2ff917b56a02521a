import { utimes, writeFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expectAccessible } from "../support/accessible";
import { changedSample, writeModelFirst } from "../support/archives";
import { expect, test } from "../support/fixtures";
import { RuntimePage, VersionPage, open } from "../support/pages";
import { CONFIG, RUNTIME, heavySample, sampleBytes, samplePath } from "../support/samples";

test.beforeEach(async ({ server }) => server.createRuntime(RUNTIME.id, RUNTIME.name));

/** The uploads that the page asks the server for, from now on. */
function uploads(page: Page): string[] {
  const seen: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST" && /\/versions(\?|$)/.test(request.url())) seen.push(request.url());
  });
  return seen;
}

function krt(name: string, buffer: Buffer) {
  return { name, mimeType: "application/gzip", buffer };
}

test("a bad file's problems stand beside their lines, and nothing is sent", async ({ page }) => {
  await open(page, "/runtimes/demo");
  const runtime = new RuntimePage(page);
  const sent = uploads(page);
  await runtime.pick(samplePath("broken"));

  await expect(runtime.upload).toContainText("broken.krt was not added: 5 errors");
  await expect(runtime.upload).toContainText("nothing was sent");
  const source = runtime.upload.getByRole("group", { name: "The manifest, line by line" });
  for (const [subject, place, line] of [
    ["Reviews_v3", "line 2:10", "version: Reviews_v3"],
    ["alert-below", "line 12:7", "- alert-below"],
    ["verdict", "line 17:16", "exitpoint: verdict"],
    ["src/triage.py", "line 27:14", "src: src/triage.py"],
    ["sentiment", "line 29:13", "- sentiment"],
  ] as const) {
    const message = source.locator(".source__message").filter({ hasText: subject }).filter({ hasText: place });
    await expect(message).toHaveCount(1);
    await expect(message.locator("xpath=preceding-sibling::*[1]")).toContainText(line);
  }
  await expect(runtime.upload.getByRole("button", { name: "Upload" })).toHaveCount(0);

  await runtime.upload.getByRole("button", { name: "Next" }).click();
  await expect(source.locator(".source__message").first()).toBeFocused();
  await runtime.upload.getByRole("button", { name: "Previous" }).click();
  await expect(source.locator(".source__message").last()).toBeFocused();
  await expect(source.locator(".source__message").last()).toBeInViewport();
  await expectAccessible(page);

  await runtime.upload.getByRole("button", { name: "Dismiss" }).click();
  await expect(runtime.upload).toBeHidden();
  expect(sent).toEqual([]);
});

test("a good file shows what it will be, and is added by Upload alone", async ({ page }) => {
  await open(page, "/runtimes/demo");
  const runtime = new RuntimePage(page);
  const sent = uploads(page);
  await runtime.drop("reviews-v2", sampleBytes("reviews-v2"));

  await expect(runtime.upload.getByRole("heading", { name: "Add reviews-v2 from reviews-v2.krt?" })).toBeVisible();
  const workflow = runtime.upload.getByRole("region", { name: "Workflow triage" });
  for (const node of ["etl", "sentiment", "topics", "triage"]) await expect(workflow).toContainText(node);
  const wanted = runtime.upload.getByRole("region", { name: "Required configuration" });
  for (const name of ["ALERT_BELOW", "topics.json"]) {
    await expect(wanted.getByRole("listitem").filter({ hasText: name })).toContainText("must be set before the version can start");
  }
  await expectAccessible(page);
  expect(sent).toEqual([]);

  // Twice, as an impatient person does.
  await runtime.upload.getByRole("button", { name: "Upload" }).dblclick();
  await expect(runtime.upload).toContainText("reviews-v2 was added");
  await runtime.expectState("reviews-v2", "stopped");
  expect(sent).toHaveLength(1);
});

test("values of an earlier version are kept, but for those that are not wanted", async ({ page, server }) => {
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
  await server.configure(RUNTIME.id, "reviews-v2", CONFIG["reviews-v2"]);
  await open(page, "/runtimes/demo");
  const runtime = new RuntimePage(page);
  const next = krt("next.krt", changedSample("reviews-v2", "version: reviews-v2", "version: reviews-v3"));
  await page.getByLabel("Add version").setInputFiles(next);

  const keep = (name: string) => runtime.upload.getByLabel(`Keep the value of ${name} from reviews-v2`);
  await expect(keep("ALERT_BELOW")).toBeChecked();
  await keep("topics.json").uncheck();
  await runtime.send();
  await expect(runtime.upload).toContainText("reviews-v3 was added");

  await runtime.row("reviews-v3").getByRole("link", { name: "reviews-v3", exact: true }).click();
  const version = new VersionPage(page, "reviews-v3");
  await version.expectState("stopped");
  await expect(version.action("Start")).toHaveAccessibleDescription(/topics\.json/);
  await expect(version.action("Start")).not.toHaveAccessibleDescription(/ALERT_BELOW/);
});

test("a name that is taken is seen before anything is sent", async ({ page, server }) => {
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await open(page, "/runtimes/demo");
  const runtime = new RuntimePage(page);
  const sent = uploads(page);
  await runtime.pick(samplePath("reviews-v1"));
  await expect(runtime.upload).toContainText("already has a version named reviews-v1");
  await expect(runtime.upload.getByRole("button", { name: "Upload" })).toHaveCount(0);

  // Another file takes its place, until something is being sent.
  await runtime.pick(samplePath("broken"));
  await expect(runtime.upload).toContainText("broken.krt was not added");
  await expect(runtime.upload).not.toContainText("already has a version");
  expect(sent).toEqual([]);
});

test("of a file whose manifest comes early only the beginning is read", async ({ page }) => {
  await open(page, "/runtimes/demo");
  const runtime = new RuntimePage(page);
  await page.getByLabel("Add version").setInputFiles(krt("heavy.krt", heavySample("reviews-v1", 20_000_000)));
  await expect(runtime.upload).toContainText("Add reviews-v1 from heavy.krt?");
  await expect(runtime.upload).toContainText(/20 MB, of which 2\.\d MB were read/);
});

test.describe("a server with a limit of its own", () => {
  test.use({ settings: { KAI_MAX_KRT_BYTES: "1000" } });

  test("has it kept before anything is sent", async ({ page }) => {
    await open(page, "/runtimes/demo");
    const runtime = new RuntimePage(page);
    const sent = uploads(page);
    await runtime.pick(samplePath("reviews-v1"));
    await expect(runtime.upload).toContainText("at most 1000 are allowed");
    await expect(runtime.upload.getByRole("button", { name: "Upload" })).toHaveCount(0);
    expect(sent).toEqual([]);
  });
});

test.describe("a file of 500 MB with its manifest at the end", () => {
  let file: Awaited<ReturnType<typeof writeModelFirst>>;
  test.beforeAll(async () => {
    file = await writeModelFirst("reviews-v1", 500);
  });
  test.afterAll(async () => file.remove());

  test("is checked while the page keeps answering, and no longer than it is wanted", async ({ page }, info) => {
    test.setTimeout(180_000);
    await open(page, "/runtimes/demo");
    const runtime = new RuntimePage(page);
    await page.evaluate(() => {
      const tasks: number[] = [];
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => tasks.push(entry.duration)))
        .observe({ type: "longtask" });
      Object.assign(window, { longTasks: tasks });
    });
    const progress = runtime.upload.getByRole("progressbar", { name: "Checked" });
    const cancel = runtime.upload.getByRole("button", { name: "Cancel" });

    await runtime.pick(file.path);
    await expect(progress).toHaveAttribute("value", /^[1-9]/);
    expect(page.workers()).toHaveLength(1);
    await cancel.click();
    await expect(runtime.upload).toBeHidden();
    await expect.poll(() => page.workers().length).toBe(0);

    await runtime.pick(file.path);
    await expect(progress).toHaveAttribute("value", /^[1-9]/);
    await page.getByRole("banner").getByRole("link").first().click();
    await expect(page).toHaveURL("/");
    await expect.poll(() => page.workers().length).toBe(0);
    await page.goBack();

    await runtime.pick(file.path);
    await expect(runtime.upload).toContainText("Add reviews-v1 from reviews-v1.krt?", { timeout: 120_000 });
    await expect.poll(() => page.workers().length).toBe(0);
    const longest = await page.evaluate(() => Math.max(0, ...(window as unknown as { longTasks: number[] }).longTasks));
    // For people to read; what a busy machine makes of it is no reason to fail.
    info.annotations.push({ type: "longest task of the page", description: `${longest} ms` });
  });
});

/** Chromium tells a file that was changed by its time, in seconds. */
async function writeEarlier(path: string, content: Buffer): Promise<void> {
  await writeFile(path, content);
  const hourAgo = Date.now() / 1000 - 3600;
  await utimes(path, hourAgo, hourAgo);
}

test.describe("where the check cannot be done", () => {
  // Chromium itself reports every request that fails to the console.
  test.use({ expectedErrors: /ERR_FAILED|ERR_UPLOAD_FILE_CHANGED/ });

  test("a browser without workers leaves it to the server, and says so", async ({ page }) => {
    await page.addInitScript(() => Reflect.deleteProperty(window, "Worker"));
    await open(page, "/runtimes/demo");
    const runtime = new RuntimePage(page);
    await runtime.pick(samplePath("reviews-v1"));
    await expect(runtime.upload).toContainText("could not be checked in this browser");
    await runtime.send();
    await expect(runtime.upload).toContainText("reviews-v1 was added");
  });

  test("a worker that does not load leaves it to the server, and says so", async ({ page }) => {
    await page.route(/\/pkg\/checker.*\.js$/, (route) => route.abort());
    await open(page, "/runtimes/demo");
    const runtime = new RuntimePage(page);
    await runtime.pick(samplePath("reviews-v1"));
    await expect(runtime.upload).toContainText("could not be checked in this browser");
    await runtime.send();
    await expect(runtime.upload).toContainText("reviews-v1 was added");
  });

  test("a file that changes before it is read ends in words", async ({ page }, info) => {
    const path = info.outputPath("changing.krt");
    await writeEarlier(path, sampleBytes("reviews-v1"));
    await page.route(/\/pkg\/checker.*\.js$/, async (route) => {
      await writeFile(path, sampleBytes("reviews-v2"));
      await route.continue();
    });
    await open(page, "/runtimes/demo");
    const runtime = new RuntimePage(page);
    await runtime.pick(path);
    await expect(runtime.upload).toContainText("changing.krt was not added");
    await expect(runtime.upload).toContainText(/changed, moved or removed/);
  });

  test("a file that changes before it is sent ends in words", async ({ page }, info) => {
    const path = info.outputPath("changing.krt");
    await writeEarlier(path, sampleBytes("reviews-v1"));
    await open(page, "/runtimes/demo");
    const runtime = new RuntimePage(page);
    await runtime.pick(path);
    await expect(runtime.upload).toContainText("Add reviews-v1 from changing.krt?");
    await writeFile(path, sampleBytes("reviews-v2"));
    await runtime.send();
    await expect(runtime.upload).toContainText(/the file has not changed/);
  });
});
