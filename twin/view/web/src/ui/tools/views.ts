/** The list of kept views: come back, rename, order, play as a tour, hand on. */
import type { CityApp } from "../app";
import { copyText } from "../dom";
import { numberField, type Tool, toolCard } from "./card";
import type { KeptView } from "../keeping";

export class ViewsTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  private readonly list: HTMLElement;
  private readonly play: HTMLButtonElement;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.list = dom.h("ol", { class: "kept-list" });
    this.play = dom.button("views.play", () => app.tour.toggle(), "button quiet", "play");
    const file = dom.h("input", { label: "kept.import", attributes: { type: "file", accept: "application/json,.json", hidden: true } });
    file.addEventListener("change", () => void this.read(file));
    this.element = toolCard(
      app, "views", "views.title", () => this.toggle(),
      dom.h("div", { class: "row wrap" }, dom.button("views.keep", () => this.keep(), "button primary", "plus"), this.play),
      this.list,
      numberField(app, "views.flight", app.tour.flight_s, "s", (value) => (app.tour.flight_s = Math.min(60, Math.max(0, value))), { min: 0, max: 60 }),
      numberField(app, "views.stay", app.tour.stay_s, "s", (value) => (app.tour.stay_s = Math.min(600, Math.max(0, value))), { min: 0, max: 600 }),
      dom.h(
        "div",
        { class: "row wrap" },
        dom.button("kept.share", () => void this.share(), "button quiet small", "share"),
        dom.button("kept.export", () => this.save(), "button quiet small"),
        dom.button("kept.import", () => file.click(), "button quiet small"),
        file,
      ),
    );
    app.on("kept", () => this.show());
    app.i18n.onChange(() => this.show());
  }

  toggle(): void {
    this.open = !this.open;
    this.show();
    this.app.fire("tools", null);
  }

  escape(): boolean {
    if (this.app.tour.stop()) return true;
    if (!this.open) return false;
    this.toggle();
    return true;
  }

  reset(): void {
    this.app.tour.stop();
    this.app.keeping.load();
  }

  keep(): void {
    const { keeping, i18n } = this.app;
    const name = i18n.t("views.name", { number: keeping.views.length + 1 });
    keeping.keep(name);
    if (!this.open) this.toggle();
    this.app.notices.show(i18n.t("views.kept", { name }), "info");
  }

  go(view: KeptView, seconds = 1.8): void {
    this.app.tour.stop();
    void this.app.show(this.app.keeping.stateOf(view), seconds).catch((error: unknown) => this.app.report(error));
  }

  private show(): void {
    if (!this.open) return;
    const { dom, keeping, tour, i18n } = this.app;
    this.list.replaceChildren(...keeping.views.map((view, place) => this.row(view, place)));
    if (keeping.views.length === 0) this.list.append(dom.h("li", { class: "hint", text: "views.none" }));
    this.play.replaceChildren(dom.icon(tour.running ? "pause" : "play"), dom.h("span", {}, i18n.t(tour.running ? "views.stop" : "views.play")));
  }

  private row(view: KeptView, place: number): HTMLElement {
    const { dom, keeping, tour } = this.app;
    const name = dom.h("input", { label: "views.rename", attributes: { type: "text", value: view.name, maxlength: 120 } });
    name.addEventListener("change", () => {
      view.name = name.value;
      keeping.save();
    });
    const names = { variables: { name: view.name }, class: "small" };
    const earlier = dom.iconButton("up", "views.earlier", () => {
      keeping.views.splice(place - 1, 0, ...keeping.views.splice(place, 1));
      keeping.save();
    }, { ...names, attributes: { disabled: place === 0 } });
    const remove = dom.iconButton("close", "views.remove", () => {
      keeping.views.splice(place, 1);
      keeping.save();
    }, names);
    const go = dom.iconButton("target", "views.go", () => this.go(view), names);
    return dom.h("li", { class: place === tour.at ? "current" : "" }, go, name, earlier, remove);
  }

  private async share(): Promise<void> {
    const { keeping, i18n, notices } = this.app;
    const url = keeping.link();
    notices.show(i18n.t((await copyText(url)) ? "top.share.done" : "top.share.shown", { url }), "info");
  }

  private save(): void {
    const { keeping } = this.app;
    this.app.save(new Blob([JSON.stringify(keeping.all, null, 2)], { type: "application/json" }), `${this.app.fileName}-views.json`);
  }

  private async read(file: HTMLInputElement): Promise<void> {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    try {
      this.app.keeping.take(await chosen.text());
    } catch (error) {
      this.app.notices.show(this.app.i18n.t("kept.file", { name: chosen.name, message: error instanceof Error ? error.message : String(error) }), "error");
    }
    file.value = "";
  }
}
