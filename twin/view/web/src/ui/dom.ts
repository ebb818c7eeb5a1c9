/** Elements built by code: text always goes in as text, so a name from a file can never become markup. */
import type { Titles } from "../engine/api";
import type { I18n, Key, Variables } from "../i18n";
import { ICONS, type IconName } from "./icons";

export type Child = Node | string | null | undefined | false;

export interface Props {
  class?: string;
  /** Message that becomes the text. */
  text?: Key;
  /** Message that becomes the accessible name and the tooltip. */
  label?: Key;
  variables?: Variables;
  /** Name from the data, in the page's language. */
  titles?: Partial<Titles>;
  attributes?: Record<string, string | number | boolean>;
  on?: Record<string, (event: never) => void>;
}

const SVG = "http://www.w3.org/2000/svg";

export class Dom {
  constructor(readonly i18n: I18n) {}

  h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
    const node = document.createElement(tag);
    if (props.class) node.className = props.class;
    setAttributes(node, props.attributes);
    for (const [event, listener] of Object.entries(props.on ?? {})) {
      node.addEventListener(event, listener as (event: Event) => void);
    }
    this.translate(node, props);
    for (const child of children) if (child) node.append(child);
    return node;
  }

  icon(name: IconName, className = "icon"): SVGSVGElement {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", className);
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  /** Button with an icon; its message is the accessible name and the tooltip. */
  iconButton(icon: IconName, label: Key, onClick: () => void, props: Props = {}): HTMLButtonElement {
    const button = this.h(
      "button",
      { ...props, class: `icon-button ${props.class ?? ""}`, label, attributes: { type: "button", ...props.attributes } },
      this.icon(icon),
    );
    button.addEventListener("click", onClick);
    return button;
  }

  button(text: Key, onClick: () => void, className = "button", icon?: IconName): HTMLButtonElement {
    const button = this.h("button", { class: className, attributes: { type: "button" } }, icon && this.icon(icon), this.h("span", { text }));
    button.addEventListener("click", onClick);
    return button;
  }

  private translate(node: HTMLElement, props: Props): void {
    const { text, label, titles, variables } = props;
    if (text) this.i18n.bind(node, (n) => (n.textContent = this.i18n.t(text, variables)));
    if (titles) this.i18n.bind(node, (n) => (n.textContent = this.i18n.title(titles)));
    if (label) {
      this.i18n.bind(node, (n) => {
        n.setAttribute("aria-label", this.i18n.t(label, variables));
        n.title = this.i18n.t(label, variables);
      });
    }
  }
}

export function setAttributes(node: Element, attributes: Record<string, string | number | boolean> = {}): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
}

let serial = 0;

/** An id that no other element of any view on the page has. */
export function uniqueId(prefix: string): string {
  serial += 1;
  return `ct-${prefix}-${serial}`;
}

/** Calls once, `wait` milliseconds after the last request. */
export function debounced(action: () => void, wait: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };
}

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
