/** Collapsible parts of the panels. */
import type { Key } from "../i18n";
import type { Child, Dom } from "./dom";
import type { IconName } from "./icons";

export interface SectionOptions {
  title: Key;
  icon?: IconName;
  open: boolean;
  name: string;
}

/** A part with a heading that opens and closes it. */
export function section(dom: Dom, options: SectionOptions, ...children: Child[]): HTMLElement {
  const heading = dom.h(
    "summary",
    {},
    options.icon && dom.icon(options.icon),
    dom.h("span", { class: "grow", text: options.title }),
    dom.icon("chevron", "icon chevron"),
  );
  return dom.h(
    "details",
    { class: "section", attributes: { open: options.open, "data-section": options.name } },
    heading,
    dom.h("div", { class: "section-body" }, ...children),
  );
}
