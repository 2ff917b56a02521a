import type { Page } from "@playwright/test";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { expectLive, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";
import type { Server } from "../support/server";

interface Screen {
  name: string;
  path: string;
  /** Text that only this screen has, with what the tests put there. */
  content: RegExp[];
}

const version = "/runtimes/demo/versions/reviews-v1";
const SCREENS: Screen[] = [
  { name: "runtimes", path: "/", content: [/Runtimes/, /Demo/, /1 started/] },
  { name: "runtime", path: "/runtimes/demo", content: [/The runtime Demo\./, /reviews-v1/, /Add version/] },
  { name: "version", path: version, content: [/Workflows/, /clean-text/, /fed by rpc Rate/, /Unpublish/] },
  { name: "configuration", path: `${version}/configuration`, content: [/Configuration/, /REPLY_SIGNATURE/] },
  { name: "history", path: `${version}/history`, content: [/History/, /configure/, /create/] },
];
/** And what is not on the way from the first to the last. */
const ALL_SCREENS: Screen[] = [
  ...SCREENS,
  { name: "activity", path: "/activity", content: [/Activity/, /reviews-v1/, /Export as CSV/] },
];

test.beforeEach(async ({ server }) => prepare(server));

/** A runtime with one version that runs and one that does not. */
async function prepare(server: Server): Promise<void> {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
  await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
  await server.command(RUNTIME.id, "reviews-v1", "start");
  await server.waitForState(RUNTIME.id, "reviews-v1", "started");
}

async function expectScreen(page: Page, screen: Screen): Promise<void> {
  await expect(page).toHaveURL(screen.path);
  for (const text of screen.content) await expect(page.locator("body")).toContainText(text);
}

test("back, forward and reload work on every screen", async ({ page }) => {
  await open(page, "/");
  const links: [RegExp | string, Screen][] = [
    ["Demo", SCREENS[1]!],
    ["reviews-v1", SCREENS[2]!],
    [/^Configuration/, SCREENS[3]!],
    ["History", SCREENS[4]!],
  ];
  await expectScreen(page, SCREENS[0]!);
  for (const [name, screen] of links) {
    await page.getByRole("link", { name, exact: true }).first().click();
    await expectScreen(page, screen);
  }
  for (const screen of SCREENS.slice(0, -1).reverse()) {
    await page.goBack();
    await expectScreen(page, screen);
  }
  for (const screen of SCREENS.slice(1)) {
    await page.goForward();
    await expectScreen(page, screen);
  }
  for (const screen of SCREENS.slice().reverse()) {
    await page.reload();
    await expectLive(page);
    await expectScreen(page, screen);
    if (screen !== SCREENS[0]) await page.goBack();
  }
});

test("without JavaScript each screen shows its content", async ({ another }) => {
  const page = await another({ javaScriptEnabled: false });
  for (const screen of ALL_SCREENS) {
    const answer = await page.goto(screen.path);
    expect(answer?.status()).toBe(200);
    await expectScreen(page, screen);
    await expect(page.getByText("Loading…")).toHaveCount(0);
  }
});

test.describe("an address that leads nowhere", () => {
  // Chromium itself reports every answer that is an error to the console.
  test.use({ expectedErrors: /status of 404/ });

  test("says so and leads back", async ({ another }) => {
    const page = await another({ javaScriptEnabled: false });
    for (const path of ["/nowhere", "/runtimes/nobody", `${version}-x`, "/runtimes/Not%20A%20Name"]) {
      const answer = await page.goto(path);
      expect(answer?.status(), path).toBe(404);
      await expect(page.getByRole("heading", { name: "Not found" })).toBeVisible();
      await expect(page.getByRole("link", { name: "All runtimes", exact: true })).toBeVisible();
    }
  });
});

for (const [width, height] of [[1280, 800], [390, 844]] as const) {
  for (const colorScheme of ["dark", "light"] as const) {
    test(`every screen fits a window ${width} pixels wide, and everybody can use it, ${colorScheme}`, async ({ page }) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      for (const screen of ALL_SCREENS) {
        await open(page, screen.path);
        await expectScreen(page, screen);
        // Nothing is cut off at the side: the page is no wider than the window.
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow, screen.name).toBeLessThanOrEqual(0);
        await expectAccessible(page);
        await page.screenshot({ path: `test-results/screens/${screen.name}-${width}-${colorScheme}.png`, fullPage: true });
      }
    });
  }
}
