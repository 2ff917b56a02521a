import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { smallKrt } from "../support/krt";
import { open } from "../support/pages";
import { RUNTIME, sampleBytes } from "../support/samples";

const SCREEN = "/runtimes/demo/versions/v1/documentation";
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

test.beforeEach(async ({ server }) => server.createRuntime(RUNTIME.id, RUNTIME.name));

test("a version's own words are read, with a table of contents that leads to them", async ({ page, server }) => {
  const filler = "Words. ".repeat(400);
  const readme = `# Sorting reviews\n\n| a | b |\n|---|---|\n| one | two |\n\n![a dot](img/dot.png)\n\n## How\n\n${filler}\n\n### In depth\n\n${filler}\n\n## Why\n\nSee [the guide](guide/start.md#first-steps).\n\n${filler}`;
  const guide = `# Guide\n\n${filler}\n\n## First steps\n\nBack to [the start](../README.md). ${filler}`;
  const files = { "docs/README.md": readme, "docs/img/dot.png": PICTURE, "docs/guide/start.md": guide };
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1", files }));
  await open(page, "/runtimes/demo/versions/v1");

  await page.getByRole("navigation", { name: "Version" }).getByRole("link", { name: "Documentation" }).click();
  await expect(page).toHaveURL(SCREEN);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Documentation");
  await expect(page.getByRole("heading", { level: 2, name: "Sorting reviews" })).toBeVisible();
  await expect(page.getByRole("cell", { name: "two" })).toBeVisible();
  const picture = page.getByRole("img", { name: "a dot" });
  await picture.scrollIntoViewIfNeeded();
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1);

  const contents = page.getByRole("navigation", { name: "On this page" });
  await expect(contents.getByRole("link")).toHaveText(["Sorting reviews", "How", "In depth", "Why"]);
  await contents.getByRole("link", { name: "Why" }).click();
  await expect(page).toHaveURL(`${SCREEN}#doc-why`);
  await expect(page.getByRole("heading", { name: "Why" })).toBeInViewport();
  await expectAccessible(page);

  await page.getByRole("link", { name: "the guide" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "Guide" })).toBeVisible();
  await expect(page).toHaveURL(`${SCREEN}?page=docs%2Fguide%2Fstart.md#doc-first-steps`);
  await page.getByRole("link", { name: "the start" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "Sorting reviews" })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("heading", { level: 2, name: "Guide" })).toBeVisible();
});

test("hostile Markdown runs nothing, loads nothing and leads nowhere", async ({ page, server }) => {
  const readme = `# Hostile

<script>window.stolen = 1</script>
<img src=x onerror="window.stolen = 1">
<svg onload="window.stolen = 1"></svg>
<a href="javascript:window.stolen = 1">raw</a>
<iframe src="https://evil.example/"></iframe>
<style>body { background: url(https://evil.example/style) }</style>

[script](javascript:window.stolen=1) [data](data:text/html,<script>1</script>) [manifest](../../krt.yml) [root](/api/v1/runtimes)

![far](https://evil.example/picture.png) ![data](data:image/svg+xml,<svg/>) ![dot](img/evil.svg)

[elsewhere](https://evil.example/page)
`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>window.stolen = 1</script></svg>`;
  const files = { "docs/README.md": readme, "docs/img/evil.svg": svg };
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1", files }));
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await open(page, SCREEN);
  await expect(page.getByRole("heading", { name: "Hostile" })).toBeVisible();

  const article = page.getByRole("article");
  await expect(article.locator("script, iframe, style, svg, form, object")).toHaveCount(0);
  const links = await article.getByRole("link").evaluateAll((all) => all.map((link) => [link.textContent, link.getAttribute("href"), link.getAttribute("rel")]));
  expect(links).toEqual([
    ["far (picture on another host)", "https://evil.example/picture.png", "noopener noreferrer"],
    ["elsewhere", "https://evil.example/page", "noopener noreferrer"],
  ]);
  for (const dead of ["script", "data", "manifest", "root"]) {
    await expect(article.getByText(dead, { exact: true }).first()).toBeVisible();
  }
  await expect.poll(() => asked.filter((url) => url.endsWith("/docs/img/evil.svg")).length).toBe(1);
  expect(asked.filter((url) => !url.startsWith(server.url) && !url.startsWith("data:"))).toEqual([]);
  expect(await page.evaluate(() => "stolen" in window)).toBe(false);
});

test.describe("a picture with a script in it", () => {
  // Chromium says what it does not run.
  test.use({ expectedErrors: /Blocked script execution|Content Security Policy/ });

  test("does not run it, even when it is opened by itself", async ({ page, server }) => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg"><title>before</title><script>document.querySelector("title").textContent = "ran"</script></svg>`;
    await server.addVersion(RUNTIME.id, smallKrt({ name: "v1", files: { "docs/README.md": "# R", "docs/evil.svg": svg } }));
    await page.goto("/api/v1/runtimes/demo/versions/v1/docs/evil.svg");
    await expect(page.locator("title")).toHaveText("before");
  });
});

test("a version without documentation says how it gets some", async ({ page, server }) => {
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1" }));
  await open(page, SCREEN);
  await expect(page.getByText("This version has no documentation.")).toBeVisible();
  await expect(page.getByText("docs/README.md")).toBeVisible();
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test("long lines, wide tables and deep headings stay within the page", async ({ page, server }) => {
    const wide = `| ${"column | ".repeat(20)}\n|${"---|".repeat(20)}\n| ${"value | ".repeat(20)}`;
    const readme = `# ${"Long".repeat(30)}\n\n${wide}\n\n\`\`\`\n${"x".repeat(500)}\n\`\`\`\n\n${[2, 3, 4, 5, 6].map((level) => `${"#".repeat(level)} Level ${level}\n\ntext`).join("\n\n")}\n\nhttps://example.org/${"a".repeat(200)}`;
    await server.addVersion(RUNTIME.id, smallKrt({ name: "v1", files: { "docs/README.md": readme } }));
    await open(page, SCREEN);
    await expect(page.getByRole("heading", { name: "Level 6" })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await expectAccessible(page);
  });
});

test("the sample's documentation is shown", async ({ page, server }) => {
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
  await open(page, "/runtimes/demo/versions/reviews-v2/documentation");
  await expect(page.getByRole("heading", { name: "Reviews, sorted" })).toBeVisible();
  await expect(page.getByRole("cell", { name: "ALERT_BELOW" })).toBeVisible();
});
