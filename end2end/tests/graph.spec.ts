import type { Page } from "@playwright/test";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { VersionPage, expectLive, open } from "../support/pages";
import { CONFIG, RUNTIME, largeSample, sampleBytes } from "../support/samples";
import type { Server } from "../support/server";

const V2 = "/runtimes/demo/versions/reviews-v2";

async function prepare(server: Server): Promise<void> {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
  await server.configure(RUNTIME.id, "reviews-v2", CONFIG["reviews-v2"]);
}

/** How wide the picture of a workflow is drawn. */
function width(page: Page, workflow: string): Promise<number> {
  const picture = page.getByRole("group", { name: `Graph of ${workflow}`, exact: true });
  return picture.evaluate((element) => element.getBoundingClientRect().width);
}

test("a graph names its nodes with their states, and follows a start", async ({ page, server }) => {
  await prepare(server);
  await open(page, V2);
  const version = new VersionPage(page, "reviews-v2");
  const graph = page.getByRole("group", { name: "Graph of triage", exact: true });

  await expect(graph.getByRole("button", { name: /^entrypoint: stopped/ })).toBeVisible();
  await expect(version.node("triage", "sentiment")).toHaveAccessibleName(
    /^sentiment: stopped, 0 of 2 replicas ready; subscribes to /,
  );
  await expect(graph.getByRole("img", { name: /sends the response of rpc/ })).toContainText("response");

  await server.command(RUNTIME.id, "reviews-v2", "start");
  await expect(version.node("triage", "sentiment")).toHaveAccessibleName(/^sentiment: ready, 2 of 2 replicas ready/);
  await expect(version.node("triage", "sentiment")).toContainText("2/2");
  await expect(page.getByRole("region", { name: "State" })).toContainText(/(\d+) of \1 nodes ready/);
});

test("a graph that the browser draws by itself names its nodes alike", async ({ page, server }) => {
  await prepare(server);
  await open(page, `${V2}/history`);
  const version = new VersionPage(page, "reviews-v2");
  await version.goTo("Status");
  await expect(version.node("triage", "sentiment")).toHaveAccessibleName(/^sentiment: stopped, 0 of 2 replicas ready/);
});

test("a node is opened and closed by keyboard, and shows its pods and events", async ({ page, server }) => {
  await prepare(server);
  await server.command(RUNTIME.id, "reviews-v2", "start");
  await server.waitForState(RUNTIME.id, "reviews-v2", "started");
  await open(page, V2);
  const version = new VersionPage(page, "reviews-v2");
  const box = version.node("triage", "sentiment");
  const panel = page.getByRole("complementary", { name: "sentiment", exact: true });

  await box.focus();
  await page.keyboard.press("Enter");
  await expect(panel.getByRole("heading", { name: "sentiment" })).toBeFocused();
  await expect(page).toHaveURL(/workflow=triage/);
  await expect(page).toHaveURL(/node=sentiment/);
  await expect(panel.locator(".pod")).toHaveCount(2);
  await expect(panel.locator(".pod").first()).toContainText("Running");
  await expect(panel.getByRole("region", { name: "Events" })).toContainText("Started");
  await expect(panel.getByRole("link", { name: "Logs of sentiment" })).toHaveAttribute("href", /logs=triage(\/|%2F)sentiment/);
  await expectAccessible(page);

  await page.reload();
  await expectLive(page);
  await expect(panel.locator(".pod")).toHaveCount(2);

  await panel.getByRole("button", { name: "Close" }).press("Escape");
  await expect(panel).toBeHidden();
  await expect(page).not.toHaveURL(/node=/);
  await expect(box).toBeFocused();
  await page.keyboard.press("Space");
  await expect(panel).toBeVisible();
});

test("a node that is opened is seen beside its panel", async ({ page, server }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, largeSample("large-v1"));
  await open(page, "/runtimes/demo/versions/large-v1");
  const last = new VersionPage(page, "large-v1").node("large", "stage7-part0");
  const panel = page.getByRole("complementary", { name: "stage7-part0", exact: true });
  // Its panel leaves the graph less room.
  await last.press("Enter");
  await expect(panel).toBeVisible();
  await expect(last).toBeInViewport({ ratio: 1 });

  await page.reload();
  await expectLive(page);
  await expect(last).toBeInViewport({ ratio: 1 });
});

test("a node that fails says why, with its events", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("unpullable"));
  await server.command(RUNTIME.id, "reviews-nopull", "start");
  await open(page, "/runtimes/demo/versions/reviews-nopull?workflow=rate&node=score");
  const panel = page.getByRole("complementary", { name: "score", exact: true });
  // In whichever state it is seen first: the start fails after a while, and its pods go.
  await expect(panel.getByRole("region", { name: "Events" })).toContainText(/Scal|pull/i);
});

test("workflows are lists for who would rather read", async ({ page, server }) => {
  await prepare(server);
  await open(page, V2);
  await page.getByRole("group", { name: "Show workflows as" }).getByRole("link", { name: "List" }).click();
  await expect(page).toHaveURL(/view=list/);
  const workflow = page.getByRole("region", { name: "Workflow triage", exact: true });
  await expect(workflow.getByRole("listitem").filter({ hasText: "sentiment" }).first()).toContainText("0/2");
  await expect(page.getByRole("group", { name: "Graph of triage" })).toBeHidden();
  await workflow.getByRole("button", { name: "sentiment", exact: true }).click();
  await expect(page.getByRole("complementary", { name: "sentiment", exact: true })).toContainText("None.");
  await expectAccessible(page);
});

for (const size of [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
]) {
  test(`forty nodes are drawn, zoomed and fitted at ${size.width} pixels`, async ({ page, server }) => {
    await page.setViewportSize(size);
    await server.createRuntime(RUNTIME.id, RUNTIME.name);
    await server.addVersion(RUNTIME.id, largeSample("large-v1"));
    await open(page, "/runtimes/demo/versions/large-v1");
    const workflow = page.getByRole("region", { name: "Workflow large", exact: true });
    await expect(workflow.getByRole("button", { name: /^stage\d-part\d: stopped/ })).toHaveCount(40);

    const before = await width(page, "large");
    await workflow.getByRole("button", { name: "Zoom in" }).click();
    await expect.poll(() => width(page, "large")).toBeGreaterThan(before * 1.2);
    await workflow.getByRole("button", { name: "Zoom out" }).click();
    await workflow.getByRole("button", { name: "Zoom out" }).click();
    await expect.poll(() => width(page, "large")).toBeLessThan(before * 0.9);
    await workflow.getByRole("button", { name: "Fit" }).click();
    await expect.poll(() => width(page, "large")).toBeLessThanOrEqual(size.width);
    // The page itself never scrolls sideways.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width);
    await expectAccessible(page);
  });
}
