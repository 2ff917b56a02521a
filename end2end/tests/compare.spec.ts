import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { PROTO_OF_SMALL_KRT, smallKrt } from "../support/krt";
import { VersionPage, open } from "../support/pages";
import { RUNTIME } from "../support/samples";
import type { Server } from "../support/server";

const COMPARE = "/runtimes/demo/versions/v2/compare";
const OTHER_PROTO = PROTO_OF_SMALL_KRT.replace("message Reply { string text = 1; }", "message Reply { bytes text = 1; }");

/** `v1` and `v2`, which differs in most things that may differ, and `v0`, which came before. */
async function prepare(server: Server): Promise<void> {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v0" }));
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1" }));
  const files = { "src/one.py": "another" };
  const v2 = smallKrt({ name: "v2", image: "example/one:2", replicas: 2, variables: ["KEY"], proto: OTHER_PROTO, files });
  await server.addVersion(RUNTIME.id, v2);
}

test("what differs between two versions is told by what they do and line by line", async ({ page, server }) => {
  await prepare(server);
  await open(page, "/runtimes/demo/versions/v2");
  await page.getByRole("navigation", { name: "Version" }).getByRole("link", { name: "Compare" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Compare");
  const from = page.getByLabel("From");
  await expect(from).toHaveValue("v1");

  const callers = page.getByRole("region", { name: "For callers" });
  await expect(callers).toContainText("This breaks callers");
  await expect(callers).toContainText("Field text of Reply is bytes instead of string.");
  const workflows = page.getByRole("region", { name: "Workflows" });
  for (const text of ["example/one:1", "example/one:2", "content of the source", "replicas"]) {
    await expect(workflows).toContainText(text);
  }
  await expect(page.getByRole("region", { name: "Configuration" })).toContainText("KEY a variable that v1 does not use");
  const manifest = page.getByRole("region", { name: "Manifest" });
  await expect(manifest).toContainText("version: v1");
  await expect(manifest).toContainText("version: v2");
  await expectAccessible(page);

  await from.selectOption("v0");
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page).toHaveURL(/compare\?with=v0/);
  await expect(manifest).toContainText("version: v0");
});

test("versions that do the same are said to, and a lone one has nothing beside it", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v0" }));
  await open(page, "/runtimes/demo/versions/v0/compare");
  await expect(page.getByText("no other version to compare with")).toBeVisible();

  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1" }));
  await open(page, "/runtimes/demo/versions/v1/compare?with=v0");
  await expect(page.getByText("v0 and v1 are equivalent")).toBeVisible();
  await expect(page.getByText("No changes: rpcs and messages are the same.")).toBeVisible();
});

test("before a publication over another it is told what changes for callers", async ({ page, server }) => {
  await prepare(server);
  await server.configure(RUNTIME.id, "v2", { KEY: "x" });
  for (const version of ["v1", "v2"]) {
    await server.command(RUNTIME.id, version, "start");
    await server.waitForState(RUNTIME.id, version, "started");
  }
  await server.command(RUNTIME.id, "v1", "publish");
  await server.waitForState(RUNTIME.id, "v1", "published");

  const version = new VersionPage(page, "v2");
  await open(page, "/runtimes/demo/versions/v2");
  await version.action("Publish").click();
  const dialog = version.dialog("Publish");
  await expect(dialog).toContainText("Replaces v1");
  await expect(dialog).toContainText("This breaks callers");
  await expect(dialog).toContainText("Field text of Reply is bytes instead of string.");
  await expect(dialog).toContainText("Other changes: the entrypoint changed, 1 node changed, 1 configuration value changed");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Publish", exact: true }).click();
  await version.expectState("published");
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test("the manifests stand one below the other within the page", async ({ page, server }) => {
    await prepare(server);
    await open(page, `${COMPARE}?with=v1`);
    await expect(page.getByText("removed: version: v1")).toBeVisible();
    await expect(page.getByText("added: version: v2")).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await expectAccessible(page);
  });
});
