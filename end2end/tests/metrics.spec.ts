import type { Page } from "@playwright/test";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { handled, measurementsUrl, writePoints } from "../support/node";
import { VersionPage, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";
import type { Server } from "../support/server";

type Version = "reviews-v1" | "reviews-v2";

const V2 = "/runtimes/demo/versions/reviews-v2";
const NODES = [["etl", "entrypoint"], ["sentiment", "etl"], ["topics", "etl"], ["triage", "sentiment"]] as const;

test.beforeEach(async ({ server }) => server.createRuntime(RUNTIME.id, RUNTIME.name));

/** A version that runs; answers where its nodes send what they measure. */
async function started(server: Server, version: Version): Promise<string> {
  await server.addVersion(RUNTIME.id, sampleBytes(version));
  await server.configure(RUNTIME.id, version, CONFIG[version]);
  await server.command(RUNTIME.id, version, "start");
  await server.waitForState(RUNTIME.id, version, "started");
  return measurementsUrl(server, RUNTIME.id, version);
}

/** Some requests each minute of the last hour, with the load and the times going up and down. */
function hour(scale = 1): string[] {
  const lines: string[] = [];
  for (let minute = 2; minute < 60; minute += 1) {
    const requests = 6 + Math.round(4 * Math.sin(minute / 7));
    for (let request = 0; request < requests; request += 1) {
      for (const [index, [node, from]] of NODES.entries()) {
        const ms = scale * (8 + 14 * index + 5 * Math.sin(minute / 5 + index) + (request % 5));
        lines.push(handled({ workflow: "triage", node, from, ms, success: (minute + request) % 23 !== 0, ago: minute * 60 }));
      }
    }
    const ago = Math.floor(Date.now() / 1000) - minute * 60;
    lines.push(`confidence,version=x,workflow=triage,node=sentiment,model=small mean=${0.7 + 0.1 * Math.sin(minute / 9)} ${ago}`);
    lines.push(`confidence,version=x,workflow=triage,node=topics,model=large mean=${0.5 + 0.1 * Math.cos(minute / 9)} ${ago}`);
    lines.push(`batch,version=x,workflow=triage,node=etl words=${40 + (minute % 11)}i ${ago}`);
  }
  return lines;
}

function chart(page: Page, name: RegExp) {
  return page.getByRole("figure").filter({ has: page.getByRole("img", { name }) });
}

test("what nodes measure is shown as charts, in words and as a table, and follows live", async ({ page, server }) => {
  const url = await started(server, "reviews-v2");
  await writePoints(url, hour());
  await open(page, V2);
  await page.getByRole("navigation", { name: "Version" }).getByRole("link", { name: "Metrics" }).click();
  await expect(page.getByRole("heading", { name: "Metrics", level: 1 })).toBeVisible();

  const median = chart(page, /^Median time, workflow triage, \d\d:\d\d to \d\d:\d\d UTC\. etl: from .* ms to .* ms/);
  await expect(median).toBeVisible();
  await expect(median.getByRole("listitem")).toHaveText([/^etl/, /^sentiment/, /^topics/, /^triage/]);
  const nodes = page.getByRole("table", { name: "Nodes of triage over the whole range" });
  await expect(nodes.getByRole("row")).toHaveCount(5);
  const messages = nodes.getByRole("row", { name: /^etl/ }).getByRole("cell").first();
  await expect(messages).toHaveText(/^3\d\d$/);
  const before = await messages.innerText();

  const plot = median.getByRole("img");
  await plot.focus();
  // Far enough back that there are values, also when a minute has ended meanwhile.
  for (let step = 0; step < 10; step += 1) await page.keyboard.press("ArrowLeft");
  await expect(median.locator("[aria-live]")).toHaveText(/^\d\d:\d\d UTC: etl .* ms, sentiment .* ms/);
  await median.getByRole("button", { name: /^Values/ }).click();
  await expect(median.getByRole("group", { name: "Values" }).getByRole("row")).toHaveCount(61);

  const own = page.getByRole("region", { name: "Its own measurements" });
  await expect(own.getByRole("img", { name: /^confidence · mean, .*triage\/sentiment, model=small: from 0\.6/ })).toBeVisible();
  await expect(own.getByRole("row", { name: /^batch · words/ })).toContainText("58");
  await expectAccessible(page);

  await writePoints(url, [handled({ workflow: "triage", node: "etl", from: "entrypoint", ms: 5 })]);
  await expect(messages).toHaveText(String(Number(before) + 1), { timeout: 15_000 });

  await page.getByRole("group", { name: "Range" }).getByRole("link", { name: "15 min" }).click();
  await expect(page).toHaveURL(/range=15m/);
  await expect(messages).toHaveText(/^\d\d\d?$/);
});

test("a version is compared with the one that was published before it", async ({ page, server }) => {
  const first = await started(server, "reviews-v1");
  await server.command(RUNTIME.id, "reviews-v1", "publish");
  await server.waitForState(RUNTIME.id, "reviews-v1", "published");
  await writePoints(first, [handled({ workflow: "rate", node: "score", from: "clean-text", ms: 20, ago: 600 })]);
  const second = await started(server, "reviews-v2");
  await writePoints(second, [handled({ workflow: "triage", node: "etl", from: "entrypoint", ms: 10, ago: 120 })]);
  await open(page, `${V2}/metrics`);
  await expect(page.getByText("Dashed: reviews-v1, which was published before.")).toBeVisible();
});

test("the graph, its list and a node's panel say what nodes do just now", async ({ page, server }) => {
  const url = await started(server, "reviews-v2");
  await open(page, V2);
  const version = new VersionPage(page, "reviews-v2");
  const box = version.node("triage", "etl");
  await expect(box).not.toContainText("/s");

  const points = Array.from({ length: 30 }, (_, index) =>
    handled({ workflow: "triage", node: "etl", from: "entrypoint", ms: 12, success: index > 1 }),
  );
  await writePoints(url, points);
  await expect(box).toContainText(/[\d.]+\/s · 1[12][.\d]* ms · p95 1[12][.\d]* ms · 2 failed/, { timeout: 15_000 });
  await expect(box).toHaveAccessibleName(/messages per second, median .*, 2 failed/);
  await expect(version.workflow("triage").locator(".graph__edge").filter({ hasText: "etl subscribes to the entrypoint" })).toContainText(/[\d.]+\/s/);
  await expect(version.node("triage", "topics")).not.toContainText("/s");

  await box.press("Enter");
  const panel = page.getByRole("complementary", { name: "etl", exact: true });
  await expect(panel).toContainText(/messages per second, median 1[12]/);
  await expect(panel).toContainText("From entrypoint");
  await expectAccessible(page);

  await page.getByRole("group", { name: "Show workflows as" }).getByRole("link", { name: "List" }).click();
  await expect(version.workflow("triage").getByRole("listitem").filter({ hasText: "etl" }).first()).toContainText("messages per second");
});

test("where nothing was measured the screen says why", async ({ page, server }) => {
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
  await server.configure(RUNTIME.id, "reviews-v2", CONFIG["reviews-v2"]);
  await open(page, `${V2}/metrics`);
  await expect(page.getByText("It does not run.")).toBeVisible();
  await server.command(RUNTIME.id, "reviews-v2", "start");
  await expect(page.getByText("nobody has called it")).toBeVisible();
  await expectAccessible(page);
});

test.describe("with an InfluxDB elsewhere", () => {
  test.use({ settings: { KAI_INFLUX_URI: "http://influx.example:8086" } });

  test("the screen says so", async ({ page, server }) => {
    await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
    await open(page, `${V2}/metrics`);
    await expect(page.getByText("Its nodes send what they measure elsewhere")).toBeVisible();
  });
});

for (const [width, height] of [[390, 844], [1440, 900], [2560, 1440]] as const) {
  for (const colorScheme of ["dark", "light"] as const) {
    test.describe(`${width} pixels wide, ${colorScheme}`, () => {
      test.use({ viewport: { width, height }, colorScheme });

      test("charts and the live graph fit", async ({ page, server }) => {
        const url = await started(server, "reviews-v2");
        await writePoints(url, hour());
        const now = NODES.flatMap(([node, from], index) =>
          Array.from({ length: 20 }, () => handled({ workflow: "triage", node, from, ms: 8 + 14 * index, success: index !== 2 })),
        );
        await writePoints(url, now);
        for (const [name, path, there] of [["metrics", `${V2}/metrics`, /Its own measurements/], ["graph", V2, /p95/]] as const) {
          await open(page, path);
          await expect(page.locator("body")).toContainText(there);
          expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
          await expectAccessible(page);
          await page.screenshot({ path: `test-results/metrics/${name}-${width}-${colorScheme}.png`, fullPage: true });
        }
      });
    });
  }
}
