import type { Page } from "@playwright/test";
import { expect, test } from "../support/fixtures";
import { RuntimePage, expectLive } from "../support/pages";
import { smallKrt } from "../support/krt";
import { RUNTIME } from "../support/samples";

declare global {
  interface Window {
    held: (() => void)[];
    streams: number;
  }
}

test.beforeEach(async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1" }));
  // Each piece of a page waits for a task of its own; here none comes before it is let.
  await page.addInitScript(() => {
    window.held = [];
    window.streams = 0;
    const pass = window.setTimeout.bind(window);
    const hold = (callback: () => void, delay?: number) => (delay === 0 ? window.held.push(callback) : pass(callback, delay));
    window.setTimeout = hold as unknown as typeof setTimeout;
    window.EventSource = class extends EventSource {
      constructor(url: string) {
        super(url);
        window.streams += 1;
      }
    };
  });
});

/** Opens the page, and takes over nothing but what is around its pieces. */
async function begin(page: Page): Promise<void> {
  await page.goto("/runtimes/demo");
  await page.waitForFunction(() => window.held.length === 1);
  await next(page);
  await page.waitForFunction(() => window.held.length > 0);
}

/** Has the next piece taken over; answers how many wait then. */
function next(page: Page): Promise<number> {
  return page.evaluate(() => {
    window.held.shift()?.();
    return window.held.length;
  });
}

async function complete(page: Page): Promise<void> {
  while ((await next(page)) > 0);
}

test("a page is taken over piece by piece, and follows the server when it is complete", async ({ page }) => {
  await begin(page);
  let pieces = 1;
  while ((await next(page)) > 0) {
    expect(await page.evaluate(() => window.streams)).toBe(0);
    pieces += 1;
  }
  // The header, the content, the news, the help; the runtime, what is published, the filter, the row, the drop zone, and
  // the button that deletes the runtime.
  expect(pieces).toBe(10);
  await expectLive(page);
  await new RuntimePage(page).row("v1").getByRole("button", { name: "Start v1" }).click();
  await new RuntimePage(page).expectState("v1", "started");
});

test("whoever is faster than the page is heard all the same", async ({ page }) => {
  await begin(page);
  await new RuntimePage(page).row("v1").getByRole("button", { name: "Start v1" }).click();
  await expectLive(page);
  await new RuntimePage(page).expectState("v1", "started");
  // Their turns come, but they have been taken over.
  await complete(page);
  await expect(page.getByRole("row")).toHaveCount(2);
});

test("the buttons of the header do not wait for the content", async ({ page }) => {
  await begin(page);
  await page.getByRole("button", { name: "Keyboard" }).click();
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  expect(await page.evaluate(() => window.streams)).toBe(0);
  await page.keyboard.press("Escape");
  await expectLive(page);
});

test("who leaves a page before it is taken over gets the next one", async ({ page }) => {
  await begin(page);
  await page.getByRole("banner").getByRole("link", { name: "Activity" }).click();
  await expect(page.getByRole("heading", { name: "Activity", level: 1 })).toBeVisible();
  await complete(page);
  await expectLive(page);
  await page.goBack();
  await expect(page.getByRole("heading", { name: RUNTIME.name, level: 1 })).toBeVisible();
  // Built inside the application, the rows have a task of their own.
  await expect(page.getByRole("rowheader")).toHaveCount(0);
  await complete(page);
  await expect(new RuntimePage(page).row("v1")).toBeVisible();
});
