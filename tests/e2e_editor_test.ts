import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { createSubjects } from "../lib/wire/subjects.ts";
import { poll } from "./e2e.ts";
import { EditorStage } from "./editor_stage.ts";

const CAMERA = "Transform3D.translation, +Camera";

Deno.test("the editor shows a running world, and changes it", async (t) => {
  await using stage = await EditorStage.open();
  await t.step("finds by query, and says where a query is wrong", () => findByQuery(stage));
  await t.step("changes a field, and takes it back", () => changeField(stage));
  await t.step("drags a number, which counts at once, and as one", () => dragNumber(stage));
  await t.step("changes two numbers of a vector while paused", () => editPaused(stage));
  await t.step("goes on with the entity that a drag began with", () => selectInDrag(stage));
  await t.step("creates, extends, duplicates and destroys", () => createAndDestroy(stage));
  await t.step("shows a refusal where it was edited, and why", () => showRefusal(stage));
  await t.step("selects several, and edits them together", () => editSeveral(stage));
  await t.step("pauses, steps and resumes", () => pauseAndStep(stage));
  await t.step("goes back to a tick, forks it, and returns", () => travel(stage));
  await t.step("takes, compares and restores snapshots", () => useSnapshots(stage));
  await t.step("picks in the viewport", () => pickInViewport(stage));
  await t.step("shows the order of the systems, and a tick's time", () => showSchedule(stage));
  await t.step("kills an instance, shows that it is gone, and starts one", () => kill(stage));
  assertEquals(stage.complaints, []);
});

async function translationOf({ query }: Pick<EditorStage, "query">, entity: number) {
  const { chunks } = await query({
    query: { read: ["Transform3D.translation"] },
    entities: new Uint8Array(BigUint64Array.of(BigInt(entity)).buffer),
  });
  const column = chunks[0]?.columns["Transform3D.translation"] as Uint8Array | undefined;
  return column && Array.from(new Float32Array(new Uint8Array(column).buffer));
}

function ask(stage: EditorStage): Pick<EditorStage, "query"> {
  return { query: (request) => stage.query(request) };
}

function isAlive(stage: EditorStage, entity: number): Promise<boolean> {
  const entities = new Uint8Array(BigUint64Array.of(BigInt(entity)).buffer);
  return stage.query({ query: {}, entities }).then(({ chunks }) => chunks.length > 0);
}

function field(page: Page, name: string) {
  return page.getByRole("textbox", { name, exact: true });
}

async function findByQuery(stage: EditorStage): Promise<void> {
  const { page } = stage;
  await stage.find("*", 86);
  const query = page.getByRole("textbox", { name: "Query" });
  await query.fill("Transform3D, Velocty");
  await page.locator("#query-problem").getByText('did you mean "Velocity"').waitFor();
  assertEquals(await page.locator(".query-marks mark").textContent(), "Velocty");
  await stage.screenshot("query-problem");
  await stage.find(CAMERA, 1);
  assertEquals(await stage.selectRow(0), 1);
  await field(page, "Transform3D.translation.y").waitFor();
  await showsUnits(page);
}

/** What the manifest says of a field and a component is there for eyes and for screen readers. */
async function showsUnits(page: Page): Promise<void> {
  await page.locator('[data-field="Transform3D.translation"] .unit').getByText("m", { exact: true })
    .waitFor();
  await page.getByRole("columnheader", { name: /^Transform3D\.translation m / }).waitFor();
  const fov = field(page, "Camera.fov");
  assertEquals(await fov.getAttribute("title"), "f32, in rad. Vertical field of view.");
  const heading = page.getByRole("button", { name: "Camera", exact: true });
  assertEquals(
    await heading.getAttribute("title"),
    "A perspective camera that looks along its -z axis.",
  );
}

async function changeField(stage: EditorStage): Promise<void> {
  const { page } = stage;
  const y = field(page, "Transform3D.translation.y");
  await y.fill("30 + 3.5");
  await y.press("Enter");
  const is = (value: number) =>
    poll(`y is ${value}`, async () => (await translationOf(ask(stage), 1))?.[1] === value);
  await is(33.5);
  await page.getByRole("button", { name: "Undo: Set Transform3D.translation" }).click();
  await is(20);
  await page.getByRole("button", { name: "Redo: Set Transform3D.translation" }).click();
  await is(33.5);
  await stage.screenshot("inspector");
}

async function dragNumber(stage: EditorStage): Promise<void> {
  const { page } = stage;
  const handle = page.locator('[data-field="Transform3D.translation"] .lane-x');
  const box = await handle.boundingBox();
  const [x, y] = [(box?.x ?? 0) + 5, (box?.y ?? 0) + 5];
  const place = () => translationOf(ask(stage), 1);
  const [before] = await place() ?? [];
  const drag = async (from: number | undefined) => {
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 40, y, { steps: 8 });
    await poll("it moves as it is dragged", async () => (await place())?.[0] !== from);
    await page.mouse.move(x + 80, y, { steps: 8 });
  };
  await drag(before);
  await page.mouse.up();
  const input = field(page, "Transform3D.translation.x");
  const isShown = async () =>
    (await place())?.[0] === Math.fround(Number(await input.inputValue()));
  await poll("the world has what is shown", isShown);
  const [dragged] = await place() ?? [];
  await drag(dragged);
  await stage.screenshot("dragged");
  await page.keyboard.press("Escape");
  await poll("it is back", async () => (await place())?.[0] === dragged);
  await page.mouse.up();
  await page.getByRole("button", { name: "Undo: Set Transform3D.translation" }).click();
  await poll("x is as it was", async () => (await place())?.[0] === before);
  assertEquals((await place())?.[1], 33.5);
}

async function editPaused(stage: EditorStage): Promise<void> {
  const { page, onlooker } = stage;
  const place = () => translationOf(ask(stage), 1);
  const before = await place();
  await onlooker.control({ op: "pause" });
  for (const [axis, value] of [["x", "5"], ["y", "7"]]) {
    await field(page, `Transform3D.translation.${axis}`).fill(value);
    await field(page, `Transform3D.translation.${axis}`).press("Enter");
  }
  const waiting = page.locator('.waiting[data-field="Transform3D.translation"]');
  await waiting.waitFor();
  assertEquals(await field(page, "Transform3D.translation.x").inputValue(), "5");
  await stage.find("Mass, +Boid sort by Entity", 60);
  await stage.selectRow(0);
  await waiting.waitFor({ state: "detached" });
  await stage.find(CAMERA, 1);
  await stage.selectRow(0);
  await waiting.waitFor();
  await poll("both count", async () => {
    await onlooker.control({ op: "step" });
    const [x, y] = await place() ?? [];
    return x === 5 && y === 7;
  });
  await waiting.waitFor({ state: "detached" });
  await onlooker.control({ op: "resume" });
  for (let i = 0; i < 2; i++) {
    await page.getByRole("button", { name: "Undo: Set Transform3D.translation" }).click();
  }
  await poll("it is where it was", async () => `${await place()}` === `${before}`);
}

async function selectInDrag(stage: EditorStage): Promise<void> {
  const { page } = stage;
  await stage.find("Transform3D.scale, +Boid sort by Entity", 60);
  const entity = await stage.selectRow(0);
  // What was selected before is shown until this one is read.
  await field(page, "Camera.fov").waitFor({ state: "detached" });
  const handle = page.locator('[data-field="Transform3D.scale"] .lane-x');
  const box = await handle.boundingBox();
  const [x, y] = [(box?.x ?? 0) + 5, (box?.y ?? 0) + 5];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 40, y, { steps: 4 });
  await page.keyboard.press("ArrowDown");
  await page.locator(".inspector .count").getByText(`Entity ${entity}`, { exact: true }).waitFor({
    state: "detached",
  });
  await page.mouse.move(x + 80, y, { steps: 4 });
  await page.mouse.up();
  await stage.find("+Boid where Transform3D.scale.x > 1", 1);
  assertEquals(await stage.selectRow(0), entity);
  const scale = field(page, "Transform3D.scale.x");
  await poll("it is what it was dragged to", async () => await scale.inputValue() === "1.8");
  await page.getByRole("button", { name: "Undo: Set Transform3D.scale" }).click();
  await stage.find("+Boid where Transform3D.scale.x > 1", 0);
  await stage.find(CAMERA, 1);
  await stage.selectRow(0);
}

async function createAndDestroy(stage: EditorStage): Promise<void> {
  const { page } = stage;
  await page.getByRole("button", { name: "Create an entity" }).click();
  const title = page.locator(".inspector .count");
  await title.getByText(/Entity \d{2,}/).waitFor();
  const entity = Number((await title.textContent())?.replace("Entity ", ""));
  assert(await isAlive(stage, entity));
  await page.getByRole("combobox", { name: "Component to add" }).selectOption("Mass");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const mass = field(page, "Mass.value");
  await mass.fill("2.5");
  await mass.press("Enter");
  await stage.find("Mass where Mass.value = 2.5", 1);
  await page.getByRole("button", { name: "Remove Mass" }).click();
  await stage.find("Mass where Mass.value = 2.5", 0);
  await page.getByRole("button", { name: "Undo: Remove Mass" }).click();
  await stage.find("Mass where Mass.value = 2.5", 1);
  await page.getByRole("button", { name: "Duplicate what is selected" }).click();
  await stage.find("Mass where Mass.value = 2.5", 2);
  await page.getByRole("button", { name: "Destroy what is selected" }).click();
  await stage.find("Mass where Mass.value = 2.5", 1);
  await stage.selectRow(0);
  await page.getByRole("button", { name: "Destroy what is selected" }).click();
  await poll("it is destroyed", async () => !await isAlive(stage, entity));
  await page.getByRole("button", { name: "Undo: Destroy 1 entity" }).click();
  await stage.find("Mass where Mass.value = 2.5", 1);
}

async function showRefusal(stage: EditorStage): Promise<void> {
  const { page, onlooker } = stage;
  await stage.find("Mass where Mass.value = 2.5", 1);
  const entity = await stage.selectRow(0);
  const mass = field(page, "Mass.value");
  await mass.fill("heavy");
  await mass.press("Enter");
  await page.locator(".number.wrong").waitFor();
  await mass.press("Escape");
  await onlooker.control({ op: "pause" });
  const destroyed = stage.command([{ op: "despawn", entity }]);
  await onlooker.bus.flush();
  await mass.fill("4");
  await mass.press("Enter");
  await page.getByText("change waits for a tick").waitFor();
  await stage.screenshot("waiting");
  await onlooker.control({ op: "step" });
  await destroyed;
  await page.getByRole("alert").filter({ hasText: `${entity}` }).first().waitFor();
  await onlooker.control({ op: "resume" });
}

async function editSeveral(stage: EditorStage): Promise<void> {
  const { page } = stage;
  await stage.find("Mass, +Boid sort by Entity", 60);
  await stage.selectRow(1);
  await stage.selectRow(4, ["Shift"]);
  await page.locator(".inspector .count").getByText("4 entities").waitFor();
  await stage.selectRow(2, ["Control"]);
  await page.locator(".inspector .count").getByText("3 entities").waitFor();
  const mass = field(page, "Mass.value");
  await page.locator('input[aria-label="Mass.value"][placeholder="mixed"]').waitFor();
  await mass.fill("7");
  await mass.press("Enter");
  await stage.find("Mass where Mass.value = 7", 3);
  await stage.screenshot("several");
}

async function pauseAndStep(stage: EditorStage): Promise<void> {
  const { page, onlooker } = stage;
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("status", { name: "State" }).getByText("Paused").waitFor();
  const { tick_id, running } = await onlooker.status();
  assertEquals(running, false);
  await page.getByRole("button", { name: "Step one tick" }).click();
  await poll("one more tick", async () => (await onlooker.status()).tick_id === tick_id + 1);
  const rate = page.getByRole("textbox", { name: "Ticks a second" });
  await rate.fill("20");
  await rate.press("Enter");
  await poll("the rate is 20", async () => (await onlooker.status()).hz === 20);
  await page.getByRole("button", { name: "Resume" }).click();
  await poll("it runs", async () => (await onlooker.status()).running);
}

async function travel(stage: EditorStage): Promise<void> {
  const { page, onlooker } = stage;
  await onlooker.control({ op: "pause" });
  const { tick_id: now } = await onlooker.status();
  await stage.find(CAMERA, 1);
  const slider = page.getByRole("slider", { name: "Tick to look at" });
  await slider.fill("1");
  const state = page.getByRole("status", { name: "State" });
  await state.getByText("Past · tick 1", { exact: true }).waitFor();
  await stage.selectRow(0);
  const y = field(page, "Transform3D.translation.y");
  await poll("y is as it was", async () => await y.inputValue() === "20");
  await showsUnits(page);
  await stage.screenshot("past");
  await page.getByRole("button", { name: "One tick on" }).click();
  await state.getByText("Past · tick 2", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Fork…" }).click();
  await page.getByRole("textbox", { name: "Prefix" }).fill("what_if");
  await page.getByRole("button", { name: "Fork", exact: true }).click();
  await page.getByText("deno task coord --prefix what_if").waitFor();
  const { messages } = await onlooker.log.info(createSubjects("what_if").streams.snapshots);
  assert(messages > 0);
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await page.getByRole("button", { name: "Back to live" }).click();
  await state.getByText("Paused").waitFor();
  const { tick_id, running } = await onlooker.status();
  assertEquals(running, false);
  // A tick that was running when the world was paused has ended since.
  assert(tick_id - now <= 1);
  await onlooker.control({ op: "resume" });
}

async function useSnapshots(stage: EditorStage): Promise<void> {
  const { page, onlooker } = stage;
  await page.getByRole("tab", { name: "Snapshots" }).click();
  await page.getByRole("textbox", { name: "Note on the snapshot" }).fill("before the flood");
  await page.getByRole("button", { name: "Take a snapshot" }).click();
  await page.getByRole("cell", { name: "before the flood" }).waitFor();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await page.getByRole("rowheader", { name: "Transform3D", exact: true }).waitFor();
  await stage.screenshot("snapshots");
  const row = page.getByRole("row").filter({ hasText: "before the flood" });
  const id = await row.getByRole("rowheader").textContent();
  await row.getByRole("button", { name: "Restore" }).click();
  await row.getByRole("button", { name: "Really restore" }).click();
  await page.locator(".notice").getByText(`The world is ${id} since tick`).waitFor();
  assert((await onlooker.status()).running);
}

async function pickInViewport(stage: EditorStage): Promise<void> {
  const { page, onlooker } = stage;
  await page.getByRole("tab", { name: "Viewport" }).click();
  await page.locator(".viewport-bar").getByText(/^8\d shown/).waitFor();
  await stage.find(CAMERA, 1);
  await stage.selectRow(0);
  await onlooker.control({ op: "pause" });
  await page.getByRole("button", { name: "Frame what is selected" }).click();
  const canvas = page.getByRole("application");
  const { width, height } = await canvas.boundingBox() ?? { width: 0, height: 0 };
  await page.keyboard.press("Escape");
  const middle = { x: width / 2, y: height / 2 };
  await stage.find("*", 86);
  // The camera is where the viewport looks now: what is picked in the middle is the camera.
  await canvas.click({ position: { x: 3, y: 3 } });
  await page.locator(".inspector .count").getByText("nothing selected").waitFor();
  await canvas.click({ position: middle });
  await page.locator(".inspector .count").getByText("Entity 1", { exact: true }).waitFor();
  await stage.screenshot("viewport-dark");
  const before = await translationOf(ask(stage), 1);
  await onlooker.control({ op: "resume" });
  const box = await canvas.boundingBox();
  const [x, y] = [(box?.x ?? 0) + middle.x, (box?.y ?? 0) + middle.y];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 60, y + 40, { steps: 4 });
  const isMoved = async () => {
    const after = await translationOf(ask(stage), 1);
    return after !== undefined && after.some((value, i) => value !== before?.[i]);
  };
  await poll("it moves as it is dragged", isMoved);
  await page.mouse.up();
  await page.getByRole("button", { name: "Undo: Move entity 1" }).click();
  await poll("it is back where it was", async () => !await isMoved());
}

async function showSchedule(stage: EditorStage): Promise<void> {
  const { page } = stage;
  await page.getByRole("tab", { name: "Schedule" }).click();
  await page.getByRole("img", { name: "Systems in order: ai, physics, render_prep" }).waitFor();
  await page.getByRole("listbox", { name: "Ticks" }).press("ArrowLeft");
  await page.locator(".tick-words").getByText(/It took [\d.]+ ms/).waitFor();
  await page.locator(".span.compute").first().waitFor();
  await stage.screenshot("schedule");
}

async function kill(stage: EditorStage): Promise<void> {
  const { page, onlooker } = stage;
  await page.getByRole("tab", { name: "Systems" }).click();
  const row = page.getByRole("row").filter({ hasText: /^ai-/ }).first();
  const id = await row.getByRole("rowheader").textContent() ?? "";
  await row.getByRole("button", { name: /^Kill process/ }).click();
  const gone = page.locator('tr[data-state="gone"]').filter({ hasText: id });
  await gone.getByText("gone").waitFor();
  await poll("one is left", async () => (await onlooker.status()).systems.ai.instances === 1);
  await stage.screenshot("killed");
  await page.getByRole("button", { name: "Start an instance of ai" }).click();
  await poll(
    "there are two again",
    async () => (await onlooker.status()).systems.ai.instances === 2,
  );
}
