import { basename } from "node:path";
import { type Locator, type Page, expect } from "@playwright/test";
import { samplePath } from "./samples";

/** Opens an address and waits until the page has become alive: hydrated, and following the server's events. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await expectLive(page);
}

export async function expectLive(page: Page): Promise<void> {
  await expect(page.getByRole("banner").getByText("Live", { exact: true })).toBeVisible();
}

/** Keeps requests for these addresses from the server until what it answers is called. */
export async function holdBack(page: Page, url: string | RegExp): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => { release = resolve; });
  await page.route(url, async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

/** `/runtimes/<id>`: the runtime's versions. */
export class RuntimePage {
  constructor(readonly page: Page) {}

  /** What was found in a file, how far its upload is, or the outcome. */
  get upload(): Locator {
    return this.page.getByRole("region", { name: "Upload", exact: true });
  }

  row(version: string): Locator {
    return this.page.getByRole("row").filter({ has: this.page.getByRole("rowheader", { name: version, exact: true }) });
  }

  async expectState(version: string, state: string): Promise<void> {
    await expect(this.row(version).getByRole("cell").first()).toHaveText(new RegExp(`^${state}`));
  }

  /** By the button and the browser's file picker. */
  async pick(path: string): Promise<void> {
    await this.page.getByLabel("Add version").setInputFiles(path);
  }

  /** Sends what was picked or dropped, once it has been checked. */
  async send(): Promise<void> {
    await this.upload.getByRole("button", { name: "Upload", exact: true }).click();
  }

  /** From the person's desktop onto the page; answers when the page has seen it. */
  async drop(sample: string, bytes: Buffer): Promise<void> {
    const dragged = await this.drag(basename(samplePath(sample)), bytes);
    await this.page.dispatchEvent("body", "dragenter", { dataTransfer: dragged });
    await expect(this.page.getByText("Drop the .krt file to add it as a version")).toBeVisible();
    await this.page.dispatchEvent("body", "dragover", { dataTransfer: dragged });
    await this.page.dispatchEvent("body", "drop", { dataTransfer: dragged });
    await expect(this.page.getByText("Drop the .krt file to add it as a version")).toBeHidden();
  }

  private drag(name: string, bytes: Buffer) {
    return this.page.evaluateHandle(
      ([name, base64]) => {
        const data = new DataTransfer();
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        data.items.add(new File([bytes], name));
        return data;
      },
      [name, bytes.toString("base64")] as const,
    );
  }
}

/** `/runtimes/<id>/versions/<name>` and its screens. */
export class VersionPage {
  constructor(readonly page: Page, readonly version: string) {}

  get state(): Locator {
    return this.page.getByRole("complementary", { name: `Version ${this.version}` }).locator(".badge").first();
  }

  action(name: string): Locator {
    return this.page.getByRole("group", { name: "Actions" }).getByRole("button", { name, exact: true });
  }

  dialog(action: string): Locator {
    return this.page.getByRole("dialog", { name: `${action} ${this.version}` });
  }

  workflow(name: string): Locator {
    return this.page.getByRole("region", { name: `Workflow ${name}`, exact: true });
  }

  /** A node's box in its workflow's graph. */
  node(workflow: string, name: string): Locator {
    return this.workflow(workflow).getByRole("button", { name: new RegExp(`^${name}: `) });
  }

  /** Goes to a screen by the menu. */
  async goTo(screen: "Status" | "Metrics" | "Configuration" | "History"): Promise<void> {
    await this.page.getByRole("navigation", { name: "Version" }).getByRole("link", { name: screen }).click();
  }

  async expectState(state: string): Promise<void> {
    await expect(this.state).toHaveText(state);
  }

  /** Presses an action's button and answers its dialog; a start has one only for its comment. */
  async ask(action: string, comment = ""): Promise<void> {
    if (action === "Start" && !comment) return this.action(action).click();
    await this.action(action === "Start" ? "Start with a comment" : action).click();
    const dialog = this.dialog(action);
    if (comment) await dialog.getByLabel("Comment").fill(comment);
    await dialog.getByRole("button", { name: action, exact: true }).click();
    await expect(dialog).toBeHidden();
  }

  /** The same, and waits for the state it leads to. */
  async perform(action: string, reached: string, comment = ""): Promise<void> {
    await this.ask(action, comment);
    await this.expectState(reached);
  }

  /** Enters values on the configuration screen and saves them. */
  async configure(values: Record<string, string>): Promise<void> {
    await this.goTo("Configuration");
    for (const [name, value] of Object.entries(values)) {
      await this.page.getByLabel(name, { exact: true }).fill(value);
    }
    await this.page.getByRole("button", { name: /^Save \d+ changes?$/ }).click();
    await expect(this.page.getByText(/^\d+ values? saved\.$/)).toBeVisible();
  }
}
