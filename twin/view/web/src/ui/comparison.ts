/** The figures of two scenarios, and the buildings that a scenario brings below or above the standard. */
import type { ComparedFigure, ComparedObject, ComparisonResult } from "../backend/messages";
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import { figure, unitSign } from "./result";

/** A table with the figures that differ. */
export function figures(app: CityApp, result: ComparisonResult): HTMLElement {
  const differing = result.kpis.filter((each) => !each.technical && !same(each));
  return app.dom.h("section", { class: "figures" }, trust(app, result), differing.length ? table(app, differing) : null);
}

/** The figures that do not differ, and those about the computation, folded away. */
export function otherFigures(app: CityApp, result: ComparisonResult): HTMLElement {
  const equal = result.kpis.filter((each) => !each.technical && same(each));
  const technical = result.kpis.filter((each) => each.technical);
  return app.dom.h(
    "section",
    { class: "figures" },
    equal.length ? folded(app, "compare.same", equal) : null,
    technical.length ? folded(app, "compare.technical", technical) : null,
  );
}

/** The buildings that cross the standard; a click flies both views there. */
export function findings(app: CityApp, result: ComparisonResult): HTMLElement {
  const { dom } = app;
  const below = result.newly_below.length ? list(app, "compare.below", result.newly_below, result.below_count, "bad") : null;
  const above = result.newly_above.length ? list(app, "compare.above", result.newly_above, result.above_count, "good") : null;
  const none = below ? null : dom.h("p", { class: "trust good" }, dom.icon("check"), dom.h("span", { text: "compare.none" }));
  return dom.h("section", { class: "findings" }, below ?? none, above);
}

function trust(app: CityApp, result: ComparisonResult): HTMLElement {
  const { dom } = app;
  return dom.h(
    "p",
    { class: result.trusted ? "trust good" : "trust bad" },
    dom.icon(result.trusted ? "check" : "warning"),
    dom.h("span", { text: result.trusted ? "sim.trusted" : "sim.untrusted" }),
  );
}

function same(row: ComparedFigure): boolean {
  return row.change === null ? row.base === row.variant : Math.abs(row.change) < 0.005;
}

function folded(app: CityApp, title: Key, rows: ComparedFigure[]): HTMLElement {
  const { dom } = app;
  const heading = dom.h("summary", {}, dom.h("span", { class: "grow", text: title, variables: { count: rows.length } }), dom.icon("chevron", "icon chevron"));
  return dom.h("details", { class: "more" }, heading, table(app, rows));
}

function table(app: CityApp, rows: ComparedFigure[]): HTMLElement {
  const { dom } = app;
  const head = (["compare.figure", "compare.base", "compare.variant", "compare.change"] as const).map((key) => dom.h("th", { text: key, attributes: { scope: "col" } }));
  return dom.h("table", { class: "kpis" }, dom.h("thead", {}, dom.h("tr", {}, ...head)), dom.h("tbody", {}, ...rows.map((row) => line(app, row))));
}

function line(app: CityApp, row: ComparedFigure): HTMLElement {
  const { dom, i18n } = app;
  const unit = row.unit && row.unit !== "1" ? dom.h("small", {}, ` ${unitSign(row.unit)}`) : null;
  return dom.h(
    "tr",
    { attributes: { "data-figure": row.name } },
    dom.h("th", { attributes: { scope: "row" } }, i18n.title(row.titles, row.name), unit),
    dom.h("td", {}, figure(app, row.base)),
    dom.h("td", {}, figure(app, row.variant)),
    dom.h("td", { class: same(row) ? "change" : "change differs" }, row.change === null ? "" : signed(app, row.change)),
  );
}

function signed(app: CityApp, change: number): string {
  const amount = app.i18n.number(Math.abs(change), 2);
  if (amount === "0") return "0";
  return `${change > 0 ? "+" : "−"}${amount}`;
}

function list(app: CityApp, title: Key, objects: ComparedObject[], count: number, mood: "good" | "bad"): HTMLElement {
  const { dom, i18n } = app;
  const items = objects.map((object) => {
    const name = object.name || object.uid;
    if (object.handle === null) return dom.h("li", {}, name);
    const { handle } = object;
    const button = dom.h("button", { class: "link", attributes: { type: "button" } }, name);
    button.addEventListener("click", () => void app.select(handle, true).catch((error: unknown) => app.report(error)));
    return dom.h("li", {}, button);
  });
  const more = count > objects.length ? dom.h("small", {}, i18n.t("compare.more", { count: count - objects.length })) : null;
  const heading = dom.h("p", { class: `trust ${mood}` }, dom.icon(mood === "bad" ? "warning" : "check"), dom.h("strong", { text: title, variables: { count } }));
  return dom.h("div", { class: "crossing" }, heading, dom.h("ul", { class: "links" }, ...items), more);
}
