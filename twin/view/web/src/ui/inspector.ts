/** The properties of the selected object. */
import type { ObjectLink, ObjectProperties, Property, RelationGroup, StreamValue } from "../backend/messages";
import type { CityApp } from "./app";
import { section } from "./card";
import { SetCard } from "./setcard";
import { StreamCard } from "./streams";
import { copyText } from "./dom";
import type { IconName } from "./icons";
import type { Key } from "../i18n";

const SHOWN_CHILDREN = 12;
const REFRESH_MS = 5000;
const WEB_ADDRESS = /(https?:\/\/[^\s"<>,;]+)/;

export class Inspector {
  readonly element: HTMLElement;
  private object: ObjectProperties | null = null;
  private streams: StreamCard[] = [];
  private readonly closed = new Set<string>();
  private readonly set: SetCard;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly app: CityApp) {
    this.element = app.dom.h("aside", { class: "inspector card", label: "panel.right", attributes: { hidden: true } });
    this.element.removeAttribute("title");
    this.set = new SetCard(app);
    app.on("selection", (handle) => void this.open(handle));
    app.on("set", (handles) => {
      this.set.show(handles);
      this.show();
    });
    app.i18n.onChange(() => this.show());
    app.on("tools", () => this.markIsolated());
  }

  private async open(handle: number | null): Promise<void> {
    clearTimeout(this.timer);
    if (handle === null) {
      this.object = null;
      return this.show();
    }
    try {
      const object = await this.app.ask<ObjectProperties>("properties", { handle });
      if (this.app.selected !== handle) return;
      this.object = object;
      this.app.changed({ selection: object.uid });
      this.show();
      if (object.streams.length) this.refreshLater();
    } catch (error) {
      this.app.report(error);
    }
  }

  private refreshLater(): void {
    this.timer = setTimeout(() => void this.refresh(), REFRESH_MS);
  }

  private async refresh(): Promise<void> {
    const shown = this.object;
    if (!shown || !this.element.isConnected) return;
    try {
      const fresh = await this.app.ask<ObjectProperties>("properties", { handle: shown.handle });
      if (this.object?.uid !== fresh.uid) return;
      fresh.streams.forEach((stream, i) => this.streams[i]?.update(stream));
    } catch (error) {
      this.app.report(error);
      return;
    }
    this.refreshLater();
  }

  private show(): void {
    for (const stream of this.streams) stream.dispose();
    this.streams = [];
    const { object } = this;
    const many = !this.set.element.hidden;
    this.element.hidden = object === null && !many;
    if (many || !object) return this.element.replaceChildren(...(many ? [this.set.element] : []));
    const { dom } = this.app;
    const body = dom.h(
      "div",
      { class: "scroll" },
      this.liveData(object.streams),
      this.group("attributes", "props.attributes", object.attributes),
      ...object.groups.map((group) => this.propertySet(group.name, group.items)),
      this.children(object),
      this.relations(object.relations),
      this.aliases(object),
      object.source ? dom.h("p", { class: "source hint" }, `${this.app.i18n.t("props.source")}: ${object.source}`) : null,
    );
    body.addEventListener("toggle", (event) => this.rememberClosed(event.target), true);
    this.element.replaceChildren(this.head(object), body);
    this.markIsolated();
  }

  private rememberClosed(target: EventTarget | null): void {
    if (!(target instanceof HTMLDetailsElement)) return;
    const name = target.dataset.section ?? "";
    if (target.open) this.closed.delete(name);
    else this.closed.add(name);
  }

  private head(object: ObjectProperties): HTMLElement {
    const { dom, i18n } = this.app;
    const other = i18n.language === "zh" ? "en" : "zh";
    const layer = this.app.manifest?.layers.find((each) => each.name === object.layer);
    return dom.h(
      "header",
      { class: "inspector-head" },
      dom.h(
        "div",
        { class: "row" },
        dom.h("h2", { class: "grow" }, this.nameOf(object)),
        dom.iconButton("close", "panel.close", () => void this.app.select(null)),
      ),
      dom.h(
        "p",
        { class: "kind" },
        dom.h("span", { class: "tag" }, i18n.title(object.kind_titles, object.kind)),
        dom.h("span", {}, object.kind_titles[other] || object.kind),
        dom.h("span", { class: "muted" }, `· ${i18n.title(layer?.titles, object.layer)}`),
      ),
      this.path(object),
      this.actions(object),
    );
  }

  private nameOf(link: ObjectLink | ObjectProperties): string {
    const { i18n } = this.app;
    return link.name || i18n.t("props.unnamed", { kind: i18n.title(link.kind_titles, link.kind) });
  }

  private path(object: ObjectProperties): HTMLElement | null {
    if (!object.path.length) return null;
    const { dom } = this.app;
    const items = object.path.map((link) => dom.h("li", {}, this.linkTo(link)));
    return dom.h("nav", { class: "path", label: "props.path" }, dom.h("ol", {}, ...items));
  }

  private linkTo(link: ObjectLink, fly = false): HTMLButtonElement {
    const button = this.app.dom.h("button", { class: "link", attributes: { type: "button" } }, this.nameOf(link));
    button.addEventListener("click", () => void this.app.select(link.handle, fly).catch((error: unknown) => this.app.report(error)));
    return button;
  }

  private actions(object: ObjectProperties): HTMLElement {
    const { app } = this;
    const button = (icon: IconName, key: Key, act: () => unknown, name = ""): HTMLElement => {
      const node = app.dom.button(key, () => void Promise.resolve(act()).catch((error: unknown) => app.report(error)), `button quiet ${name}`, icon);
      return node;
    };
    return app.dom.h(
      "div",
      { class: "inspector-actions" },
      button("target", "props.fly", () => app.flyTo([object.handle])),
      button("isolate", "props.isolate", () => app.selection.isolate(!app.selection.isolated), "isolate"),
      button("eyeoff", "props.hide", () => app.selection.hide()),
      button("share", "props.link", () => app.share({ ...app.state, selection: object.uid })),
    );
  }

  private markIsolated(): void {
    const button = this.element.querySelector(".isolate");
    button?.setAttribute("aria-pressed", String(this.app.selection.isolated));
    button?.classList.toggle("on", this.app.selection.isolated);
  }

  private liveData(streams: StreamValue[]): HTMLElement | null {
    if (!streams.length) return null;
    this.streams = streams.map((stream) => new StreamCard(this.app, stream, this.object?.handle ?? 0));
    return this.part("streams", "props.streams", ...this.streams.map((card) => card.element));
  }

  private part(name: string, title: Key, ...children: HTMLElement[]): HTMLElement {
    return section(this.app.dom, { title, open: !this.closed.has(name), name }, ...children);
  }

  private group(name: string, title: Key, items: Property[]): HTMLElement | null {
    return items.length ? this.part(name, title, this.table(items)) : null;
  }

  private propertySet(name: string, items: Property[]): HTMLElement {
    const { dom } = this.app;
    const heading = dom.h("summary", {}, dom.h("span", { class: "grow" }, name), dom.icon("chevron", "icon chevron"));
    const key = `set:${name}`;
    return dom.h(
      "details",
      { class: "section", attributes: { open: !this.closed.has(key), "data-section": key } },
      heading,
      dom.h("div", { class: "section-body" }, this.table(items)),
    );
  }

  private table(items: Property[]): HTMLElement {
    const { dom, i18n } = this.app;
    const rows = items.map((item) => {
      const unit = item.unit && item.unit !== "1" ? dom.h("span", { class: "unit" }, ` ${item.unit}`) : null;
      return [
        dom.h("dt", { attributes: { title: item.name } }, i18n.title(item.titles, item.name)),
        dom.h("dd", {}, ...this.linked(this.valueText(item.value)), unit),
      ];
    });
    return dom.h("dl", { class: "facts" }, ...rows.flat());
  }

  /** A text with its web addresses as links; they open beside the city and learn nothing of it. */
  private linked(text: string): (string | HTMLElement)[] {
    return text.split(WEB_ADDRESS).map((part, i) => {
      if (i % 2 === 0) return part;
      const attributes = { href: part, target: "_blank", rel: "noopener noreferrer" };
      return this.app.dom.h("a", { attributes }, part);
    });
  }

  private valueText(value: unknown): string {
    const { i18n } = this.app;
    if (typeof value === "number") return Number.isInteger(value) && Math.abs(value) < 10_000 ? String(value) : i18n.number(value, 3);
    if (typeof value === "boolean") return i18n.t(value ? "props.yes" : "props.no");
    if (value === null || value === undefined || value === "") return "–";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  }

  private children(object: ObjectProperties): HTMLElement | null {
    if (!object.children.length) return null;
    const { dom, i18n } = this.app;
    const rows = object.children.slice(0, SHOWN_CHILDREN).map((child) =>
      dom.h("li", {}, this.linkTo(child), dom.h("small", {}, i18n.title(child.kind_titles, child.kind))),
    );
    const hidden = object.children_count - rows.length;
    if (hidden > 0) rows.push(dom.h("li", { class: "hint" }, i18n.t("props.more", { count: i18n.number(hidden, 0) })));
    return this.part("children", "props.children", dom.h("ul", { class: "links" }, ...rows));
  }

  private relations(groups: RelationGroup[]): HTMLElement | null {
    return groups.length ? this.part("relations", "props.relations", ...groups.map((group) => this.relation(group))) : null;
  }

  private relation(group: RelationGroup): HTMLElement {
    const { dom, i18n } = this.app;
    const rows = group.items.map((item) =>
      dom.h(
        "li",
        {},
        this.linkTo(item, true),
        dom.h("small", {}, [i18n.title(item.kind_titles, item.kind), item.role].filter(Boolean).join(" · ")),
      ),
    );
    const hidden = group.count - rows.length;
    if (hidden > 0) rows.push(dom.h("li", { class: "hint" }, i18n.t("props.more", { count: i18n.number(hidden, 0) })));
    const heading = dom.h("h4", {}, `${i18n.title(group.titles, group.kind)} (${i18n.number(group.count, 0)})`);
    return dom.h("div", { class: "relation", attributes: { "data-kind": group.kind } }, heading, dom.h("ul", { class: "links" }, ...rows));
  }

  private aliases(object: ObjectProperties): HTMLElement {
    const { dom } = this.app;
    const all = [{ scheme: this.app.i18n.t("props.uid"), value: object.uid }, ...object.aliases];
    const rows = all.map(({ scheme, value }) => {
      const copy = dom.iconButton("copy", "props.copy", () => void this.copy(value), { class: "small", variables: { name: scheme } });
      return [dom.h("dt", {}, scheme), dom.h("dd", { class: "code" }, dom.h("code", {}, value), copy)];
    });
    return this.part("aliases", "props.aliases", dom.h("dl", { class: "facts" }, ...rows.flat()));
  }

  private async copy(text: string): Promise<void> {
    const copied = await copyText(text);
    this.app.notices.show(copied ? this.app.i18n.t("props.copied") : text, "info");
  }
}
