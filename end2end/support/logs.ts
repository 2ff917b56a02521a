import { type Locator, type Page, expect } from "@playwright/test";

/** The logs drawer of a version's page. */
export class LogsDrawer {
  constructor(readonly page: Page) {}

  get drawer(): Locator {
    return this.page.getByRole("region", { name: "Logs", exact: true });
  }

  /** What scrolls. */
  get lines(): Locator {
    return this.drawer.getByRole("log", { name: "Lines" });
  }

  /** Those that are in the page just now. */
  get rows(): Locator {
    return this.lines.locator(".log-line");
  }

  get search(): Locator {
    return this.drawer.getByRole("searchbox", { name: "Search in the logs" });
  }

  get foot(): Locator {
    return this.drawer.locator("footer");
  }

  level(name: string): Locator {
    return this.drawer.getByRole("group", { name: "Levels" }).getByRole("button", { name: new RegExp(`^${name} `) });
  }

  button(name: string): Locator {
    return this.drawer.getByRole("button", { name, exact: true });
  }

  /** What its button in the side bar is for. */
  async openByButton(): Promise<void> {
    await this.page.getByRole("navigation", { name: "Version" }).getByRole("button", { name: "Logs" }).click();
    await expect(this.drawer).toBeVisible();
  }

  async expectFollowing(): Promise<void> {
    await expect(this.foot).toContainText("Following");
  }

  /** The numbers that the sandbox's chatty container gives its lines, as they are in the page. */
  async numbers(): Promise<number[]> {
    const texts = await this.rows.locator(".log-line__text").allTextContents();
    return texts.map((text) => Number(/line["=:, ]*(\d+)/.exec(text)?.[1] ?? Number.NaN));
  }

  /** Scrolls to a share of all lines, as by dragging the bar. */
  async scrollTo(share: number): Promise<void> {
    await this.lines.evaluate((pane, share) => {
      pane.scrollTop = (pane.scrollHeight - pane.clientHeight) * share;
    }, share);
  }
}
