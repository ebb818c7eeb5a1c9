/** The skyline as a picture with degrees on both sides, and as files. */
import type { Skyline } from "../../engine/api";
import type { CityApp } from "../app";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1120;
const HEIGHT = 250;
const LEFT = 46;
const RIGHT = 12;
const TOP = 52;
const FOOT = 34;
const INK = "#17233a";
const LINE = "#b9c3d2";
const PAPER = "#ffffff";
/** Colours of the city as it is, and of the scenario. */
export const COLOURS = { base: "#5b6f8f", variant: "#e2571c" };
const FONT = "system-ui, 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif";

/** One line of the chart. */
export interface Outline {
  kind: keyof typeof COLOURS;
  title: string;
  skyline: Skyline;
}

/** A thing that stands out: its name and where it is highest. */
export interface Peak {
  name: string;
  handle: number;
  azimuth_deg: number;
  elevation_deg: number;
  distance_m: number;
}

/** Themes whose objects are the ground: their layer is named, not they. */
const GROUNDS = new Set(["terrain", "landuse", "water", "roads", "districts"]);

/** The layer of an object that is the ground itself; null for what stands on it. */
export function groundOf<L extends { base: number; count: number; theme: string }>(layers: readonly L[], handle: number): L | null {
  const layer = layers.find(({ base, count }) => handle >= base && handle < base + count);
  return layer && GROUNDS.has(layer.theme) ? layer : null;
}

/** The highest elevation of each wanted object, the highest objects first. */
export function peaksOf({ elevations, handles, distances, start_deg, step_deg }: Skyline, most: number, wanted: (handle: number) => boolean): Omit<Peak, "name">[] {
  const best = new Map<number, number>();
  handles.forEach((handle, i) => {
    if (handle < 0) return;
    const before = best.get(handle);
    if (before === undefined || (elevations[i] as number) > (elevations[before] as number)) best.set(handle, i);
  });
  const found = [...best].filter(([handle]) => wanted(handle)).map(([handle, i]) => ({ handle, azimuth_deg: start_deg + (i + 0.5) * step_deg, elevation_deg: elevations[i] as number, distance_m: distances[i] as number }));
  return found.sort((a, b) => b.elevation_deg - a.elevation_deg).slice(0, most);
}

/** The chart; the city as it is is filled, a scenario is a line over it. */
export function skylineChart(app: CityApp, outlines: Outline[], peaks: Peak[]): SVGSVGElement {
  const { i18n } = app;
  const { start_deg, step_deg, elevations } = (outlines[0] as Outline).skyline;
  const span = elevations.length * step_deg;
  const highest = Math.max(2, ...outlines.flatMap(({ skyline }) => skyline.elevations));
  const lowest = Math.min(0, ...outlines.flatMap(({ skyline }) => skyline.elevations));
  const step = [0.5, 1, 2, 5, 10, 20, 30].find((each) => (highest - lowest) / each <= 5) ?? 45;
  const [low, high] = [Math.floor(lowest / step) * step, Math.ceil(highest / step) * step];
  const x = (azimuth: number): number => LEFT + ((azimuth - start_deg) / span) * (WIDTH - LEFT - RIGHT);
  const y = (elevation: number): number => HEIGHT - FOOT - ((elevation - low) / (high - low)) * (HEIGHT - FOOT - TOP);
  const svg = node("svg", { xmlns: SVG, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "skyline-chart", role: "img", "font-family": FONT, "font-size": 11, fill: INK });
  svg.setAttribute("aria-label", i18n.t("skyline.label", { high: i18n.number(highest, 1) }));
  svg.append(node("rect", { width: WIDTH, height: HEIGHT, fill: PAPER }));
  for (let angle = low; angle <= high + 1e-9; angle += step) {
    svg.append(node("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(angle), y2: y(angle), stroke: LINE, "stroke-width": angle === 0 ? 1.2 : 0.5 }));
    svg.append(text(LEFT - 6, y(angle) + 4, `${i18n.number(angle, 1)}°`, "end"));
  }
  const every = [1, 5, 10, 15, 45].find((each) => span / each <= 12) ?? 45;
  for (let azimuth = Math.ceil(start_deg / every) * every; azimuth <= start_deg + span + 1e-9; azimuth += every) {
    svg.append(node("line", { x1: x(azimuth), x2: x(azimuth), y1: HEIGHT - FOOT, y2: HEIGHT - FOOT + 5, stroke: INK, "stroke-width": 0.8 }));
    svg.append(text(x(azimuth), HEIGHT - FOOT + 17, compass(app, azimuth), "middle"));
  }
  for (const { kind, skyline } of outlines) {
    const points = skyline.elevations.map((elevation, i) => `${x(start_deg + (i + 0.5) * step_deg).toFixed(2)} ${y(elevation).toFixed(2)}`);
    const path = `M${points.join("L")}`;
    if (kind === "base") svg.append(node("path", { d: `${path}L${x(start_deg + span).toFixed(2)} ${y(low)}L${x(start_deg)} ${y(low)}Z`, fill: COLOURS.base, "fill-opacity": 0.22 }));
    svg.append(node("path", { d: path, fill: "none", stroke: COLOURS[kind], "stroke-width": 1.6, "stroke-linejoin": "round", "data-kind": kind }));
  }
  names(svg, app, peaks, x, y);
  outlines.forEach(({ kind, title }, i) => {
    svg.append(node("rect", { x: LEFT + i * 250, y: HEIGHT - 11, width: 16, height: 3, fill: COLOURS[kind] }));
    svg.append(text(LEFT + 22 + i * 250, HEIGHT - 6, title, "start"));
  });
  return svg;
}

/** Names over the highest, each with a line down to its place; one that has no room is left out. */
function names(svg: SVGElement, app: CityApp, peaks: Peak[], x: (azimuth: number) => number, y: (elevation: number) => number): void {
  const taken: { left: number; right: number; row: number }[] = [];
  for (const peak of peaks) {
    const words = `${peak.name} ${app.i18n.number(peak.elevation_deg, 1)}°`;
    const wide = [...words].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 0x2e80 ? 11.5 : 6.4), 8);
    const at = x(peak.azimuth_deg);
    const left = Math.min(Math.max(at - wide / 2, LEFT), WIDTH - RIGHT - wide);
    const row = [0, 1, 2].find((each) => !taken.some((other) => other.row === each && left < other.right && left + wide > other.left));
    if (row === undefined) continue;
    taken.push({ left, right: left + wide, row });
    const foot = 14 + row * 14;
    svg.append(node("line", { x1: at, x2: at, y1: foot + 3, y2: y(peak.elevation_deg) - 1, stroke: INK, "stroke-width": 0.6, "stroke-dasharray": "2 2" }));
    svg.append(text(left + wide / 2, foot, words, "middle"));
  }
}

/** All lines as a table: one row a direction. */
export function skylineCsv(outlines: Outline[], nameOf: (handle: number) => string): string {
  const { start_deg, step_deg, elevations } = (outlines[0] as Outline).skyline;
  const heads = outlines.flatMap(({ kind }) => [`${kind}_elevation_deg`, `${kind}_distance_m`, `${kind}_object`]);
  const rows = elevations.map((_, i) => {
    const cells = outlines.flatMap(({ skyline }) => [(skyline.elevations[i] as number).toFixed(3), (skyline.distances[i] as number).toFixed(1), quoted(nameOf(skyline.handles[i] as number))]);
    return [((((start_deg + (i + 0.5) * step_deg) % 360) + 360) % 360).toFixed(3), ...cells].join(",");
  });
  return `\ufeff${[["azimuth_deg", ...heads].join(","), ...rows].join("\r\n")}\r\n`;
}

/** The chart as a file. */
export function svgFile(chart: SVGSVGElement): Blob {
  return new Blob([`<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(chart)}`], { type: "image/svg+xml" });
}

/** The chart as a picture of twice its size. */
export async function pngFile(chart: SVGSVGElement): Promise<Blob> {
  const copy = chart.cloneNode(true) as SVGSVGElement;
  copy.setAttribute("width", String(2 * WIDTH));
  copy.setAttribute("height", String(2 * HEIGHT));
  const url = URL.createObjectURL(svgFile(copy));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * WIDTH, 2 * HEIGHT];
    canvas.getContext("2d")?.drawImage(image, 0, 0);
    return await new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be encoded"))), "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** A cell of a table; a name that a spreadsheet would take for a formula stays text. */
function quoted(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function compass(app: CityApp, azimuth: number): string {
  const turned = ((Math.round(azimuth) % 360) + 360) % 360;
  const letters = app.i18n.t("skyline.compass").split(" ");
  return turned % 45 === 0 ? (letters[turned / 45] as string) : `${turned}°`;
}

function node<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Record<string, string | number>): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (name !== "xmlns") made.setAttribute(name, String(value));
  return made;
}

function text(x: number, y: number, words: string, anchor: string): SVGTextElement {
  const made = node("text", { x, y, "text-anchor": anchor });
  made.textContent = words;
  return made;
}
