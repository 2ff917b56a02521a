import { readFile } from "node:fs/promises";
import { expectAccessible } from "../support/accessible";
import { expect, test } from "../support/fixtures";
import { packed, smallKrt } from "../support/krt";
import { LogsDrawer } from "../support/logs";
import { VersionPage, expectLive, open } from "../support/pages";
import { CONFIG, RUNTIME, sampleBytes } from "../support/samples";
import type { Server } from "../support/server";

const VERSION = "/runtimes/demo/versions/v1";

test.use({ settings: { KAI_NODE_MIN_READY: "0s" } });

/** A running version whose node says much: 10,000 lines as soon as it runs, of all levels, then ten a second. */
async function chatty(server: Server): Promise<void> {
  await running(server, smallKrt({ name: "v1", image: "example/chatty:1" }));
}

async function running(server: Server, krt: Uint8Array): Promise<void> {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, krt);
  await server.command(RUNTIME.id, "v1", "start");
  await server.waitForState(RUNTIME.id, "v1", "started");
}

/** Two workflows with a node of the same name in both. */
function twoWorkflows(): Uint8Array {
  const node = (name: string, listens: string) =>
    `      - name: ${name}\n        image: example/${name}:1\n        src: src/main.py\n        subscriptions: [${listens}]\n`;
  const workflow = (name: string, rpc: string, nodes: string) =>
    `  - name: ${name}\n    entrypoint: ${rpc}\n    exitpoint: last\n    nodes:\n${nodes}`;
  const manifest = [
    "version: v1\nkrtVersion: v2\ndescription: Made for a test.\n",
    "entrypoint:\n  proto: public.proto\n  image: example/entrypoint:1\nworkflows:\n",
    workflow("alpha", "A", node("first", "entrypoint") + node("last", "first")),
    workflow("beta", "B", node("last", "entrypoint")),
  ];
  const proto = 'syntax = "proto3";\nservice Entrypoint { rpc A (R) returns (R); rpc B (R) returns (R); }\nmessage R {}\n';
  return packed({ "krt.yml": manifest.join(""), "public.proto": proto, "src/main.py": "one" });
}

test("the logs open by a key, by their button and by a link, take the focus, and give it back", async ({ page, server }) => {
  await running(server, smallKrt({ name: "v1" }));
  await open(page, VERSION);
  const logs = new LogsDrawer(page);
  const { drawer } = logs;
  const title = drawer.getByRole("heading", { name: "Logs" });

  await page.keyboard.press("l");
  await expect(title).toBeFocused();
  await expect(page).toHaveURL(/logs=all/);
  await logs.expectFollowing();
  await expect(logs.rows.first()).toContainText("started in the sandbox");
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(page).toHaveURL(/\/versions\/v1$/);

  const button = page.getByRole("navigation", { name: "Version" }).getByRole("button", { name: "Logs" });
  await button.click();
  await expect(title).toBeFocused();
  await expect(button).toHaveAttribute("aria-expanded", "true");
  await drawer.getByRole("button", { name: "Close the logs" }).click();
  await expect(button).toBeFocused();
  await page.goBack();
  await expect(drawer).toBeVisible();
  await page.goBack();
  await expect(drawer).toBeHidden();

  // From a node: its own logs.
  await new VersionPage(page, "v1").node("flow", "one").click();
  await page.getByRole("link", { name: "Logs of one" }).click();
  await expect(drawer.getByRole("combobox", { name: "Nodes" })).toHaveValue("flow/one");
  await expect(logs.rows.first()).toContainText("one: started");
  await expect(logs.rows.filter({ hasText: "entrypoint:" })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(page.getByRole("link", { name: "Logs of one" })).toBeFocused();
});

test("the logs stay open from screen to screen, with all that is set", async ({ page, server }) => {
  await running(server, smallKrt({ name: "v1" }));
  await open(page, `${VERSION}?logs=flow%2Fone&wrap=true`);
  const logs = new LogsDrawer(page);
  await logs.expectFollowing();
  for (const screen of ["Configuration", "History", "Status"] as const) {
    await new VersionPage(page, "v1").goTo(screen);
    await expect(page.getByRole("heading", { level: 1, name: screen })).toBeVisible();
    await expect(logs.drawer.getByRole("combobox", { name: "Nodes" })).toHaveValue("flow/one");
    await expect(logs.button("Wrap")).toHaveAttribute("aria-pressed", "true");
  }
  // What is at the end of the page can be scrolled into sight above the drawer.
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
  const last = await page.getByRole("heading", { name: "About this version" }).boundingBox();
  const drawer = await logs.drawer.boundingBox();
  expect(last!.y + last!.height).toBeLessThan(drawer!.y);
});

test("ten thousand lines are there, and few of them in the page, wherever it is scrolled to", async ({ page, server }) => {
  await chatty(server);
  await open(page, `${VERSION}?logs=flow%2Fone`);
  const logs = new LogsDrawer(page);
  await logs.expectFollowing();
  await expect(logs.foot).toContainText("the last 10,000 lines");
  await logs.button("Pause").click();
  await expect(logs.foot).toContainText("Paused");

  const few = async () => expect(await logs.rows.count()).toBeLessThan(120);
  const expectConsecutive = (numbers: number[]) => {
    const known = numbers.map((number, at) => (Number.isNaN(number) ? numbers[0] + at : number));
    expect(known).toEqual(known.map((_, at) => known[0] + at));
  };
  await few();
  const last = await logs.numbers();
  expectConsecutive(last);

  for (const [share, from, to] of [[0.5, 4800, 5300], [0, 0, 300], [1, 9900, 10_100]] as const) {
    await logs.scrollTo(share);
    await expect.poll(async () => (await logs.numbers())[0] - (last.at(-1)! - 9999)).toBeGreaterThanOrEqual(from - 1);
    await expect.poll(async () => (await logs.numbers())[0] - (last.at(-1)! - 9999)).toBeLessThan(to);
    await few();
    expectConsecutive(await logs.numbers());
  }

  // By keyboard.
  await logs.lines.focus();
  await page.keyboard.press("Home");
  await expect.poll(async () => (await logs.numbers())[0]).toBe(last.at(-1)! - 9999);
  await page.keyboard.press("End");
  await expect.poll(async () => (await logs.numbers()).at(-1)).toBe(last.at(-1));
});

test("new lines are followed until somebody scrolls up or pauses", async ({ page, server }) => {
  await chatty(server);
  await open(page, `${VERSION}?logs=flow%2Fone`);
  const logs = new LogsDrawer(page);
  await logs.expectFollowing();
  const newest = async () => (await logs.numbers()).at(-1)!;
  const first = await newest();
  await expect.poll(newest).toBeGreaterThan(first + 5);
  const jump = logs.button("Jump to latest");
  await expect(jump).toBeHidden();

  await logs.lines.hover();
  await page.mouse.wheel(0, -3000);
  await expect(jump).toBeVisible();
  // What is read stays where it is, though lines come, and go at the other end.
  const middle = logs.rows.nth(20);
  const [text, place] = [await middle.textContent(), await middle.boundingBox()];
  const counted = await logs.foot.textContent();
  await expect(logs.foot).not.toHaveText(counted!);
  const same = logs.rows.filter({ hasText: text! });
  expect(Math.abs((await same.boundingBox())!.y - place!.y)).toBeLessThan(1);
  await jump.click();
  await expect(jump).toBeHidden();
  await expect.poll(newest).toBeGreaterThan(first + 10);

  await logs.button("Pause").click();
  await expect(logs.foot).toContainText(/Paused – \d+ new lines/);
  const held = await newest();
  await expect(logs.foot).toContainText(/Paused – ([2-9]\d|\d{3,}) new lines/);
  expect(await newest()).toBe(held);
  await logs.button("Resume").click();
  await logs.expectFollowing();
  await expect.poll(newest).toBeGreaterThan(held + 20);
});

test("a search marks what it finds and leaves out the rest", async ({ page, server }) => {
  await chatty(server);
  await open(page, `${VERSION}?logs=flow%2Fone`);
  const logs = new LogsDrawer(page);
  await logs.expectFollowing();
  await page.keyboard.press("/");
  await expect(logs.search).toBeFocused();
  await page.keyboard.type("COULD not be read");
  await expect(logs.foot).toContainText(/the last 10,000 lines|of 10,000 lines/);
  await expect(logs.foot).toContainText(/5\d\d of /);
  await expect(logs.rows.last()).toContainText("a message could not be read");
  await expect(logs.rows.last().locator("mark")).toHaveText("could not be read");
  await expect(page).toHaveURL(/search=COULD%20not%20be%20read|search=COULD\+not\+be\+read/);

  await logs.search.fill("nothing of the kind");
  await expect(logs.drawer).toContainText(/No matches in [\d,]+ lines\./);
  await expectAccessible(page);
  await logs.button("Clear filters").click();
  await expect(logs.search).toHaveValue("");
  await expect(logs.rows.last()).toBeVisible();
  await expect(page).not.toHaveURL(/search/);
});

test("nodes are chosen one by one, by workflow, or all", async ({ page, server }) => {
  await running(server, twoWorkflows());
  await open(page, VERSION);
  const logs = new LogsDrawer(page);
  await page.keyboard.press("l");
  await logs.expectFollowing();
  const nodes = logs.drawer.getByRole("combobox", { name: "Nodes" });
  const names = async () => [...new Set(await logs.rows.locator(".log-line__node").allTextContents())].sort();
  await expect.poll(names).toEqual(["entrypoint", "first", "last"]);
  await nodes.selectOption("alpha/");
  await expect.poll(names).toEqual(["first", "last"]);
  await nodes.selectOption("beta/last");
  await expect(page).toHaveURL(/logs=beta%2Flast/);
  await expect.poll(names).toEqual(["last"]);
  await expect(logs.rows.first().locator(".log-line__node")).toHaveAttribute("title", /^beta\/last, pod v1-beta-last-/);
});

test("levels choose lines, and a stack trace stays with its error", async ({ page, server }) => {
  await chatty(server);
  await open(page, `${VERSION}?logs=flow%2Fone`);
  const logs = new LogsDrawer(page);
  await logs.expectFollowing();
  await expect(logs.level("Warning")).toContainText(/5\d\d/);
  await logs.level("Error").click();
  await expect(page).toHaveURL(/level=error/);
  await expect(logs.foot).toContainText(/(99\d|1,0\d\d) of /);
  const texts = await logs.rows.locator(".log-line__text").allTextContents();
  expect(texts.every((text) => /could not be read|  File "main\.py"/.test(text))).toBe(true);
  await expect(logs.rows.first().locator(".log-line__level")).toHaveText("Error");
  await logs.level("Warning").click();
  await expect(page).toHaveURL(/level=error(%2C|,)warn/);
  await expect(logs.rows.filter({ hasText: "the queue is filling" }).first()).toBeVisible();
  await logs.level("Error").click();
  await logs.level("Warning").click();
  await expect(page).not.toHaveURL(/level/);
});

test("a line that is an object opens to its fields", async ({ page, server }) => {
  await chatty(server);
  await open(page, `${VERSION}?logs=flow%2Fone`);
  const logs = new LogsDrawer(page);
  await logs.expectFollowing();
  await logs.search.fill('"status":200');
  const row = logs.rows.last();
  await logs.button("Pause").click();
  await row.getByRole("button", { name: "Full line" }).click();
  const fields = logs.rows.locator("dl").last();
  await expect(fields).toContainText("took_ms");
  await expect(fields.locator("dt").filter({ hasText: /^msg$/ })).toBeVisible();
  await expectAccessible(page);
  await logs.rows.last().getByRole("button", { name: "Full line" }).click();
  await expect(fields).toBeHidden();
});

test("a range of time shows what was logged in it", async ({ page, server }) => {
  await chatty(server);
  await open(page, `${VERSION}?logs=flow%2Fone`);
  const logs = new LogsDrawer(page);
  await logs.expectFollowing();
  const time = logs.drawer.getByRole("combobox", { name: "Time" });
  await time.selectOption("Last 5 minutes");
  await expect(page).toHaveURL(/since=5m/);
  await expect(logs.rows.last()).toBeVisible();

  await time.selectOption("From … to …");
  const from = logs.drawer.getByLabel("From (UTC)");
  await expect(from).not.toHaveValue("");
  await expect(logs.rows.last()).toBeVisible();
  await logs.drawer.getByLabel("To (UTC)").fill("2001-01-01T00:00:01");
  await expect(logs.drawer).toContainText("The end time is before the start time.");
  await from.fill("2000-01-01T00:00:01");
  await expect(logs.drawer).toContainText("No logs in this time range.");
  await expect(logs.foot).toContainText("Complete");
  await expect(logs.button("Pause")).toBeHidden();
  await expectAccessible(page);
  await logs.button("Clear filters").click();
  await logs.expectFollowing();
  await expect(logs.rows.last()).toBeVisible();
});

test("the run before the last restart is shown of what has crashed", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1", image: "example/crash:1" }));
  await server.command(RUNTIME.id, "v1", "start");
  await open(page, `${VERSION}?logs=all`);
  const logs = new LogsDrawer(page);
  // It has restarted once its first line is there a second time.
  await expect(logs.rows.filter({ hasText: "one: started in the sandbox" })).not.toHaveCount(0);
  await expect(async () => {
    await logs.button("Previous run").click();
    await expect(page).toHaveURL(/previous=true/);
    await expect(logs.foot).toContainText("Complete");
    const crashed = await logs.rows.filter({ hasText: "exit code 1" }).count();
    if (crashed === 0) {
      await logs.button("Previous run").click();
      await expect(page).not.toHaveURL(/previous/);
    }
    expect(crashed).toBeGreaterThan(0);
  }).toPass();
  await expect(logs.rows.filter({ hasText: "entrypoint:" })).toHaveCount(0);
  await logs.drawer.getByRole("combobox", { name: "Nodes" }).selectOption("entrypoint");
  await expect(logs.drawer).toContainText("No container has restarted");
});

test("a version that does not run says so, and its lines come once it is started", async ({ page, server }) => {
  await server.createRuntime(RUNTIME.id, RUNTIME.name);
  await server.addVersion(RUNTIME.id, smallKrt({ name: "v1" }));
  await open(page, `${VERSION}?logs=all`);
  const logs = new LogsDrawer(page);
  await expect(logs.drawer).toContainText("The version is stopped. Logs appear once it is started.");
  await expect(logs.foot).toContainText("Version stopped");
  await expect(logs.foot).not.toContainText("Following");
  await new VersionPage(page, "v1").ask("Start");
  await expect(logs.rows.filter({ hasText: "one: started in the sandbox" })).toHaveCount(1);
});

test("everything that matches is downloaded", async ({ page, server }) => {
  await chatty(server);
  await open(page, `${VERSION}?logs=flow%2Fone&level=error&search=line%2013:`);
  const logs = new LogsDrawer(page);
  await logs.expectFollowing();
  const begun = page.waitForEvent("download");
  await logs.drawer.getByRole("link", { name: "Download" }).click();
  const download = await begun;
  expect(download.suggestedFilename()).toBe("demo-v1-flow-one.log");
  const text = await readFile(await download.path(), "utf8");
  expect(text).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z v1-flow-one-\S+ ERROR one: line 13: a message could not be read\n$/);

  await logs.search.fill("");
  await logs.level("Error").click();
  await expect(page).not.toHaveURL(/level|search/);
  const all = page.waitForEvent("download");
  await logs.drawer.getByRole("link", { name: "Download" }).click();
  const lines = (await readFile(await (await all).path(), "utf8")).trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(10_000);
  expect(lines[0]).toContain("one: started in the sandbox");
});

test("long lines are wrapped on demand, and scrolling them is right", async ({ page, server }) => {
  await chatty(server);
  await open(page, `${VERSION}?logs=flow%2Fone`);
  const logs = new LogsDrawer(page);
  await logs.expectFollowing();
  await logs.button("Pause").click();
  const wide = () => logs.lines.evaluate((pane) => pane.scrollWidth - pane.clientWidth);
  expect(await wide()).toBeGreaterThan(100);
  const last = (await logs.numbers()).at(-1)!;
  await logs.button("Wrap").click();
  await expect(page).toHaveURL(/wrap=true/);
  await expect.poll(wide).toBeLessThanOrEqual(0);
  // The end is still the end.
  await expect.poll(async () => (await logs.numbers()).at(-1)).toBe(last);
  const bottom = await logs.rows.last().boundingBox();
  const pane = await logs.lines.boundingBox();
  expect(Math.abs(bottom!.y + bottom!.height - (pane!.y + pane!.height))).toBeLessThan(4);
  const heights = await logs.rows.evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().height));
  expect(Math.max(...heights)).toBeGreaterThan(30);
  // Each row begins where the one before it ends.
  const tops = await logs.rows.evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect()).map(({ top, bottom }) => [top, bottom]));
  tops.slice(1).forEach(([top], at) => expect(Math.abs(top - tops[at][1])).toBeLessThan(0.6));

  await logs.lines.hover();
  for (let turn = 0; turn < 20; turn += 1) {
    const before = await logs.numbers();
    await page.mouse.wheel(0, -400);
    await expect.poll(async () => (await logs.numbers())[0]).toBeLessThan(before[0]);
  }
});

test("a long line that is not wrapped stays in its row, however wide the window is", async ({ page, server }) => {
  await chatty(server);
  for (const width of [800, 1600, 2560]) {
    await page.setViewportSize({ width, height: 800 });
    await open(page, `${VERSION}?logs=all`);
    const logs = new LogsDrawer(page);
    await logs.expectFollowing();
    const heights = await logs.rows.evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().height));
    expect(heights.length).toBeGreaterThan(10);
    expect(Math.max(...heights), `at ${width}`).toBeLessThan(24);
    // What is told at the end of the longest line can be scrolled to.
    const within = await logs.lines.evaluate((pane) => {
      const ends = [...pane.querySelectorAll(".log-line__text")].map((text) => text.getBoundingClientRect().right);
      return Math.max(...ends) <= pane.getBoundingClientRect().left + pane.scrollWidth - pane.scrollLeft;
    });
    expect(within, `at ${width}`).toBe(true);
  }
});

test("a link shows the same to somebody else", async ({ page, another, server }) => {
  await chatty(server);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, VERSION);
  const logs = new LogsDrawer(page);
  await logs.openByButton();
  await logs.expectFollowing();
  await logs.drawer.getByRole("combobox", { name: "Nodes" }).selectOption("flow/one");
  await logs.drawer.getByRole("combobox", { name: "Time" }).selectOption("Last hour");
  await logs.level("Error").click();
  await logs.level("No level").click();
  await logs.button("Wrap").click();
  await expect(page).toHaveURL(/wrap/);
  await logs.search.fill("100% & more + /?#");
  await logs.button("Copy link").click();
  await expect(logs.button("Copied")).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toContain(server.url);

  const second = await another();
  await open(second, link);
  const theirs = new LogsDrawer(second);
  await expect(theirs.search).toHaveValue("100% & more + /?#");
  await expect(theirs.drawer.getByRole("combobox", { name: "Nodes" })).toHaveValue("flow/one");
  await expect(theirs.drawer.getByRole("combobox", { name: "Time" })).toHaveValue("1h");
  for (const [name, on] of [["Error", "true"], ["Warning", "false"], ["Info", "false"], ["Debug", "false"], ["No level", "true"]]) {
    await expect(theirs.level(name)).toHaveAttribute("aria-pressed", on);
  }
  await expect(theirs.button("Wrap")).toHaveAttribute("aria-pressed", "true");
  await theirs.search.fill("line");
  await expect(theirs.rows.last()).toBeVisible();
  await expect(second).toHaveURL(/search=line/);
  await second.reload();
  await expectLive(second);
  await expect(theirs.search).toHaveValue("line");
});

test("the drawer is made higher and lower by keyboard and by pointer, and stays so", async ({ page, server }) => {
  await running(server, smallKrt({ name: "v1" }));
  await open(page, `${VERSION}?logs=all`);
  const logs = new LogsDrawer(page);
  const handle = logs.drawer.getByRole("separator", { name: "Height of the logs" });
  const height = async () => Math.round((await logs.drawer.boundingBox())!.height);
  await expect.poll(height).toBe(360);
  await handle.focus();
  await page.keyboard.press("ArrowUp");
  await expect.poll(height).toBe(400);
  await expect(handle).toHaveAttribute("aria-valuenow", "50");
  await page.keyboard.press("End");
  await expect.poll(height).toBe(720);
  await page.keyboard.press("Home");
  await expect.poll(height).toBe(160);

  const box = (await handle.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(700, 300, { steps: 5 });
  await page.mouse.up();
  await expect.poll(height).toBe(500);
  await page.reload();
  await expectLive(page);
  await expect.poll(height).toBe(500);
});

test.describe("a server that goes away and comes back", () => {
  // The browser reports the broken connections and each attempt to connect again.
  test.use({ expectedErrors: /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)|status of 503/ });

  test("is told of in the drawer, which goes on by itself", async ({ page, server }) => {
    await running(server, smallKrt({ name: "v1" }));
    await open(page, `${VERSION}?logs=flow%2Fone`);
    const logs = new LogsDrawer(page);
    await logs.expectFollowing();
    await expect(logs.rows.nth(1)).toContainText("waiting for messages");
    await server.kill();
    await expect(logs.foot).toContainText("Connection lost – reconnecting");
    await expectAccessible(page);
    await server.start();
    // The sandbox has begun anew, and so has the pod; what fetches its file may be seen at work before.
    const ofNode = { has: page.locator('.log-line__node[title$="container node"]') };
    const started = logs.rows.filter({ hasText: "one: started in the sandbox" }).filter(ofNode);
    await expect(started).toHaveCount(2, { timeout: 30_000 });
    await logs.expectFollowing();
    const times = await logs.rows.filter(ofNode).locator("time").evaluateAll((all) => all.map((time) => (time as HTMLTimeElement).dateTime));
    expect(new Set(times).size).toBe(times.length);
  });
});

for (const [width, height] of [[1280, 800], [390, 844]] as const) {
  for (const colorScheme of ["dark", "light"] as const) {
    test(`everybody can use the logs in a window ${width} pixels wide, ${colorScheme}`, async ({ page, server }) => {
      await chatty(server);
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await open(page, `${VERSION}?logs=all`);
      const logs = new LogsDrawer(page);
      await logs.expectFollowing();
      await expect(logs.rows.last()).toBeVisible();
      await logs.button("Pause").click();
      await expectAccessible(page);
      await logs.search.fill("line");
      await expect(logs.rows.locator("mark").first()).toBeVisible();
      await logs.level("Error").click();
      await logs.button("Wrap").click();
      await expect(page).toHaveURL(/wrap/);
      await expectAccessible(page);
      await page.screenshot({ path: `test-results/screens/logs-${width}-${colorScheme}.png` });
    });
  }
}

for (const width of [360, 2560]) {
  test(`the logs fit a window ${width} pixels wide`, async ({ page, server }) => {
    await server.createRuntime(RUNTIME.id, RUNTIME.name);
    await server.addVersion(RUNTIME.id, sampleBytes("reviews-v1"));
    await server.configure(RUNTIME.id, "reviews-v1", CONFIG["reviews-v1"]);
    await server.command(RUNTIME.id, "reviews-v1", "start");
    await page.setViewportSize({ width, height: 800 });
    await open(page, "/runtimes/demo/versions/reviews-v1?logs=all");
    const logs = new LogsDrawer(page);
    await expect(logs.rows.last()).toBeVisible();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await expect(logs.button("Pause")).toBeInViewport();
    await expect(logs.button("Close the logs")).toBeInViewport();
  });
}
