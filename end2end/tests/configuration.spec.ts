import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { smallKrt } from "../support/krt";
import { VersionPage, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";

test("values are hidden until asked for, and only what was changed is saved", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v2"));
  const version = new VersionPage(page, "reviews-v2");
  await open(page, "/runtimes/demo/versions/reviews-v2/configuration");
  await expect(page.getByText("Missing: ALERT_BELOW, topics.json")).toBeVisible();
  await expect(page.getByRole("button", { name: "Nothing to save" })).toBeDisabled();

  await version.configure(CONFIG["reviews-v2"]);
  await expect(page.getByText("Missing:")).toBeHidden();

  await open(page, "/runtimes/demo/versions/reviews-v2/configuration");
  const variable = page.getByLabel("ALERT_BELOW", { exact: true });
  const file = page.getByLabel("topics.json", { exact: true });
  expect(await page.content()).not.toContain("parcel");
  await expect(variable).toHaveValue("");
  await expect(variable).toHaveAttribute("type", "password");
  await expect(file).toBeHidden();

  await page.getByRole("button", { name: "Show ALERT_BELOW" }).click();
  await expect(variable).toHaveValue(CONFIG["reviews-v2"].ALERT_BELOW);
  await page.getByRole("button", { name: "Show topics.json" }).click();
  await expect(file).toHaveValue(CONFIG["reviews-v2"]["topics.json"]);
  await page.getByRole("button", { name: "Hide topics.json" }).click();
  await expect(file).toBeHidden();

  await variable.fill("0.5");
  await page.getByRole("button", { name: "Save 1 change" }).click();
  await expect(page.getByText("1 value saved.")).toBeVisible();
  await page.getByRole("button", { name: "Show topics.json" }).click();
  await expect(file).toHaveValue(CONFIG["reviews-v2"]["topics.json"]);
});

test("the generation of a version's images is detected, and chosen while it is stopped", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1" }));
  await open(page, "/runtimes/demo/versions/v1/configuration");
  const generation = page.getByLabel("Generation");
  const detected = await generation.inputValue();
  await expect(generation.locator("option:checked")).toContainText("(detected)");
  await expectAccessible(page);

  const other = detected === "c1" ? "b" : "c1";
  await generation.selectOption(other);
  await expect(generation.locator("option:checked")).not.toContainText("(detected)");
  await open(page, "/runtimes/demo/versions/v1/configuration");
  await expect(generation).toHaveValue(other);

  await server.command(RUNTIME.id, "v1", "start");
  await expect(generation).toBeDisabled();
  await expect(page.getByText("It can be changed while the version is stopped.")).toBeVisible();
});

test.describe("a change of the configuration of a version that runs", () => {
  test.use({ settings: { KAI_SANDBOX_READY_AFTER: "2s" } });

  test("is shown on its way to the pods until it is there, in every browser", async ({ page, another, server }) => {
    await server.createRuntime(RUNTIME.id, RUNTIME.name);
    await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
    await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
    await server.command(RUNTIME.id, "reviews-v1", "start");
    await server.waitForState(RUNTIME.id, "reviews-v1", "started");
    const other = await another();
    await open(other, "/runtimes/demo/versions/reviews-v1");
    const rollout = /Rolling out a change: the pods of \d of \d deployments are up to date/;

    await open(page, "/runtimes/demo/versions/reviews-v1/configuration");
    await page.getByLabel("REPLY_SIGNATURE", { exact: true }).fill("Yours");
    await page.getByRole("button", { name: "Save 1 change" }).click();
    await expect(page.getByText(rollout)).toBeVisible();
    await expect(other.getByRole("region", { name: "State" }).getByText(rollout)).toBeVisible();
    await expect(page.getByText(rollout)).toBeHidden();
    await expect(other.getByText(rollout)).toBeHidden();
    await new VersionPage(page, "reviews-v1").expectState("started");
  });
});
