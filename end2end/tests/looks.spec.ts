// How every page stands: each stop of the walks is measured once, then each sentence is held against
// all of them.
import { type Browser, type Page } from "@playwright/test";
import { HtmlValidate } from "html-validate";
import { check } from "../checks.ts";
import { cutoverStops, memberStops, onceStops, publicStops, recordingStops, type Stop } from "../routes.ts";
import { expect, Server, test } from "../server.ts";

/** What was measured of a page. */
type Look = {
  name: string;
  /** As the server sent it. */
  html: string;
  /** Pixels to scroll sideways, by what was tried. */
  sideways: Record<string, number>;
  headlines: number;
  /** How far content moved by itself while the page loaded. */
  shift: number;
  /** Targets smaller than 24 px that do not stand in a line of text. */
  small: string[];
  /** Sortable headings that do not say how they are sorted. */
  unsorted: string[];
  /** What moves although motion is not wanted. */
  moving: string[];
  /** What cannot be told apart in forced colours. */
  faded: string[];
  /** What can only be pressed or filled in, and is on paper all the same. */
  printed: string[];
};

const sideways = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/** Sizes of what can be pressed. Links in running text are as high as the text (WCAG 2.5.8, inline). */
const smallTargets = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    for (const target of document.querySelectorAll<HTMLElement>("a[href], button, input, select, summary, textarea, label.tab")) {
      // The input of a labelled box is as large as its label; hidden ones cannot be pressed.
      const box = (target.matches("input") ? (target.closest("label") ?? target) : target).getBoundingClientRect();
      if (box.width <= 1 || box.height <= 1 || !target.checkVisibility({ visibilityProperty: true })) continue;
      const inline = getComputedStyle(target).display === "inline" && target.parentElement?.textContent?.trim() !== target.textContent?.trim();
      if (!inline && (box.width < 24 || box.height < 24)) {
        found.push(`${target.outerHTML.slice(0, 90)} ${Math.round(box.width)}×${Math.round(box.height)}`);
      }
    }
    return found;
  });

const motions = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("*")].flatMap((element) => {
      const style = getComputedStyle(element);
      const moves = (times: string) => times.split(", ").some((time) => parseFloat(time) > 0.01);
      const moving = moves(style.transitionDuration) || (style.animationName !== "none" && moves(style.animationDuration));
      return moving ? [element.outerHTML.slice(0, 80)] : [];
    }),
  );

/** In forced colours a button and a field need an edge, and the chosen theme must not show by colour alone. */
const faded = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>(".button:not(.quiet), .input")].flatMap((element) => {
      if (!element.checkVisibility()) return [];
      return parseFloat(getComputedStyle(element).borderTopWidth) > 0 ? [] : [element.outerHTML.slice(0, 80)];
    }),
  );

/** Controls on paper. Which language of a command was chosen is hidden from everybody. */
const printed = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("button, select, textarea, input:not(.tabs input)")].flatMap((control) =>
      control.checkVisibility({ visibilityProperty: true }) ? [control.outerHTML.slice(0, 80)] : [],
    ),
  );

async function look(page: Page, stop: Stop): Promise<Look> {
  await page.emulateMedia({ reducedMotion: "no-preference", forcedColors: "none" });
  await page.setViewportSize({ width: 1280, height: 800 });
  let html = "";
  const keep = async (response: { request(): { isNavigationRequest(): boolean }; text(): Promise<string> }) => {
    if (response.request().isNavigationRequest()) html = await response.text().catch(() => html);
  };
  page.on("response", keep);
  await stop.go(page);
  await page.waitForLoadState("load");
  await page.waitForTimeout(150);
  page.off("response", keep);
  const shift = await page.evaluate(() => (window as any).shifted as number);
  const measured: Record<string, number> = {};
  for (const width of [320, 640]) {
    await page.setViewportSize({ width, height: 800 });
    measured[`${width} px`] = await sideways(page);
  }
  await page.setViewportSize({ width: 390, height: 800 });
  const small = await smallTargets(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  small.push(...(await smallTargets(page)));
  await page.emulateMedia({ reducedMotion: "reduce", forcedColors: "active" });
  const moving = await motions(page);
  const colourless = await faded(page);
  measured["forced colours"] = await sideways(page);
  await page.emulateMedia({ media: "print", forcedColors: "none" });
  const onPaper = await printed(page);
  await page.emulateMedia({ media: "screen" });
  return {
    name: stop.name,
    html,
    sideways: measured,
    headlines: await page.locator("h1").count(),
    shift,
    small,
    unsorted: await page.evaluate(() =>
      [...document.querySelectorAll("th:has(a.sort)")].flatMap((head) => {
        const said = head.getAttribute("aria-sort");
        return said && ["ascending", "descending", "none"].includes(said) ? [] : [head.outerHTML.slice(0, 80)];
      }),
    ),
    moving,
    faded: colourless,
    printed: onPaper,
  };
}

/** A page that adds up by how much its content moves without being asked to. */
async function watched(browser: Browser): Promise<Page> {
  const page = await browser.newPage();
  await page.addInitScript(() => {
    (window as any).shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as any[]) {
        if (!entry.hadRecentInput) (window as any).shifted += entry.value;
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  return page;
}

// One after the other, so that the walk is taken once.
test.describe.configure({ mode: "default" });
const looks: Look[] = [];

test.beforeAll(async ({ browser }) => {
  test.setTimeout(600_000);
  const [server, fresh] = await Promise.all([Server.start("demo"), Server.start("serve")]);
  const walks = [
    async () => publicStops(server),
    async () => onceStops(fresh),
    (page: Page) => memberStops(page, server),
    (page: Page) => recordingStops(page, server),
    (page: Page) => cutoverStops(page, server),
  ];
  for (const walk of walks) {
    const page = await watched(browser);
    for (const stop of await walk(page)) looks.push(await look(page, stop));
    await page.close();
  }
  await Promise.all([server.stop(), fresh.stop()]);
});

/** Holds a sentence against every page of every walk; what is wrong is named with its page. */
const holds = (sentence: string, wrong: (look: Look) => unknown[]) =>
  test(`every page ${sentence}`, () => {
    expect(looks.length).toBeGreaterThan(50);
    expect(looks.flatMap((look) => wrong(look).map((what) => `${look.name}: ${what}`))).toEqual([]);
  });

check(9, () => {
  holds("fits into 320 px, and into half of 1280 px (200 % zoom), without sideways scroll", (look) =>
    Object.entries(look.sideways).flatMap(([tried, pixels]) => (pixels > 0 ? [`${pixels} px too wide at ${tried}`] : [])),
  );

  holds("has one headline", (look) => (look.headlines === 1 ? [] : [look.headlines]));

  holds("has targets of at least 24 px", (look) => look.small);

  holds("says of every sortable heading how it is sorted", (look) => look.unsorted);
});

holds("moves nothing where motion is not wanted", (look) => look.moving);

holds("keeps the edges of buttons and fields in forced colours", (look) => look.faded);

holds("has nothing on paper that can only be pressed", (look) => look.printed);

// An answer that the address names is opened by the browser, after it has drawn the page.
holds("does not move by itself while it loads", (look) =>
  look.shift < 0.01 || look.name.includes("#") ? [] : [look.shift],
);

test("every page is valid HTML as the server sends it", async () => {
  const validator = new HtmlValidate({
    root: true,
    extends: ["html-validate:standard", "html-validate:a11y"],
    rules: {
      // How it is written is the library's matter; what it means is ours.
      "attr-quotes": "off",
      "attribute-boolean-style": "off",
      "attribute-empty-style": "off",
      "no-trailing-whitespace": "off",
      "void-style": "off",
      "doctype-style": "off",
      // An explicit role lets lists without bullets stay lists for VoiceOver.
      "no-redundant-role": "off",
      "prefer-native-element": "off",
      // "/help/a?b" and names such as "tok_…" are no phone numbers.
      "tel-non-breaking": "off",
      "no-inline-style": "error",
      "no-dup-id": "error",
      "element-permitted-content": "error",
    },
  });
  const wrong: string[] = [];
  for (const { name, html } of looks) {
    expect(html, name).toContain("<!DOCTYPE html>");
    // Leptos marks places with the shortest of comments, and writes the nonce into `crossorigin`, where
    // browsers read whatever they do not know as `anonymous`.
    const ours = html.replaceAll("<!>", "").replaceAll(/ crossorigin="[^"]*"/g, "");
    const report = await validator.validateString(ours);
    for (const { messages } of report.results) {
      wrong.push(...messages.map((found) => `${name}: ${found.ruleId}: ${found.message} (${found.selector})`));
    }
  }
  expect(wrong).toEqual([]);
});
