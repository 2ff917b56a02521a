import { type BrowserContext, type BrowserContextOptions, type Page, expect, test as base } from "@playwright/test";
import { Server } from "./server";

interface Options {
  /** Settings of this test's server. */
  settings: Record<string, string>;
  /** What the browser's console may say in this test, because the test makes it happen. */
  expectedErrors: RegExp;
}

interface Fixtures {
  server: Server;
  /** Opens a browser of another person: nothing is shared with the first but the server. */
  another: (options?: BrowserContextOptions) => Promise<Page>;
}

interface Internal {
  complaints: Complaints;
}

/** Everything that a browser complains about, in all windows of a test. */
class Complaints {
  private readonly heard: string[] = [];

  listen(context: BrowserContext, withScripts = true): void {
    context.on("console", (message) => {
      // Without scripts nothing loads what the page wants preloaded for them.
      if (!withScripts && message.text().includes("was preloaded using link preload")) return;
      if (message.type() === "error" || message.type() === "warning") {
        this.heard.push(`${message.type()}: ${message.text()} (${message.page()?.url()})`);
      }
    });
    context.on("weberror", (error) => this.heard.push(`uncaught: ${error.error().stack ?? error.error().message}`));
  }

  unexpected(expected: RegExp): string[] {
    return this.heard.filter((text) => !expected.test(text));
  }
}

export const test = base.extend<Options & Fixtures & Internal>({
  settings: [{}, { option: true }],
  expectedErrors: [/^$/, { option: true }],

  server: async ({ settings }, use, info) => {
    const server = await Server.create(settings);
    await use(server);
    await server.close();
    if (info.status !== info.expectedStatus) {
      await info.attach("server.log", { body: server.printed(), contentType: "text/plain" });
    }
    // A task that panics beside a request is seen by nobody else.
    expect(server.printed(), "what the server printed").not.toContain("panicked at");
  },

  complaints: [
    async ({ expectedErrors }, use) => {
      const complaints = new Complaints();
      await use(complaints);
      expect(complaints.unexpected(expectedErrors), "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],

  baseURL: async ({ server }, use) => use(server.url),

  context: async ({ context, complaints }, use) => {
    complaints.listen(context);
    await use(context);
  },

  another: async ({ browser, complaints, baseURL }, use) => {
    const opened: BrowserContext[] = [];
    await use(async (options) => {
      const context = await browser.newContext({ baseURL, ...options });
      opened.push(context);
      complaints.listen(context, options?.javaScriptEnabled);
      return context.newPage();
    });
    await Promise.all(opened.map((context) => context.close()));
  },
});

export { expect };
