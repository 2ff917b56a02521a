import { readFile } from "node:fs/promises";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { smallKrt } from "../support/krt";
import { open } from "../support/pages";
import { RUNTIME } from "../support/samples";

test("the manifest is shown as it was sent, with its warnings, and can be taken along", async ({ page, server, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  const proto = `syntax = "proto3"; message A {} service Entrypoint { rpc Other (A) returns (A); }`;
  const krt = smallKrt({ name: "v1", proto });
  await server.addVersion(RUNTIME.id, krt);
  await open(page, "/runtimes/demo/versions/v1");

  await page.getByRole("navigation", { name: "Version" }).getByRole("link", { name: "Manifest" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Manifest");
  const source = page.getByRole("group", { name: "The manifest, line by line" });
  await expect(source).toContainText("description: Made for a test.");
  await expect(source).toContainText("Other");
  await expectAccessible(page);

  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByText("Copied.")).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain("version: v1\ndescription: Made for a test.\n");

  const [manifest] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download krt.yml" }).click(),
  ]);
  expect(await readFile(await manifest.path(), "utf8")).toBe(copied);
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download the KRT file" }).click(),
  ]);
  expect(file.suggestedFilename()).toBe("demo-v1.krt");
  expect((await readFile(await file.path())).equals(krt)).toBe(true);
});
