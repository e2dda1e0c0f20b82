import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { decodeEntities } from "../lib/ecs/column_bytes.ts";
import { poll } from "./e2e.ts";
import { EditorStage } from "./editor_stage.ts";

Deno.test("everybody can use the editor", async (t) => {
  await using stage = await EditorStage.open();
  await t.step("by keyboard alone", () => useKeyboard(stage));
  await t.step("with what axe-core asks for, in light and dark", () => checkAccessibility(stage));
  await t.step("in the theme that is chosen, whatever the system's", () => chooseTheme(stage));
  assertEquals(stage.complaints, []);
});

async function useKeyboard(stage: EditorStage): Promise<void> {
  const { page } = stage;
  await page.locator("body").click({ position: { x: 700, y: 15 } });
  await page.keyboard.press("/");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("Mass, +Boid sort by Entity");
  await page.keyboard.press("Enter");
  await page.locator(".entities .count").getByText("60 found").waitFor();
  await pressUntil(page, "Tab", () => page.locator(".grid:focus").count());
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await page.locator("#row-1.selected").waitFor();
  await stage.screenshot("keyboard");
  const entity = Number(await page.locator("#row-1 .entity").textContent());
  await page.locator(".inspector .count").getByText(`Entity ${entity}`).waitFor();
  await page.keyboard.press("Enter");
  const mass = page.locator('input[aria-label="Mass.value"]:focus');
  await pressUntil(page, "Tab", () => mass.count());
  await page.keyboard.type("9");
  await page.keyboard.press("Enter");
  await poll("the mass is 9", async () => {
    const { chunks } = await stage.query({
      query: { read: ["Mass"] },
      where: { op: "=", path: "Mass.value", value: 9 },
    });
    return chunks.some(({ entities }) => entities && decodeEntities(entities).includes(entity));
  });
}

const TABS = ["Viewport", "Schedule", "Systems", "Snapshots"];

async function checkAccessibility(stage: EditorStage): Promise<void> {
  const { page, onlooker } = stage;
  const found: string[] = [];
  await onlooker.control({ op: "pause" });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const tab of TABS) {
      await page.getByRole("tab", { name: tab }).click();
      await page.getByRole("tabpanel", { name: tab }).waitFor();
      // The theme changes colours alone.
      const rules = colorScheme === "light" ? undefined : ["color-contrast"];
      found.push(...(await stage.audit(rules)).map((text) => `${colorScheme} ${tab}: ${text}`));
      await stage.screenshot(`${tab.toLowerCase()}-${colorScheme}`);
    }
  }
  await page.getByRole("button", { name: "Keys and help" }).click();
  await page.getByRole("dialog").waitFor();
  found.push(...await stage.audit());
  await stage.screenshot("help");
  await page.keyboard.press("Escape");
  assertEquals(found, []);
}

async function chooseTheme({ page }: EditorStage): Promise<void> {
  await page.emulateMedia({ colorScheme: "dark" });
  const light = ["light", "rgb(230, 233, 238)", "rgb(236, 239, 244)"];
  const dark = ["dark", "rgb(15, 18, 22)", "rgb(18, 22, 27)"];
  for (const [theme, background, viewport] of [light, dark, ["system", ...dark.slice(1)]]) {
    await page.getByRole("button", { name: /^Theme/ }).click();
    await page.getByRole("button", { name: `Theme: ${theme}` }).waitFor();
    assertEquals(
      await page.evaluate("getComputedStyle(document.body).backgroundColor"),
      background,
    );
    // As scripts read it.
    const read = 'getComputedStyle(document.body).getPropertyValue("--viewport")';
    assertEquals(await page.evaluate(read), viewport);
  }
}

const PRESSES_MAX = 80;

/** Presses a key until something has the focus. */
async function pressUntil(page: Page, key: string, isThere: () => Promise<number>): Promise<void> {
  for (let i = 0; i < PRESSES_MAX; i++) {
    if (await isThere() > 0) return;
    await page.keyboard.press(key);
  }
  throw new Error(`Cannot get there by ${PRESSES_MAX} times ${key}`);
}
