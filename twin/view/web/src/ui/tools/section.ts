/** The section plane and the section box. */
import type { Box6, SectionBox, SectionPlane, Vec3 } from "../../engine/api";
import { boxHandles, draggedBox, LEAST_HALF_M } from "../../engine/section_handles";
import type { Key } from "../../i18n";
import type { CityApp } from "../app";
import { segments, slider, type Slider, type Tool, toolCard } from "./card";

const AXES: [SectionPlane["axis"], Key][] = [
  ["z", "section.z"],
  ["x", "section.x"],
  ["y", "section.y"],
  ["free", "section.free"],
];
const NOWHERE: Box6 = [-1, -1, -1, 1, 1, 1];

export class SectionTool implements Tool {
  readonly element: HTMLElement;
  private readonly body: HTMLElement;
  private shown = "";

  constructor(private readonly app: CityApp) {
    this.body = app.dom.h("div", { class: "tool-body" });
    this.element = toolCard(app, "section", "section.title", () => this.toggle(), this.body);
    app.on("tools", () => this.show());
    app.i18n.onChange(() => this.show(true));
  }

  get open(): boolean {
    return this.app.state.section !== null;
  }

  toggle(): void {
    const axis = "z";
    this.app.setSection(this.open ? null : { axis, offset: this.middle(axis), azimuth_deg: 0, flipped: false });
  }

  private show(again = false): void {
    const { app } = this;
    const plane = app.state.section;
    if (!plane || (!again && plane.axis === this.shown)) {
      if (!plane) this.shown = "";
      return;
    }
    this.shown = plane.axis;
    const change = (patch: Partial<SectionPlane>): void => {
      const now = app.state.section;
      if (now) app.setSection({ ...now, ...patch });
    };
    const [low, high] = this.range(plane.axis);
    this.body.replaceChildren(
      segments(app, "section.axis", AXES, plane.axis, (axis) => change({ axis, offset: this.middle(axis) })),
      slider(app, "section.offset", [low, high, 0.1], plane.offset, " m", (offset) => change({ offset })).element,
      ...(plane.axis === "free" ? [slider(app, "section.azimuth", [0, 180, 1], plane.azimuth_deg, "°", (azimuth_deg) => change({ azimuth_deg })).element] : []),
      app.dom.button("section.flip", () => change({ flipped: !app.state.section?.flipped }), "button quiet", "flip"),
    );
  }

  private range(axis: SectionPlane["axis"]): [number, number] {
    const b = this.app.manifest?.bounds ?? NOWHERE;
    if (axis === "z") return [b[2], b[5]];
    if (axis === "x") return [b[0], b[3]];
    if (axis === "y") return [b[1], b[4]];
    const reach = Math.hypot(Math.max(-b[0], b[3]), Math.max(-b[1], b[4]));
    return [-reach, reach];
  }

  private middle(axis: SectionPlane["axis"]): number {
    const [low, high] = this.range(axis);
    return axis === "z" ? low + (high - low) / 4 : (low + high) / 2;
  }
}

const OWNER = "box";
/** Pixels between a face and its handle. */
const BESIDE_PX = 24;

export class SectionBoxTool implements Tool {
  readonly element: HTMLElement;
  private readonly body: HTMLElement;
  private listening = false;
  /** The box before a drag, and the one that the next picture shows. */
  private held: SectionBox | null = null;
  private frame = 0;
  private sliders: Record<"x" | "y" | "z" | "width" | "depth" | "height" | "azimuth", Slider> | null = null;

  constructor(private readonly app: CityApp) {
    this.body = app.dom.h("div", { class: "tool-body" });
    this.element = toolCard(app, "section-box", "box.title", () => this.toggle(), this.body);
    app.on("tools", () => this.show());
    app.i18n.onChange(() => {
      this.sliders = null;
      this.show();
    });
  }

  get open(): boolean {
    return this.app.state.box !== null;
  }

  reset(): void {
    this.sliders = null;
  }

  /** Around the selection when there is one, else around what the camera looks at. */
  toggle(): void {
    if (this.open) this.app.setSectionBox(null);
    else void this.start().catch((error: unknown) => this.app.report(error));
  }

  private async start(): Promise<void> {
    if (this.app.selection.size > 0) await this.aroundSelection();
    else this.aroundView();
  }

  private async aroundSelection(): Promise<void> {
    const { app } = this;
    const handles = app.selection.handles;
    if (handles.length === 0) return app.notices.show(app.i18n.t("form.select"), "info");
    const bounds = await app.ask<Box6 | null>("bounds", { handles: handles.slice(0, 2000) });
    if (bounds) app.setSectionBox(boxOf(bounds, 2));
  }

  private aroundView(): void {
    const { engine, manifest } = this.app;
    if (!engine || !manifest) return;
    const { position, target } = engine.camera();
    const away = Math.hypot(...position.map((p, i) => p - (target[i] as number)));
    const half = Math.max(5, away * 0.22);
    const [, , z0, , , z1] = manifest.bounds;
    this.app.setSectionBox({ centre: [target[0], target[1], (z0 + z1) / 2], half: [half, half, (z1 - z0) / 2 + 1], azimuth_deg: 0 });
  }

  private show(): void {
    const { box } = this.app.state;
    this.showHandles();
    if (!box) return;
    const { x, y, z, width, depth, height, azimuth } = (this.sliders ??= this.build());
    const b = this.app.manifest?.bounds ?? NOWHERE;
    const reach = Math.hypot(b[3] - b[0], b[4] - b[1]);
    x.set(box.centre[0], [b[0], b[3]]);
    y.set(box.centre[1], [b[1], b[4]]);
    z.set(box.centre[2], [b[2], b[5]]);
    width.set(box.half[0] * 2, [2 * LEAST_HALF_M, reach]);
    depth.set(box.half[1] * 2, [2 * LEAST_HALF_M, reach]);
    height.set(box.half[2] * 2, [2 * LEAST_HALF_M, (b[5] - b[2]) * 1.5 + 10]);
    azimuth.set(box.azimuth_deg);
  }

  /** Handles in the city, beside the sliders. */
  private showHandles(): void {
    const { app } = this;
    const drafting = app.engine?.drafting;
    const { box } = app.state;
    if (!drafting) return;
    this.listen();
    if (!box) return drafting.setHandles(OWNER, null);
    drafting.setHandles(OWNER, {
      handles: boxHandles(box, BESIDE_PX * drafting.metresPerPixel(box.centre)),
      start: () => (this.held = app.state.box),
      drag: (name, from, to, free) => this.held && this.drag(draggedBox(this.held, name, from, to, free)),
      end: () => (this.held = null),
    });
  }

  /** Cuts once a picture, however often the pointer moves. */
  private drag(box: SectionBox): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.open && this.app.setSectionBox(box));
  }

  private listen(): void {
    if (this.listening || !this.app.engine) return;
    this.listening = true;
    this.app.engine.on("camera", () => this.open && this.showHandles());
  }

  private build(): NonNullable<SectionBoxTool["sliders"]> {
    const { app } = this;
    const { dom } = app;
    const change = (patch: Partial<SectionBox>): void => {
      const now = app.state.box;
      if (now) app.setSectionBox({ ...now, ...patch });
    };
    const part = (of: "centre" | "half", axis: 0 | 1 | 2, scale: number) => (value: number): void => {
      const now = app.state.box?.[of];
      if (now) change({ [of]: now.map((each, i) => (i === axis ? Math.max(of === "half" ? LEAST_HALF_M : -Infinity, value * scale) : each)) as Vec3 });
    };
    const made = (label: Key, apply: (value: number) => void, unit = " m"): Slider => slider(app, label, [0, 360, 0.1], 0, unit, apply);
    const sliders = {
      x: made("box.x", part("centre", 0, 1)),
      y: made("box.y", part("centre", 1, 1)),
      z: made("box.z", part("centre", 2, 1)),
      width: made("box.width", part("half", 0, 0.5)),
      depth: made("box.depth", part("half", 1, 0.5)),
      height: made("box.height", part("half", 2, 0.5)),
      azimuth: slider(app, "section.azimuth", [-90, 90, 1], 0, "°", (azimuth_deg) => change({ azimuth_deg })),
    };
    const selection = dom.button("form.area.selected", () => void this.aroundSelection().catch((error: unknown) => app.report(error)), "button quiet small");
    const view = dom.button("form.area.view", () => this.aroundView(), "button quiet small");
    this.body.replaceChildren(dom.h("div", { class: "row wrap" }, selection, view), ...Object.values(sliders).map((each) => each.element));
    return sliders;
  }
}

function boxOf([x0, y0, z0, x1, y1, z1]: Box6, room_m: number): SectionBox {
  return { centre: [(x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2], half: [(x1 - x0) / 2 + room_m, (y1 - y0) / 2 + room_m, (z1 - z0) / 2 + room_m], azimuth_deg: 0 };
}
