/** All tools at a glance, by what they are for, each with its name and its key. */
import { ACTIONS, type Action, GROUPS, keyText, run } from "./actions";
import type { CityApp } from "./app";

export class Menu {
  readonly element: HTMLElement;
  private before: Element | null = null;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    const groups = GROUPS.map(([group, title]) =>
      dom.h("div", { class: "menu-group", label: title, attributes: { role: "group" } }, dom.h("h3", { text: title }), ...ACTIONS.filter((action) => action.group === group && action.name !== "menu").map((action) => this.item(action))),
    );
    this.element = dom.h("section", { class: "card menu", label: "tool.menu", attributes: { role: "menu", hidden: true } }, ...groups);
    for (const node of [this.element, ...this.element.querySelectorAll("[role=group]")]) node.removeAttribute("title");
    this.element.addEventListener("keydown", (event) => this.key(event));
    app.on("tools", () => this.mark());
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  toggle(): void {
    if (this.close()) return;
    this.before = (this.app.shell.app.getRootNode() as ShadowRoot).activeElement;
    this.element.hidden = false;
    this.app.fire("tools", null);
    this.items[0]?.focus();
  }

  /** Says whether it was open. */
  close(): boolean {
    if (!this.open) return false;
    const focused = this.element.contains((this.app.shell.app.getRootNode() as ShadowRoot).activeElement);
    this.element.hidden = true;
    if (focused && this.before instanceof HTMLElement) this.before.focus();
    this.app.fire("tools", null);
    return true;
  }

  private get items(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>("[role^=menuitem]")];
  }

  private item(action: Action): HTMLElement {
    const { dom } = this.app;
    const role = action.on ? "menuitemcheckbox" : "menuitem";
    const node = dom.h(
      "button",
      { class: "menu-item", attributes: { type: "button", role, tabindex: -1, "data-action": action.name } },
      dom.icon(action.icon),
      dom.h("span", { class: "grow", text: action.title }),
      dom.h("kbd", {}, keyText(action)),
    );
    node.addEventListener("click", () => {
      this.close();
      run(this.app, action);
    });
    return node;
  }

  private mark(): void {
    if (!this.open) return;
    for (const node of this.items) {
      const action = ACTIONS.find((each) => each.name === node.dataset.action);
      if (action?.on) node.setAttribute("aria-checked", String(action.on(this.app)));
    }
  }

  private key(event: KeyboardEvent): void {
    const { items } = this;
    const at = items.indexOf((this.app.shell.app.getRootNode() as ShadowRoot).activeElement as HTMLElement);
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    const next = to[event.key];
    if (next === undefined) {
      if (event.key === "Tab") this.close();
      return;
    }
    items[(next + items.length) % items.length]?.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
