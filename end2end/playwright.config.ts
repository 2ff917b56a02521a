import { defineConfig } from "@playwright/test";
import { findBrowser } from "./support/browser";

// `make test-browser` builds the server, the pages and the samples, and says by the environment where they are.
export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  // A test that passes the second time is a test, or a product, that sometimes fails.
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  workers: 2,
  fullyParallel: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: { executablePath: findBrowser(), args: ["--no-sandbox"] },
  },
});
