import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, test } from "../support/fixtures";
import { RuntimePage, VersionPage, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes, samplePath } from "../support/samples";

// The pictures of the README. Every run takes them, so that what they show can be done; `make pictures` puts them where
// the README looks for them.
const PICTURES = process.env.KAI_PICTURES ?? "test-results/tour";
const TAKEN = ["runtime", "check", "status", "publish", "logs"] as const;

test.use({ viewport: { width: 1440, height: 820 }, colorScheme: "dark" });

async function take(page: Page, name: (typeof TAKEN)[number]): Promise<void> {
  await page.screenshot({ path: join(PICTURES, `${name}.png`), animations: "disabled", caret: "hide" });
}

test("the README's tour can be walked", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
  for (const [command, state] of [["start", "started"], ["publish", "published"]] as const) {
    await server.command(RUNTIME.id, "reviews-v1", command);
    await server.waitForState(RUNTIME.id, "reviews-v1", state);
  }

  await open(page, "/runtimes/demo");
  const runtime = new RuntimePage(page);
  await runtime.pick(samplePath("reviews-v2"));
  await expect(runtime.upload.getByRole("heading", { name: /^Add reviews-v2/ })).toBeVisible();
  await take(page, "check");
  await runtime.send();
  await runtime.expectState("reviews-v2", "stopped");
  await expect(runtime.upload.getByText("reviews-v2")).toBeVisible();
  await runtime.upload.getByRole("button", { name: "Dismiss" }).click();

  await server.configure(RUNTIME.id, "reviews-v2", CONFIG["reviews-v2"]);
  await runtime.row("reviews-v2").getByRole("button", { name: "Start reviews-v2" }).click();
  await runtime.expectState("reviews-v2", "started");
  // Without the news of what was just done.
  await open(page, "/runtimes/demo");
  await take(page, "runtime");

  const version = new VersionPage(page, "reviews-v2");
  await runtime.row("reviews-v2").getByRole("link", { name: "reviews-v2", exact: true }).click();
  await version.node("triage", "sentiment").click();
  await expect(page.getByRole("complementary", { name: "sentiment", exact: true }).locator(".pod")).toHaveCount(2);
  await take(page, "status");

  await page.keyboard.press("Escape");
  await page.keyboard.press("l");
  await expect(page.getByRole("log").getByText("waiting for messages").first()).toBeVisible();
  await take(page, "logs");
  await page.keyboard.press("Escape");

  await version.action("Publish").click();
  await expect(version.dialog("Publish")).toContainText("What changes from reviews-v1 to reviews-v2");
  await expect(version.dialog("Publish")).toContainText("Other changes:");
  await take(page, "publish");
  await version.dialog("Publish").getByRole("button", { name: "Publish", exact: true }).click();
  await version.expectState("published");
});

test("the README shows what the tour takes, and nothing else", () => {
  const readme = readFileSync("../README.md", "utf8");
  const shown = [...readme.matchAll(/docs\/pictures\/(\w+)\.png/g)].map(([, name]) => name);
  expect([...new Set(shown)].sort()).toEqual([...TAKEN].sort());
});
