import { type Page, expect } from "@playwright/test";

/** What a person would see to be wrong with the layout of the page as it is now: each fault with the text that has it. */
export async function layoutFaults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults = new Set<string>();
    const width = window.innerWidth;
    if (document.documentElement.scrollWidth > width) {
      faults.add(`the page is ${document.documentElement.scrollWidth} px wide`);
    }
    const scrolls = (style: CSSStyleDeclaration) => /auto|scroll/.test(style.overflowX);
    // What is told by an ellipsis is cut on purpose; what is clipped for screen readers alone is not there to be seen.
    const isLeftOut = (element: Element) =>
      element.closest(".visually-hidden, svg, noscript, script, style, .action__why, .skip-link, .toasts, .drop-zone") !== null;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const parent = node.parentElement;
      const text = node.textContent ?? "";
      if (!parent || text.trim() === "" || isLeftOut(parent) || !parent.checkVisibility()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getBoundingClientRect();
      if (box.width === 0 || getComputedStyle(parent).clipPath !== "none") continue;
      // Sticks out of the window, or of what cuts it off, and nobody can scroll to it.
      for (let around: Element | null = parent; ; around = around.parentElement) {
        const style = around && getComputedStyle(around);
        if (style && (scrolls(style) || style.textOverflow === "ellipsis")) break;
        const edge = !around ? width : style!.overflowX === "visible" ? Infinity : around.getBoundingClientRect().right;
        // Spaces at the end of a line hang over its edge, and nobody sees them.
        const hanging = getComputedStyle(parent).whiteSpace === "pre-wrap" ? 10 : 1;
        if (box.right > edge + hanging) {
          faults.add(`cut off: ${text.trim().slice(0, 40)}`);
          break;
        }
        if (!around) break;
      }
      // A word that people write is on one line.
      if (parent.closest("code, pre, h1, [translate=no]:not(.breadcrumb):not(.breadcrumb *)")) continue;
      for (const word of text.matchAll(/\p{L}+/gu)) {
        if (word[0].length > 20) continue;
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map((rect) => Math.round(rect.top)));
        if (lines.size > 1) faults.add(`broken: ${word[0]} in ${text.trim().slice(0, 40)}`);
      }
    }
    return [...faults];
  });
}

/** From the narrowest window to the widest; the steps are small where layouts change. */
const WIDTHS = [320, 360, 400, 480, 560, 640, 720, 761, 800, 860, 900, 960, 1024, 1100, 1180, 1280, 1440, 1600, 1920, 2560];

/** Fails with each width at which the page does not fit its window, or a text on it is cut off or a word broken. */
export async function expectFitsAllWidths(page: Page, what: string): Promise<void> {
  const found: string[] = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    found.push(...(await layoutFaults(page)).map((fault) => `${what} at ${width}: ${fault}`));
  }
  expect.soft(found).toEqual([]);
}
