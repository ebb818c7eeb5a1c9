/** Notes: text that is pinned to a place or an object, drawn over the picture. */
import type { Vec3 } from "../../engine/api";
import type { ObjectProperties } from "../../backend/messages";
import type { CityApp } from "../app";
import type { Note } from "../keeping";
import { type Tool, toolCard } from "./card";

export class NotesTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  private readonly list: HTMLElement;
  private readonly pins: HTMLElement;
  private readonly hint: HTMLElement;
  private placing = false;
  private following = false;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.list = dom.h("ol", { class: "kept-list" });
    this.pins = dom.h("div", { class: "notes" });
    this.hint = dom.h("p", { class: "hint", text: "notes.hint", attributes: { hidden: true } });
    this.element = toolCard(app, "notes", "notes.title", () => this.toggle(), dom.button("notes.add", () => this.add(), "button primary", "plus"), this.hint, this.list);
    app.on("kept", () => this.show());
    app.i18n.onChange(() => this.show());
  }

  toggle(): void {
    this.open = !this.open;
    this.show();
    this.app.fire("tools", null);
  }

  /** Lets the user choose where the next note stands. */
  add(): void {
    this.open = true;
    this.placing = true;
    this.hint.hidden = false;
    this.app.shell.tools.measure.ask("point", ({ points }) => void this.place(points[0] as Vec3).catch((error: unknown) => this.app.report(error)));
    this.show();
  }

  escape(): boolean {
    if (this.placing) this.app.shell.tools.measure.stop();
    else if (this.open) this.open = false;
    else return false;
    this.placing = false;
    this.hint.hidden = true;
    this.app.fire("tools", null);
    return true;
  }

  private async place(point: Vec3): Promise<void> {
    const { app } = this;
    this.placing = false;
    this.hint.hidden = true;
    const object = await this.objectAt(point);
    app.keeping.notes.push({ text: "", point, uid: object?.uid ?? "", object: object?.name ?? "" });
    app.keeping.save();
    [...this.list.querySelectorAll("textarea")].pop()?.focus();
  }

  private async objectAt(point: Vec3): Promise<ObjectProperties | null> {
    const { engine } = this.app;
    if (!engine) return null;
    const [x, y] = engine.project(new Float32Array(point)) as unknown as [number, number];
    const { left, top } = engine.canvas.getBoundingClientRect();
    const pick = await engine.pickAt(left + x, top + y);
    return pick ? this.app.ask<ObjectProperties>("properties", { handle: pick.handle }) : null;
  }

  private show(): void {
    this.follow();
    const { dom, keeping } = this.app;
    this.pins.replaceChildren(
      ...keeping.notes.map((note, i) => {
        const pin = dom.h("button", { class: "note-pin", attributes: { type: "button" } }, note.text || String(i + 1));
        pin.addEventListener("click", () => this.edit(i));
        return pin;
      }),
    );
    this.move();
    if (!this.open) return;
    this.list.replaceChildren(...keeping.notes.map((note, place) => this.row(note, place)));
    if (keeping.notes.length === 0) this.list.append(dom.h("li", { class: "hint", text: "notes.none" }));
  }

  private edit(place: number): void {
    if (!this.open) this.toggle();
    this.list.querySelectorAll("textarea")[place]?.focus();
  }

  private row(note: Note, place: number): HTMLElement {
    const { app } = this;
    const { dom, keeping } = app;
    const words = dom.h("textarea", { label: "notes.text", attributes: { rows: 2, maxlength: 2000 } });
    words.value = note.text;
    words.addEventListener("change", () => {
      note.text = words.value;
      keeping.save();
    });
    const fly = dom.iconButton("target", "notes.fly", () => app.engine?.flyTo(around(note.point), 1.2), { class: "small" });
    const remove = dom.iconButton("close", "notes.remove", () => {
      keeping.notes.splice(place, 1);
      keeping.save();
    }, { class: "small" });
    const where = note.object || note.uid ? dom.h("small", {}, app.i18n.t("notes.at", { name: note.object || note.uid })) : null;
    return dom.h("li", {}, fly, dom.h("div", { class: "grow" }, words, where), remove);
  }

  /** The pins stand where their points are. */
  private follow(): void {
    const { engine, shell } = this.app;
    if (!engine || this.following) return;
    this.following = true;
    shell.view.append(this.pins);
    engine.on("camera", () => this.move());
  }

  private move(): void {
    const { engine, keeping } = this.app;
    if (!engine || keeping.notes.length === 0) return;
    const places = engine.project(new Float32Array(keeping.notes.flatMap((note) => note.point)));
    [...this.pins.children].forEach((pin, i) => {
      const [x, y] = [places[3 * i] as number, places[3 * i + 1] as number];
      (pin as HTMLElement).hidden = Number.isNaN(x);
      if (!Number.isNaN(x)) (pin as HTMLElement).style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -100%)`;
    });
  }
}

function around([x, y, z]: Vec3): [number, number, number, number, number, number] {
  return [x - 30, y - 30, z - 10, x + 30, y + 30, z + 30];
}
