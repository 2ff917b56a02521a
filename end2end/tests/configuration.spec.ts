import { expect, test } from "../support/fixtures";
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
