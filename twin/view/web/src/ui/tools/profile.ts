/** The section under a line: ground and roofs over the way, with the values under the cursor. */
import type { Profile } from "../../engine/api";
import type { CityApp } from "../app";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 110;
const LEFT = 34;
const FOOT = 18;
const TOP = 6;

export function profileChart(app: CityApp, profile: Profile): HTMLElement {
  const { dom, i18n } = app;
  const heights = [...profile.ground, ...profile.top].filter(Number.isFinite);
  const low = Math.min(...heights);
  const high = Math.max(...heights, low + 1);
  // Samples lie in the middle of their stretches.
  const length = (profile.along[0] ?? 0) + (profile.along[profile.along.length - 1] ?? 1);
  const x = (along: number): number => LEFT + (along / length) * (WIDTH - LEFT - 4);
  const y = (height: number): number => HEIGHT - FOOT - ((height - low) / (high - low)) * (HEIGHT - FOOT - TOP);
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "profile-chart", role: "img" });
  i18n.bind(svg, (node) => node.setAttribute("aria-label", i18n.t("profile.label", { low: i18n.number(low, 1), high: i18n.number(high, 1), length: i18n.metres(length) })));
  const line = (values: number[], close: boolean): string => {
    const points = profile.along.map((along, i) => [along, values[i] as number] as const).filter(([, height]) => Number.isFinite(height));
    const path = points.map(([along, height], i) => `${i ? "L" : "M"}${x(along).toFixed(1)} ${y(height).toFixed(1)}`).join("");
    return close && points.length ? `${path}L${x(length)} ${HEIGHT - FOOT}L${LEFT} ${HEIGHT - FOOT}Z` : path;
  };
  svg.append(element("path", { d: line(profile.top, true), class: "roofs" }), element("path", { d: line(profile.ground, true), class: "ground" }));
  for (const height of [low, (low + high) / 2, high]) svg.append(text(LEFT - 4, y(height) + 3, i18n.number(height, 0), "end"));
  svg.append(text(LEFT, HEIGHT - 5, "0", "start"), text(WIDTH - 4, HEIGHT - 5, i18n.metres(length), "end"));
  const cursor = element("line", { y1: TOP, y2: HEIGHT - FOOT, class: "cursor", visibility: "hidden" });
  const readout = dom.h("small", { class: "profile-value" });
  svg.append(cursor);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const along = (((event.clientX - box.left) / box.width) * WIDTH - LEFT) * (length / (WIDTH - LEFT - 4));
    const at = profile.along.findIndex((each) => each >= along);
    if (at < 0) return;
    cursor.setAttribute("x1", String(x(profile.along[at] as number)));
    cursor.setAttribute("x2", cursor.getAttribute("x1") as string);
    cursor.setAttribute("visibility", "visible");
    const value = (height: number | undefined): string => (height === undefined || Number.isNaN(height) ? "–" : `${i18n.number(height, 1)} m`);
    readout.textContent = i18n.t("profile.value", { along: i18n.metres(profile.along[at] as number), ground: value(profile.ground[at]), top: value(profile.top[at]) });
  });
  const save = dom.button("profile.csv", () => saveCsv(app, profile), "button quiet small");
  return dom.h("div", { class: "profile" }, svg as unknown as HTMLElement, readout, save);
}

function saveCsv(app: CityApp, { along, ground, top }: Profile): void {
  const cell = (value: number | undefined): string => (value === undefined || Number.isNaN(value) ? "" : value.toFixed(2));
  const rows = along.map((each, i) => [each.toFixed(2), cell(ground[i]), cell(top[i])].join(","));
  app.save(new Blob([["along_m,ground_m,top_m", ...rows, ""].join("\n")], { type: "text/csv" }), "profile.csv");
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}

function text(x: number, y: number, content: string, anchor: string): SVGElement {
  const node = element("text", { x, y, "text-anchor": anchor });
  node.textContent = content;
  return node;
}
