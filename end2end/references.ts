// What every page looked like when somebody last looked: one small picture of all its variants in
// references/. A new one takes its place only where a page looks different, so that the history
// holds changes and not every run's dates.
import type { Browser, Page } from "@playwright/test";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const FOLDER = join(import.meta.dirname, "references");

/** How much smaller than life. */
const SCALE = 0.5;
/** Blocks of this many pixels are compared by their mean: a date that differs changes few of them. */
const BLOCK = 24;
/** A block differs from this difference of brightness on, of 255. */
const DIFFERS = 24;
/** A page looks different when more of its blocks differ than this share, or it is that much longer. */
const TOLERATED = 0.03;

/** A page without script or network of its own, on which pictures are put together and compared. */
export async function easel(browser: Browser): Promise<Page> {
  const page = await browser.newPage();
  await page.setContent("<title>References</title>");
  return page;
}

/** Puts the pictures (PNG) beside each other, and keeps that as a page's reference if it looks different from the one there is. */
export async function refer(easel: Page, name: string, pictures: Buffer[]): Promise<"new" | "different" | "alike"> {
  const path = join(FOLDER, `${name}.webp`);
  const before = existsSync(path) ? (await readFile(path)).toString("base64") : null;
  const { now, share } = await easel.evaluate(
    async ({ pictures, before, SCALE, BLOCK, DIFFERS }) => {
      const load = async (source: string) => {
        const image = new Image();
        image.src = source;
        await image.decode();
        return image;
      };
      const onCanvas = (width: number, height: number, draw: (context: CanvasRenderingContext2D) => void) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(width), height: Math.round(height) });
        const context = canvas.getContext("2d", { willReadFrequently: true });
        if (!context) throw new Error("no canvas");
        context.imageSmoothingQuality = "high";
        draw(context);
        return canvas;
      };
      const images = await Promise.all(pictures.map((picture) => load(`data:image/png;base64,${picture}`)));
      const width = images.reduce((sum, image) => sum + image.width, 0) * SCALE;
      const height = Math.max(...images.map((image) => image.height)) * SCALE;
      const sheet = onCanvas(width, height, (context) => {
        let left = 0;
        for (const image of images) {
          context.drawImage(image, left, 0, image.width * SCALE, image.height * SCALE);
          left += image.width * SCALE;
        }
      });
      const now = sheet.toDataURL("image/webp", 0.4);
      const blocks = (image: HTMLImageElement) => {
        const [across, down] = [Math.ceil(image.width / BLOCK), Math.ceil(image.height / BLOCK)];
        const small = onCanvas(across, down, (context) => context.drawImage(image, 0, 0, across, down));
        const { data } = small.getContext("2d")?.getImageData(0, 0, across, down) ?? { data: [] };
        const bright = Array.from({ length: across * down }, (_, at) =>
          ((data[at * 4] ?? 0) + (data[at * 4 + 1] ?? 0) + (data[at * 4 + 2] ?? 0)) / 3);
        return { across, down, bright };
      };
      if (before === null) return { now, share: null };
      const [one, other] = [blocks(await load(now)), blocks(await load(`data:image/webp;base64,${before}`))];
      if (one.across !== other.across) return { now, share: 1 };
      const longer = Math.abs(one.down - other.down) / Math.max(one.down, other.down);
      const both = one.across * Math.min(one.down, other.down);
      const differ = one.bright.slice(0, both).filter((value, at) => Math.abs(value - (other.bright[at] ?? 0)) > DIFFERS).length;
      return { now, share: Math.max(longer, differ / both) };
    },
    { pictures: pictures.map((picture) => picture.toString("base64")), before, SCALE, BLOCK, DIFFERS },
  );
  if (share !== null && share <= TOLERATED) return "alike";
  await mkdir(FOLDER, { recursive: true });
  await writeFile(path, Buffer.from(now.split(",")[1] ?? "", "base64"));
  return share === null ? "new" : "different";
}
