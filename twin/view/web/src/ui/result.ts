/** What a simulation gave: key figures, checks, trust and provenance. */
import type { ResultOverlay, SimulationResult } from "../backend/messages";
import type { CityApp } from "./app";
import { resultTitle } from "./sharing";

/** What is shown first: coloured walls say more than a colour for each building. */
export function initialOverlay(result: SimulationResult): ResultOverlay | undefined {
  return result.overlays.find((overlay) => overlay.surface) ?? result.overlays[0];
}

export function resultCard(app: CityApp, result: SimulationResult, again: () => void): HTMLElement {
  const { dom, i18n } = app;
  const shows = result.overlays.map((overlay) => {
    const button = dom.h("button", { class: "button quiet", attributes: { type: "button" } }, dom.icon("eye"), dom.h("span", {}, i18n.title(overlay.titles, overlay.name)));
    button.addEventListener("click", () => void app.showResult(result, overlay).catch((error: unknown) => app.report(error)));
    return button;
  });
  return dom.h(
    "article",
    { class: "result" },
    dom.h("strong", {}, resultTitle(app, result)),
    ...(result.stale ? outOfDate(app, result, result.stale, again) : []),
    dom.h(
      "p",
      { class: result.trusted ? "trust good" : "trust bad" },
      dom.icon(result.trusted ? "check" : "warning"),
      dom.h("span", {}, i18n.t(result.trusted ? "sim.trusted" : "sim.untrusted")),
    ),
    facts(app, result),
    dom.h("ul", { class: "checks" }, ...result.checks.map((check) => checkRow(app, check))),
    dom.h("div", { class: "row wrap" }, ...shows),
    provenance(app, result.provenance),
  );
}

/** That it was computed on something that has changed since, and the way to compute it once more. */
function outOfDate(app: CityApp, result: SimulationResult, what: "city" | "scenario", again: () => void): HTMLElement[] {
  const { dom } = app;
  const there = !result.scenario || app.manifest?.scenarios.some(({ name }) => name === result.scenario);
  const mark = dom.h("p", { class: "trust stale" }, dom.icon("history"), dom.h("span", { text: `result.stale.${what}` }));
  return [mark, there ? dom.button("result.again", again, "button small", "play") : dom.h("p", { class: "hint", text: "result.again.gone" })];
}

function facts(app: CityApp, result: SimulationResult): HTMLElement {
  const { dom, i18n } = app;
  const rows = result.kpis.flatMap((kpi) => [
    dom.h("dt", {}, i18n.title(kpi.titles, kpi.name)),
    dom.h(
      "dd",
      {},
      figure(app, kpi.value),
      kpi.unit && kpi.unit !== "1" ? dom.h("span", { class: "unit" }, ` ${unitSign(kpi.unit)}`) : null,
    ),
  ]);
  return dom.h("dl", { class: "facts" }, ...rows);
}

/** A UCUM unit as people write it. */
export function unitSign(unit: string): string {
  return unit.replace(/^(k?m)2$/, "$1²").replace(/^m3$/, "m³");
}

/** A figure or a text of a result. */
export function figure(app: CityApp, value: unknown): string {
  return typeof value === "number" ? app.i18n.number(value, 2) : String(value ?? "–");
}

function checkRow(app: CityApp, check: SimulationResult["checks"][number]): HTMLElement {
  const { dom, i18n } = app;
  return dom.h(
    "li",
    { class: check.passed ? "good" : "bad" },
    dom.icon(check.passed ? "check" : "warning"),
    dom.h("span", { class: "grow" }, i18n.title(check.titles, check.name), check.message ? dom.h("small", {}, ` ${i18n.title(check.messages, check.message)}`) : null),
    dom.h("small", {}, i18n.t(check.passed ? "sim.passed" : "sim.failed")),
  );
}

function provenance(app: CityApp, record: Record<string, unknown>): HTMLElement {
  const { dom } = app;
  return dom.h(
    "details",
    { class: "provenance" },
    dom.h("summary", { text: "sim.provenance" }),
    dom.h("pre", {}, JSON.stringify(record, null, 2)),
  );
}
