import type { Page } from "@playwright/test";
import { expect, test as base } from "../support/fixtures";
import { open } from "../support/pages";
import { IdentityProvider } from "../support/provider";
import type { Server } from "../support/server";

const test = base.extend<{ provider: IdentityProvider }>({
  provider: async ({}, use) => {
    const provider = await IdentityProvider.start();
    await use(provider);
    await provider.close();
  },
  settings: async ({ provider }, use) => use(provider.settings),
});

/** From a page that asks for a sign-in, by the provider. */
async function signIn(page: Page, provider: IdentityProvider, who: string, at = "/"): Promise<void> {
  await page.goto(at);
  await expect(page).toHaveURL(/\/sign-in/);
  await provider.signIn(page, who);
}

async function signOut(page: Page): Promise<void> {
  await open(page, "/account");
  await page.getByRole("button", { name: "Sign out" }).click();
}

/** By whoever has signed in in this browser. */
async function createRuntime(page: Page, server: Server): Promise<number> {
  const answer = await page.request.post(`${server.url}/api/v1/runtimes`, { data: { id: "demo", name: "Demo" } });
  return answer.status();
}

test("who signs in with the provider comes to the page that they asked for and may do what their groups may", async ({
  page, another, provider, server,
}) => {
  await signIn(page, provider, "Mira admins", "/activity?action=start");
  await expect(page).toHaveURL(`${server.url}/activity?action=start`);
  expect(await createRuntime(page, server)).toBe(201);
  await open(page, "/runtimes/demo");
  await expect(page.getByLabel("Add version")).toBeEnabled();

  // Somebody else looks, and no more.
  const other = await another();
  await signIn(other, provider, "Noa", "/runtimes/demo");
  await expect(other).toHaveURL(`${server.url}/runtimes/demo`);
  await expect(other.getByRole("heading", { name: "Demo" })).toBeVisible();
  expect(await createRuntime(other, server)).toBe(403);
});

test.describe("out", () => {
  // The tab that is still open learns that its session has ended.
  test.use({ expectedErrors: /status of 401/ });

  test("a second tab is signed in too, and signing out ends the session here and at the provider", async ({
    page, context, provider, server,
  }) => {
    await signIn(page, provider, "Mira admins");
    await expect(page).toHaveURL(`${server.url}/`);
    const tab = await context.newPage();
    await open(tab, "/activity");

    await signOut(page);
    await expect(page).toHaveURL(new RegExp(`^${provider.issuer}/session/end`));
    await page.getByRole("button", { name: "Yes, sign me out" }).click();
    await expect(page).toHaveURL(`${server.url}/sign-in`);
    // Neither the way back nor the other tab shows anything.
    await page.goBack();
    await page.goto("/activity");
    await expect(page).toHaveURL(/\/sign-in/);
    await tab.reload();
    await expect(tab).toHaveURL(/\/sign-in/);
    // The provider knows nobody either: it asks again who it is.
    await provider.signIn(page, "Noa");
    await expect(page).toHaveURL(`${server.url}/activity`);
  });
});

test("two tabs that sign in at once both come to where they were going", async ({ page, context, provider, server }) => {
  const tab = await context.newPage();
  await tab.goto("/activity");
  await page.goto("/");
  // Both are at the provider before either is back.
  await provider.goTo(tab);
  await provider.signIn(page, "Mira admins");
  await expect(page).toHaveURL(`${server.url}/`);
  await provider.enter(tab, "Mira admins");
  await expect(tab).toHaveURL(`${server.url}/activity`);
});

test.describe("back", () => {
  // The provider says that what its page asked for is done.
  test.use({ expectedErrors: /status of 400/ });

  test("who goes back after signing in is still signed in", async ({ page, provider, server }) => {
    await signIn(page, provider, "Mira admins", "/activity");
    await expect(page).toHaveURL(`${server.url}/activity`);
    await page.goBack();
    await page.goto("/activity");
    await expect(page).toHaveURL(`${server.url}/activity`);
  });
});

test.describe("refused", () => {
  // The page that says so has a status of its own, and a server that is killed breaks connections and refuses them.
  test.use({ expectedErrors: /status of (403|503)|net::ERR_/ });

  test("who cancels at the provider is told so on the page to sign in", async ({ page, provider }) => {
    await page.goto("/activity");
    await provider.goTo(page);
    await page.getByRole("link", { name: "[ Cancel ]" }).click();
    await expect(page.getByRole("alert")).toContainText("The provider did not sign you in: it was cancelled there");
    // From there it works.
    await provider.signIn(page, "Noa");
    await expect(page).toHaveURL(/\/$/);
  });

  test("while the provider is down, the page to sign in says so and sessions go on", async ({
    page, another, provider, server,
  }) => {
    await signIn(page, provider, "Mira admins");
    await expect(page).toHaveURL(`${server.url}/`);
    await provider.stop();
    // A server that has just begun knows nothing of the provider, and has the sessions in its database.
    await server.kill();
    await server.start();
    await open(page, "/activity");
    const other = await another();
    await other.goto("/");
    await other.getByRole("link", { name: "Sign in with Example ID" }).click();
    await expect(other.getByRole("alert")).toContainText("The provider cannot be reached; try again in a minute");
    // Signing out still ends the session here.
    await signOut(page);
    await expect(page).toHaveURL(`${server.url}/sign-in`);
  });
});
