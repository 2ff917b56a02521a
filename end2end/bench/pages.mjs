// Measures pages in a real browser: `node bench/pages.mjs WHAT URL [FILE]`. Called by `make bench`, which sets the stage
// and the limits. Prints a line of JSON for each figure.
import { chromium } from "@playwright/test";

const ROUNDS = 5;
/** The browser is at rest when its processes have used no more than this of a core in each of so many looks in turn. */
const LOOK_EVERY_MS = 100;
const RESTFUL_CPU_MS = 10;
const RESTFUL_LOOKS = 3;
const RESTLESS_MS = 30_000;
/** The pages that there are, with a runtime `bench` and its version `v0`. */
const PAGES = [
  "/",
  "/activity",
  "/people",
  "/audit",
  "/runtimes/new",
  "/runtimes/bench",
  ...["", "/metrics", "/documentation", "/configuration", "/history", "/manifest", "/compare"].map((screen) => `/runtimes/bench/versions/v0${screen}`),
];
const [what, url, file] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const measures = {
  "first-load": firstLoad,
  interactive,
  "long-list": longList,
  "side-by-side": sideBySide,
  "log-drawer": logDrawer,
  "big-file": bigFile,
  archive,
};
try {
  await measures[what]();
} finally {
  await browser.close();
}

function figure(what, unit, values) {
  console.log(JSON.stringify({ what, unit, values }));
}

/** Waits until the browser has opened its windows, which keeps both of two cores busy for most of a second each. */
async function atRest() {
  const devtools = await browser.newBrowserCDPSession();
  const cpuMs = async () => {
    const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0);
  };
  const deadline = performance.now() + RESTLESS_MS;
  let [last, restful] = [await cpuMs(), 0];
  while (restful < RESTFUL_LOOKS) {
    if (performance.now() > deadline) throw new Error("the browser does not come to rest");
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    const now = await cpuMs();
    restful = now - last <= RESTFUL_CPU_MS ? restful + 1 : 0;
    last = now;
  }
  await devtools.detach();
}

/** A browser that has never been here, with an empty window that is at rest, and what it says of itself. */
async function newcomer({ slowed = 1, encoding } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await atRest();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  if (slowed > 1) await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowed });
  if (encoding) await devtools.send("Network.setExtraHTTPHeaders", { headers: { "Accept-Encoding": encoding } });
  return { context, page, devtools };
}

function live(page) {
  return page.getByRole("banner").getByText("Live", { exact: true }).waitFor();
}

/** What goes over the wire until each page follows the server, its HTML apart. */
async function firstLoad() {
  for (const encoding of ["gzip", "gzip, deflate, br"]) {
    const by = encoding === "gzip" ? "gzip" : "Brotli";
    for (const path of PAGES) {
      const { context, page, devtools } = await newcomer({ encoding });
      const requests = new Map();
      devtools.on("Network.responseReceived", ({ requestId, type }) => requests.set(requestId, { type, bytes: 0 }));
      devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
        const request = requests.get(requestId);
        if (request) request.bytes = encodedDataLength;
      });
      await page.goto(new URL(path, url).href);
      await live(page);
      const files = [...requests.values()].filter(({ type }) => type !== "Document");
      figure(`${path} by ${by}`, "kB", [files.reduce((sum, { bytes }) => sum + bytes, 0) / 1000]);
      await context.close();
    }
  }
}

/**
 * When what a page is mostly for does what it is for, asked for as often as may be from the beginning: Start on a
 * version, and Add version, with a file, on a runtime. The page tells it by its console: to be asked, it would have to
 * run a program of the one who asks, slowed as well.
 */
async function interactive() {
  const start = () => {
    const button = [...document.querySelectorAll(".actions button")].find(({ innerText }) => innerText.trim() === "Start");
    if (document.querySelector(".toast, [role=alert]")) return true;
    button?.click();
  };
  const add = () => {
    if (document.querySelector(".upload")) return true;
    const input = document.querySelector("input[type=file]");
    if (!input) return;
    const picked = new DataTransfer();
    picked.items.add(new File(["no archive"], "some.krt"));
    input.files = picked.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  for (const [what, path, ask] of [["Start", "/runtimes/bench/versions/v0", start], ["Add version", "/runtimes/bench", add]]) {
    const [answered, painted, longest] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { context, page } = await newcomer({ slowed: 4 });
      await page.addInitScript(`
        const ask = ${ask};
        const asking = setInterval(() => {
          if (document.body && ask()) {
            clearInterval(asking);
            console.log("answered", performance.now());
          }
        }, 10);
      `);
      const answer = page.waitForEvent("console", (message) => message.text().startsWith("answered "));
      await page.goto(new URL(path, url).href);
      answered.push(Number((await answer).text().split(" ")[1]));
      painted.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime));
      await context.close();
      const visit = await newcomer();
      await watchTasks(visit.page);
      await visit.page.goto(new URL(path, url).href);
      await live(visit.page);
      longest.push(await longestTask(visit.page));
      await visit.context.close();
      if (what === "Start") await stop("bench", "v0");
    }
    figure(`${what} is answered, CPU slowed 4 times`, "ms", answered);
    figure(`something is painted, CPU slowed 4 times (${what})`, "ms", painted);
    figure(`longest task of a first visit (${what})`, "ms", longest);
  }
}

/** Stops the version by the API and waits until it is. */
async function stop(runtime, version) {
  const address = new URL(`/api/v1/runtimes/${runtime}/versions/${version}`, url);
  await fetch(`${address}/stop`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  while ((await (await fetch(address)).json()).state !== "stopped") await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Has the page tell of all that kept it from answering for 50 ms or more. */
function watchTasks(page) {
  return page.addInitScript(() => {
    window.longTasks = [];
    new PerformanceObserver((list) => {
      window.longTasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration })));
    }).observe({ type: "longtask", buffered: true });
  });
}

/** The longest since it was asked last; 0 when none was long. */
function longestTask(page) {
  return page.evaluate(() => Math.max(0, ...window.longTasks.splice(0).map(({ duration }) => duration)));
}

/** The longest that ended before there was anything to see, and the longest since. */
function longestOfVisit(page) {
  return page.evaluate(() => {
    const painted = performance.getEntriesByName("first-contentful-paint")[0].startTime;
    const longest = (of) => Math.max(0, ...window.longTasks.filter(of).map(({ duration }) => duration));
    const isEarly = ({ startTime, duration }) => startTime + duration <= painted;
    return [longest(isEarly), longest((task) => !isEarly(task))];
  });
}

/** A runtime with many versions, opened from the list of runtimes, scrolled, made longer and scrolled; and as a first visit. */
async function longList() {
  const [opening, scrolling, growing, drawing, visiting, visitMs] = [[], [], [], [], [], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { context, page } = await newcomer();
    const wheel = async () => {
      await page.mouse.move(640, 600);
      for (let step = 0; step < 60; step += 1) {
        await page.mouse.wheel(0, 1200);
        await page.waitForTimeout(16);
      }
    };
    const take = async (into, does) => {
      await longestTask(page);
      await does();
      await page.waitForTimeout(500);
      into.push(await longestTask(page));
    };
    await watchTasks(page);
    await page.goto(new URL("/", url).href);
    await live(page);
    await page.waitForTimeout(500);
    const rows = page.locator("tbody tr");
    await take(opening, async () => {
      await page.locator(`a[href="${new URL(url).pathname}"]`).first().click();
      await rows.nth(20).waitFor();
    });
    await take(scrolling, wheel);
    const more = page.getByRole("button", { name: /^Show \d+ more$/ });
    await take(growing, async () => {
      for (let times = 0; times < 3; times += 1) {
        const before = await rows.count();
        await more.click();
        await rows.nth(before).waitFor();
        await wheel();
      }
    });
    await context.close();
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const { context, page } = await newcomer();
    await watchTasks(page);
    await page.goto(url);
    await live(page);
    visitMs.push(await page.evaluate(() => performance.now()));
    await page.waitForTimeout(500);
    const [before, since] = await longestOfVisit(page);
    drawing.push(before);
    visiting.push(since);
    await context.close();
  }
  figure("longest task while it opens", "ms", opening);
  figure("longest task while it scrolls", "ms", scrolling);
  figure("longest task while it shows more, three times", "ms", growing);
  figure("longest task of a first visit, once it is painted", "ms", visiting);
  figure("longest task of a first visit, before it is painted", "ms", drawing);
  figure("as a first visit: until the page follows the server", "ms", visitMs);
}

/** From one person's click on Start until another's page of the same runtime says that the version is on its way. */
async function sideBySide() {
  const [{ page: one }, { page: other }] = await Promise.all([newcomer(), newcomer()]);
  for (const page of [one, other]) {
    await page.goto(url);
    await live(page);
  }
  const state = (page, text) => page.locator("tbody tr .badge", { hasText: text }).first().waitFor();
  const seen = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await one.evaluate(() => {
      const clicked = () => { window.clickedAt = performance.timeOrigin + performance.now(); };
      addEventListener("click", clicked, { capture: true, once: true });
    });
    await other.evaluate(() => {
      window.changedAt = undefined;
      const badge = () => document.querySelector("tbody tr .badge")?.textContent;
      const before = badge();
      const observer = new MutationObserver(() => {
        if (badge() === before) return;
        window.changedAt = performance.timeOrigin + performance.now();
        observer.disconnect();
      });
      observer.observe(document.body, { childList: true, subtree: true, characterData: true });
    });
    await one.getByRole("button", { name: "Start v0" }).click();
    await other.waitForFunction(() => window.changedAt !== undefined);
    seen.push((await other.evaluate(() => window.changedAt)) - (await one.evaluate(() => window.clickedAt)));
    await state(other, "started");
    const stop = new URL(`/api/v1${new URL(url).pathname}/versions/v0/stop`, url);
    await fetch(stop, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    await state(one, "stopped");
  }
  figure("an action in one browser is seen in another", "ms", seen);
}

/** The logs of a node that has 10,000 lines and goes on writing, opened on its version's page. */
async function logDrawer() {
  const measured = { "opens and reads 10,000 lines": [], follows: [], scrolls: [], "is searched": [], "wraps its lines": [] };
  const openMs = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { context, page } = await newcomer();
    await watchTasks(page);
    await page.goto(url);
    await live(page);
    await page.waitForTimeout(500);
    await longestTask(page);
    const drawer = page.getByRole("region", { name: "Logs", exact: true });
    const foot = drawer.locator("footer");
    const take = async (what, does) => {
      await does();
      await page.waitForTimeout(300);
      measured[what].push(await longestTask(page));
    };
    await take("opens and reads 10,000 lines", async () => {
      const begun = Date.now();
      await page.keyboard.press("l");
      await drawer.getByRole("combobox", { name: "Nodes" }).selectOption("work/node-1");
      await foot.getByText("10,000 lines").waitFor();
      await foot.getByText("Following").waitFor();
      openMs.push(Date.now() - begun);
    });
    await take("follows", () => page.waitForTimeout(3000));
    const scroll = async (by) => {
      await drawer.getByRole("log").hover();
      for (let step = 0; step < 60; step += 1) {
        await page.mouse.wheel(0, by);
        await page.waitForTimeout(16);
      }
    };
    await take("scrolls", async () => {
      await scroll(-2000);
      await drawer.getByRole("log").evaluate((pane) => { pane.scrollTop = 0; });
      await scroll(300);
    });
    await take("is searched", async () => {
      await drawer.getByRole("searchbox").pressSequentially("could not be read", { delay: 60 });
      await foot.getByText(/ of (the last )?10,000 lines/).waitFor();
      await drawer.getByRole("searchbox").fill("");
    });
    await take("wraps its lines", async () => {
      await drawer.getByRole("button", { name: "Wrap" }).click();
      await scroll(-500);
    });
    await context.close();
  }
  for (const [what, values] of Object.entries(measured)) figure(`longest task while it ${what}`, "ms", values);
  figure("until 10,000 lines are there and followed", "ms", openMs);
}

/** Picks the file and waits for what was found in it; answers how long that took, in ms. */
async function check(page) {
  await page.evaluate(() => {
    addEventListener("change", () => { window.pickedAt = performance.now(); }, { capture: true, once: true });
    new MutationObserver(() => {
      // "Add <version> from <file>?"
      if (window.pickedAt && !window.foundAt && /^Add .*\?$/.test(document.querySelector(".review h2")?.innerText ?? "")) {
        window.foundAt = performance.now();
      }
    }).observe(document.body, { childList: true, subtree: true });
  });
  await page.getByLabel("Add version").setInputFiles(file);
  await page.waitForFunction(() => window.foundAt !== undefined, undefined, { timeout: 120_000 });
  return page.evaluate(() => window.foundAt - window.pickedAt);
}

async function bigFile() {
  const [longest, took] = [[], []];
  for (let round = 0; round < 3; round += 1) {
    const { context, page } = await newcomer();
    await watchTasks(page);
    await page.goto(url);
    await live(page);
    await page.waitForTimeout(500);
    await longestTask(page);
    took.push((await check(page)) / 1000);
    longest.push(await longestTask(page));
    await context.close();
  }
  figure("longest task while 500 MB are checked", "ms", longest);
  figure("until 500 MB are checked", "s", took);
}

async function archive() {
  const took = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { context, page } = await newcomer();
    await page.goto(url);
    await live(page);
    took.push(await check(page));
    await context.close();
  }
  figure("until 10,000 entries are checked", "ms", took);
}
