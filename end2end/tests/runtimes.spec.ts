import { expect, test } from "../support/fixtures";
import { holdBack, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";

test("the first page of a new server says what to do first", async ({ page }) => {
  await open(page, "/");
  await expect(page.getByText("No runtimes yet.")).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "Create a runtime" })).toBeVisible();
});

test("a new runtime is checked while its fields are filled in, and is gone to", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await open(page, "/");
  await page.getByRole("link", { name: "New runtime" }).click();
  await expect(page).toHaveURL(/\/runtimes\/new$/);
  await expect(page).toHaveTitle("New runtime · KAI Server");
  const [id, name] = [page.getByLabel("Id", { exact: true }), page.getByLabel("Name", { exact: true })];

  // As docs/api.md says.
  await expect(page.getByLabel("Description", { exact: true })).toHaveAttribute("maxlength", "2000");
  await id.fill("Shop");
  await expect(id).toHaveAccessibleDescription(/lower-case letters/);
  await expect(id).toHaveAttribute("aria-invalid", "true");
  await id.fill("1shop");
  await expect(id).toHaveAccessibleDescription(/begins with a digit/);
  await id.fill(RUNTIME.id);
  await expect(id).toHaveAccessibleDescription(/taken by the runtime Demo/);
  await name.fill(RUNTIME.name);
  await expect(name).toHaveAccessibleDescription(/already a runtime named Demo/);

  await id.fill("shop");
  await name.fill("Shop");
  await expect(page.locator("[aria-invalid]")).toHaveCount(0);
  await page.getByRole("button", { name: "Create runtime" }).click();
  await expect(page).toHaveURL(/\/runtimes\/shop$/);
  await expect(page.getByRole("heading", { name: "Shop" })).toBeVisible();
  await page.goBack();
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page.getByRole("heading", { name: "Shop" })).toBeVisible();
});

test("what is typed before the page's code is there is kept, and checked when it is", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  const arrive = await holdBack(page, /_bg\.wasm$/);
  await page.goto("/runtimes/new");
  const [id, name] = [page.getByLabel("Id", { exact: true }), page.getByLabel("Name", { exact: true })];
  await name.fill("Shop");
  await id.fill("Sh");
  await expect(id).not.toHaveAttribute("aria-invalid");
  arrive();
  await expect(id).toHaveAccessibleDescription(/lower-case letters/);
  await expect(id).toHaveAttribute("aria-invalid", "true");
  await expect(id).toHaveValue("Sh");
  await expect(id).toBeFocused();
  await expect(name).toHaveValue("Shop");
});

test("a runtime is created without scripts, too", async ({ another }) => {
  const plain = await another({ javaScriptEnabled: false });
  await plain.goto("/");
  await plain.getByRole("link", { name: "New runtime" }).click();
  await plain.getByLabel("Id", { exact: true }).fill("shop");
  await plain.getByLabel("Name", { exact: true }).fill("Shop");
  await plain.getByRole("button", { name: "Create runtime" }).click();
  await expect(plain).toHaveURL(/\/runtimes\/shop$/);
  await expect(plain.getByRole("heading", { name: "Shop" })).toBeVisible();
});

test.describe("what only the server knows", () => {
  // Chromium itself reports every answer that is an error to the console.
  test.use({ expectedErrors: /status of (409|422)/ });

  test("is said beside its field too, with scripts and without", async ({ page, another, server }) => {
    await open(page, "/runtimes/new");
    const plain = await another({ javaScriptEnabled: false });
    await plain.goto("/runtimes/new");
    await server.createRuntime(RUNTIME.id, "Somebody else's");
    for (const each of [plain, page]) {
      await each.getByLabel("Name", { exact: true }).fill("Demo");
      await each.getByLabel("Id", { exact: true }).fill(RUNTIME.id);
      await each.getByRole("button", { name: "Create runtime" }).click();
      await expect(each.locator("#runtime-id-error")).toContainText(/taken|already/);
    }
    // The answer to the form without scripts, hydrated by a page with them.
    await page.goto(plain.url());
    await expect(page.locator("#runtime-id-error")).toContainText(/already/);
    await expect(page.getByRole("banner").getByText("Live", { exact: true })).toBeVisible();
  });
});

test("a card tells what is published, how many are in which state, how they are and what happened last", async ({
  page,
  server,
}) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await open(page, "/");
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: RUNTIME.name }) });
  await expect(card).toContainText("Nothing published");
  await expect(card).toContainText("No versions yet");

  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
  await expect(card).toContainText("2 stopped");
  await expect(card).toContainText("create of reviews-v2 by local, just now");
  await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
  await server.command(RUNTIME.id, "reviews-v1", "start");
  await expect(card).toContainText("1 started");
  await expect(card).toContainText("healthy");
  await server.command(RUNTIME.id, "reviews-v1", "publish");
  await expect(card).toContainText("Published: reviews-v1");
  await expect(card.getByRole("list", { name: "Versions" }).getByRole("listitem")).toHaveText(["1 published", "1 stopped"]);
  await expect(card).toContainText("publish of reviews-v1 by local");
});
