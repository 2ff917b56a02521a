import type { Page } from "@playwright/test";
import { expect, test } from "../support/fixtures";
import { expectLive, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";
import type { Server } from "../support/server";

const PASSWORD = "a sentence about my cat";

// What is refused is reported to the console by Chromium itself.
test.use({ settings: { KAI_LOGIN: "local" }, expectedErrors: /status of (401|403|422)|Failed to load resource/ });

/** The link that the server prints as long as nobody is an administrator. */
function firstLink(server: Server): string {
  const link = server.printed().match(/http:\/\/\S+\/link\/[0-9a-f]+/);
  if (!link) throw new Error(`no link in:\n${server.printed()}`);
  return link[0];
}

async function choosePassword(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await expectLive(page);
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** What a program would send with the session of the page. */
async function ask(page: Page, method: string, path: string, body: string | Buffer): Promise<void> {
  const answer = await page.request.fetch(`/api/v1${path}`, { method, data: body });
  expect(answer.ok(), await answer.text()).toBe(true);
}

/** A runtime with a version that is configured, made by an administrator. */
async function addDemo(page: Page): Promise<void> {
  await ask(page, "POST", "/runtimes", JSON.stringify({ id: RUNTIME.id, name: RUNTIME.name }));
  await ask(page, "POST", `/runtimes/${RUNTIME.id}/versions`, Buffer.from(sampleBytes("reviews-v1")));
  const config = JSON.stringify({ values: CONFIG["reviews-v1"] });
  await ask(page, "PUT", `/runtimes/${RUNTIME.id}/versions/reviews-v1/config`, config);
}

test("the first administrator invites somebody, gives them a role, and they press what they may", async ({ page, another, server }) => {
  await choosePassword(page, firstLink(server));
  await addDemo(page);
  await page.getByRole("banner").getByRole("link", { name: "People" }).click();
  await page.getByRole("form", { name: "Invite somebody" }).getByLabel("Name").fill("Ana");
  await page.getByRole("button", { name: "Invite" }).click();
  const link = await page.getByRole("status").getByText(/\/link\//).textContent();
  await expect(page.getByRole("rowheader", { name: "Ana" })).toBeVisible();

  const ana = await another();
  await choosePassword(ana, link ?? "");
  await open(ana, `/runtimes/${RUNTIME.id}/versions/reviews-v1`);
  const start = ana.getByRole("button", { name: "Start", exact: true });
  await expect(start).toHaveAttribute("aria-disabled", "true");
  await expect(start).toHaveAccessibleDescription(/takes the role operator, which an admin of this runtime can grant/);
  await expect(ana.getByRole("banner").getByRole("link", { name: "People" })).toHaveCount(0);
  expect((await ana.goto("/people"))?.status()).toBe(403);

  await open(page, `/runtimes/${RUNTIME.id}`);
  await page.getByRole("link", { name: "Access" }).click();
  const give = page.getByRole("form", { name: "Give a role" });
  await give.getByLabel("Name").fill("ana");
  await give.getByLabel("Role").selectOption("operator");
  await give.getByRole("button", { name: "Give role" }).click();
  await expect(page.getByRole("row").filter({ hasText: "Ana" })).toContainText("operator");

  await open(ana, `/runtimes/${RUNTIME.id}/versions/reviews-v1`);
  await expect(start).toHaveAttribute("aria-disabled", "false");
  await start.click();
  await expect(ana.getByRole("complementary", { name: /Version/ })).toContainText("started");
  const publish = ana.getByRole("button", { name: "Publish", exact: true });
  await expect(publish).toHaveAccessibleDescription(/takes the role publisher/);
  await open(ana, "/activity");
  await expect(ana.getByRole("row").filter({ hasText: "start" }).first()).toContainText("Ana");

  await open(page, "/audit");
  await expect(page.getByRole("rowheader", { name: "grant set" }).first()).toBeVisible();
});

test("without scripts somebody signs in, comes to the page that they asked for, and signs out", async ({ page, another, server }) => {
  await choosePassword(page, firstLink(server));
  await addDemo(page);
  const plain = await another({ javaScriptEnabled: false });
  await plain.goto(`/runtimes/${RUNTIME.id}?state=stopped`);
  await expect(plain).toHaveURL(/\/sign-in\?next=/);
  await plain.getByLabel("Name").fill("admin");
  await plain.getByLabel("Password").fill("not the password");
  await plain.getByRole("button", { name: "Sign in" }).click();
  await expect(plain.getByRole("alert")).toHaveText("The name or the password is wrong.");
  await signIn(plain, "admin");
  await expect(plain).toHaveURL(`/runtimes/${RUNTIME.id}?state=stopped`);
  await plain.goto("/account");
  await expect(plain.getByRole("row").filter({ hasText: "this one" })).toHaveCount(1);
  await plain.getByRole("button", { name: "Sign out" }).click();
  await expect(plain).toHaveURL("/sign-in");
  await plain.goBack();
  await expect(plain.getByLabel("Password")).toBeVisible();
});

test("after the session has ended a page keeps what was typed, and goes on when somebody has signed in again", async ({ page, server }) => {
  await choosePassword(page, firstLink(server));
  await addDemo(page);
  await open(page, `/runtimes/${RUNTIME.id}/versions/reviews-v1/configuration`);
  const [name] = Object.keys(CONFIG["reviews-v1"]);
  const field = page.getByLabel(name ?? "", { exact: true });
  await field.fill("a value that was typed");
  await ask(page, "DELETE", "/people/me/sessions", "");
  await expect(page.getByRole("alert")).toContainText("Your session has ended.", { timeout: 30_000 });
  await expect(field).toHaveValue("a value that was typed");

  const opened = page.waitForEvent("popup");
  await page.getByRole("link", { name: "Sign in in another tab" }).click();
  const tab = await opened;
  await signIn(tab, "admin");
  await expectLive(tab);
  await page.bringToFront();
  await expectLive(page);
  await page.getByRole("button", { name: /^Save/ }).click();
  await expect(page.getByText("1 value saved.")).toBeVisible();
});

test("somebody makes a token, uses it and revokes it", async ({ page, server }) => {
  await choosePassword(page, firstLink(server));
  await open(page, "/account");
  await page.getByRole("form", { name: "Create a token" }).getByLabel("Name").fill("deploy");
  await page.getByRole("button", { name: "Create token" }).click();
  const token = await page.getByRole("status").getByText(/^kai_/).textContent();
  const asked = () => fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  expect(await (await asked()).json()).toMatchObject({ who: "admin (token deploy)", rights: { all: "viewer" } });
  await page.getByRole("button", { name: "Revoke deploy" }).click();
  await expect(page.getByRole("rowheader", { name: "deploy" })).toHaveCount(0);
  expect((await asked()).status).toBe(401);
});
