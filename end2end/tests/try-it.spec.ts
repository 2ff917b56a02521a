import type { Page } from "@playwright/test";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { VersionPage, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";
import type { Server } from "../support/server";

async function addVersion(server: Server): Promise<void> {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
}

const request = (page: Page) => page.getByLabel("Request as JSON");
const send = (page: Page) => page.getByRole("button", { name: "Send", exact: true });

test("what cannot be called says why, follows the version, and can be prepared all the same", async ({ page, server }) => {
  await addVersion(server);
  const version = new VersionPage(page, "reviews-v1");
  await open(page, "/runtimes/demo/versions/reviews-v1");
  await page.getByRole("navigation", { name: "Version" }).getByRole("link", { name: "Try it" }).click();
  await expect(page.getByRole("heading", { name: "Try it", level: 1 })).toBeVisible();
  await expect(page.getByText("Calls are off. It is stopped; start it first.")).toBeVisible();
  await expect(send(page)).toBeDisabled();
  await version.goTo("Configuration");
  await version.configure(CONFIG["reviews-v1"]);
  await version.ask("Start");
  await version.expectState("started");
  await page.getByRole("navigation", { name: "Version" }).getByRole("link", { name: "Try it" }).click();
  await expect(page.getByText(/Calls are off\. Nothing really runs in the sandbox/)).toBeVisible();
  await expect(send(page)).toBeDisabled();

  await expect(page.getByLabel("Rpc", { exact: true })).toHaveValue(/\/Rate$/);
  await expect(request(page)).toHaveValue(/"text": ""/);
  await expect(page.getByLabel("Command", { exact: true }).last()).toHaveText(/grpcurl -plaintext -d '\{.*\}' 127\.0\.0\.1:9000 .*\/Rate/);
  await request(page).fill('{\n  "txt": "fine"\n}');
  await expect(page.getByText(/unrecognized field name 'txt'/)).toBeVisible();
  await expect(page.getByText(/line 2:/)).toBeVisible();
  await expect(request(page)).toHaveAttribute("aria-invalid", "true");
  await expectAccessible(page);
  await request(page).fill('{"text": "fine"}');
  await expect(page.getByText(/unrecognized field name/)).toBeHidden();
  await expect(page.getByLabel("Command", { exact: true }).last()).toHaveText(/-d '\{"text": "fine"\}'/);
  await page.getByRole("button", { name: "Reset to the example" }).click();
  await expect(request(page)).toHaveValue(/"text": ""/);
});

/** No sandbox answers a call, so here the page is told that it may send, and what came of it; all else is the server's. */
test("an answer is shown with its status and time, and the tab keeps what it has sent", async ({ page, server }) => {
  await addVersion(server);
  const outcomes = [
    { result: "answered", response: '{\n  "stars": 5\n}' },
    { result: "status", status: 3, name: "INVALID_ARGUMENT", message: "the text is empty" },
    { result: "failed", failure: "deadline", reason: "there was no answer within 30s" },
  ];
  const sent: string[] = [];
  await page.route("**/api/fn/rpcs*", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), off: null } });
  });
  await page.route("**/api/fn/call", async (route) => {
    const asked = route.request().postDataJSON() as { rpc: string; request: string };
    const outcome = outcomes[sent.length];
    sent.push(asked.request);
    await route.fulfill({ json: { rpc: asked.rpc, at: "2026-11-27T10:00:00Z", took_ms: 124, outcome, nodes: null } });
  });
  await open(page, "/runtimes/demo/versions/reviews-v1");
  await page.getByRole("navigation", { name: "Version" }).getByRole("link", { name: "Try it" }).click();
  const answer = page.getByRole("region", { name: "Answer" });
  await expect(answer.getByText("Nothing was sent in this tab yet.")).toBeVisible();

  await request(page).fill('{"text": "fine"}');
  await send(page).click();
  await expect(answer.getByText("OK", { exact: true })).toBeVisible();
  await expect(answer.getByText("124 ms")).toBeVisible();
  await expect(answer.getByLabel("Answer as JSON")).toHaveText('{\n  "stars": 5\n}');
  await expect(answer.getByRole("button", { name: "Copy the answer" })).toBeVisible();

  await request(page).fill('{"text": ""}');
  await request(page).press("Control+Enter");
  await expect(answer.getByText("INVALID_ARGUMENT (3)")).toBeVisible();
  await expect(answer.getByText("the text is empty")).toBeVisible();
  await send(page).click();
  await expect(answer.getByText("There was no answer within 30s.")).toBeVisible();
  expect(sent).toEqual(['{"text": "fine"}', '{"text": ""}', '{"text": ""}']);
  await expectAccessible(page);

  const calls = page.getByRole("region", { name: "Calls of this tab" });
  await expect(calls.getByRole("row")).toHaveCount(4);
  // They stay while the tab goes from screen to screen of the version.
  await new VersionPage(page, "reviews-v1").goTo("History");
  await page.getByRole("navigation", { name: "Version" }).getByRole("link", { name: "Try it" }).click();
  await expect(calls.getByRole("row")).toHaveCount(4);
  await calls.getByRole("button", { name: "Show the answer to call 1" }).click();
  await expect(answer.getByText("OK", { exact: true })).toBeVisible();
  await calls.getByRole("button", { name: "Edit again: the request of call 1" }).click();
  await expect(request(page)).toHaveValue('{"text": "fine"}');
});
