import type { Page } from "@playwright/test";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { smallKrt } from "../support/krt";
import { expectFitsAllWidths } from "../support/layout";
import { RuntimePage, VersionPage, expectLive, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes, samplePath } from "../support/samples";
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
  { name: "version", path: version, content: [/Workflows/, /clean-text/, /triggered by rpc Rate/, /Unpublish/] },
  { name: "configuration", path: `${version}/configuration`, content: [/Configuration/, /REPLY_SIGNATURE/] },
  { name: "history", path: `${version}/history`, content: [/History/, /configure/, /create/] },
];
/** And what is not on the way from the first to the last. */
const ALL_SCREENS: Screen[] = [
  ...SCREENS,
  { name: "activity", path: "/activity", content: [/Activity/, /reviews-v1/, /Export as CSV/] },
  { name: "people", path: "/people", content: [/People/, /Invite/, /everyone/] },
  { name: "access", path: "/runtimes/demo/access", content: [/Access/, /Give role/] },
  { name: "audit", path: "/audit", content: [/Audit log/, /runtime created/] },
  { name: "node", path: `${version}?workflow=rate&node=score`, content: [/kai.test\/kre-py:2.1.0/, /Pods/, /Events/] },
  { name: "list", path: `${version}?view=list`, content: [/Workflows/, /clean-text/, /1\/1/] },
  { name: "metrics", path: `${version}/metrics`, content: [/Metrics/, /Nothing was measured/] },
  { name: "documentation", path: `${version}/documentation`, content: [/Documentation/, /On this page/] },
  { name: "manifest", path: `${version}/manifest`, content: [/Manifest/, /krt\.yml/, /REPLY_SIGNATURE/] },
  { name: "try-it", path: `${version}/try-it`, content: [/Try it/, /nothing really runs in the sandbox/i, /grpcurl/] },
  { name: "compare", path: `${version}/compare?with=reviews-v2`, content: [/Compare/, /For callers/, /reviews-v2/] },
];

/** What is laid over a screen or appears on it when somebody asks for it. */
const ASKED_FOR: { name: string; path: string; show: (page: Page) => Promise<void> }[] = [
  {
    name: "palette",
    path: "/",
    show: async (page) => {
      await page.keyboard.press("Control+k");
      await expect(page.getByRole("dialog", { name: "Command palette" }).getByRole("option").first()).toBeVisible();
    },
  },
  {
    name: "help",
    path: "/",
    show: async (page) => {
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
    },
  },
  {
    name: "new-runtime",
    path: "/runtimes/new",
    show: async (page) => {
      await page.getByLabel("Id", { exact: true }).fill("1shop");
      await expect(page.getByText("begins with a digit")).toBeVisible();
    },
  },
  {
    name: "publish",
    path: version,
    show: async (page) => {
      await new VersionPage(page, "reviews-v1").action("Publish").click();
      await expect(page.getByRole("dialog")).toContainText("No version is published now");
    },
  },
  {
    name: "review",
    path: "/runtimes/demo",
    show: async (page) => {
      const runtime = new RuntimePage(page);
      await runtime.pick(samplePath("unpullable"));
      await expect(runtime.upload).toContainText("Workflow rate");
    },
  },
  {
    name: "refused",
    path: "/runtimes/demo",
    show: async (page) => {
      const runtime = new RuntimePage(page);
      await runtime.pick(samplePath("broken"));
      await expect(runtime.upload).toContainText("5 errors");
    },
  },
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
  for (const [at, screen] of [...SCREENS.entries()].reverse()) {
    await page.reload();
    await expectLive(page);
    await expectScreen(page, screen);
    if (at === 0) break;
    await page.goBack();
    // A reload while its code is being compiled ends that, of which Chromium tells the console and nobody else.
    await expectScreen(page, SCREENS[at - 1]!);
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
      const above = page.getByRole("link", { name: "Runtime demo", exact: true });
      await expect(above).toHaveCount(path.includes("/versions/") ? 1 : 0);
    }
  });
});

/** Nothing is cut off at the side: the page is no wider than the window. */
async function expectNoOverflow(page: Page, what: string): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), what).toBeLessThanOrEqual(0);
}

for (const [width, height] of [[1280, 800], [390, 844]] as const) {
  for (const colorScheme of ["dark", "light"] as const) {
    test.describe(`${width} pixels wide, ${colorScheme}`, () => {
      test.use({ viewport: { width, height }, colorScheme });

      const keep = (page: Page, name: string) =>
        page.screenshot({ path: `test-results/screens/${name}-${width}-${colorScheme}.png`, fullPage: true });

      test("every screen fits, and everybody can use it", async ({ page }) => {
        test.slow();
        for (const screen of ALL_SCREENS) {
          await open(page, screen.path);
          await expectScreen(page, screen);
          await expectNoOverflow(page, screen.name);
          const here = page.getByRole("navigation", { name: "Version" }).locator("[aria-current=page]");
          if (screen.path.startsWith(version)) await expect(here).toBeInViewport({ ratio: 1 });
          await expectAccessible(page);
          await keep(page, screen.name);
        }
      });

      test("so does everything that can be asked for", async ({ page }) => {
        test.slow();
        for (const { name, path, show } of ASKED_FOR) {
          await open(page, path);
          await show(page);
          await expectNoOverflow(page, name);
          await expectAccessible(page);
          await keep(page, name);
        }
      });
    });
  }
}

test("at every width each screen fits its window, with no text cut off and no word broken", async ({ page, server }) => {
  test.slow();
  await server.createRuntime("recommendation-eu", "Recommendations for Europe");
  // As long as names, descriptions and comments come.
  const description = "Recommendations with internationalization and configuration of everything";
  const long = smallKrt({ name: "recommender-2026-11", description });
  await server.addVersion("recommendation-eu", long);
  await server.command("recommendation-eu", "recommender-2026-11", "start", "Internationalization, for the configuration of November");
  await server.waitForState("recommendation-eu", "recommender-2026-11", "started");
  const longVersion = "/runtimes/recommendation-eu/versions/recommender-2026-11";
  const more = [`${version}?logs=all`, "/runtimes/recommendation-eu", longVersion, `${longVersion}/configuration`, `${longVersion}/history`];
  for (const path of [...ALL_SCREENS.map((screen) => screen.path), ...more]) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await open(page, path);
    await expectFitsAllWidths(page, path);
  }
});

for (const width of [360, 800, 1024, 2560]) {
  test(`every screen fits a window ${width} pixels wide`, async ({ page }) => {
    test.slow();
    await page.setViewportSize({ width, height: 800 });
    for (const screen of ALL_SCREENS) {
      await open(page, screen.path);
      await expectNoOverflow(page, screen.name);
      await page.screenshot({ path: `test-results/screens/${screen.name}-${width}.png` });
    }
  });
}
