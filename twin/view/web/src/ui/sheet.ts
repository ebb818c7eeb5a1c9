/** A sheet to print: the picture with its title, legend, scale bar, north arrow, notes and sources. */
import type { ClassLegend, OverlaySpec, RampLegend } from "../engine/api";
import type { CityApp } from "./app";
import { roundDown } from "./statusbar";

export type Paper = "a4" | "a3";

export interface SheetOptions {
  title: string;
  paper: Paper;
  landscape: boolean;
  legend: boolean;
  scale: boolean;
  north: boolean;
}

export interface Sheet {
  canvas: HTMLCanvasElement;
  width_mm: number;
  height_mm: number;
}

const PAPERS: Record<Paper, [number, number]> = { a4: [297, 210], a3: [420, 297] };
const DOTS_PER_MM = 150 / 25.4;
const MARGIN_MM = 10;
const HEAD_MM = 12;
const FOOT_MM = 7;
const FIELD_OF_VIEW_DEG = 42;
const FONT = 'system-ui, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
const INK = "#17233a";
const MUTED = "#55647d";

/** Draws in millimetres, so that every size is one of paper. */
class Pen {
  constructor(readonly context: CanvasRenderingContext2D) {
    context.scale(DOTS_PER_MM, DOTS_PER_MM);
    context.textBaseline = "alphabetic";
  }

  text(words: string, x: number, y: number, size_mm: number, { colour = INK, align = "left" as CanvasTextAlign, weight = 400, most = 1e4 } = {}): number {
    const { context } = this;
    context.font = `${weight} ${size_mm}px ${FONT}`;
    context.fillStyle = colour;
    context.textAlign = align;
    context.fillText(words, x, y, most);
    return Math.min(most, context.measureText(words).width);
  }

  box(x: number, y: number, width: number, height: number, fill: string, line = ""): void {
    const { context } = this;
    context.fillStyle = fill;
    context.fillRect(x, y, width, height);
    if (!line) return;
    context.strokeStyle = line;
    context.lineWidth = 0.2;
    context.strokeRect(x, y, width, height);
  }
}

export async function sheetOf(app: CityApp, options: SheetOptions): Promise<Sheet> {
  const { engine } = app;
  if (!engine) throw new Error(app.i18n.t("app.loading"));
  const [long, short] = PAPERS[options.paper];
  const [width_mm, height_mm] = options.landscape ? [long, short] : [short, long];
  const canvas = app.dom.h("canvas", { attributes: { width: Math.round(width_mm * DOTS_PER_MM), height: Math.round(height_mm * DOTS_PER_MM) } });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser gives no canvas to draw on");
  const pen = new Pen(context);
  pen.box(0, 0, width_mm, height_mm, "#ffffff");
  const map = { x: MARGIN_MM, y: MARGIN_MM + HEAD_MM, width: width_mm - 2 * MARGIN_MM, height: height_mm - 2 * MARGIN_MM - HEAD_MM - FOOT_MM };
  const pixels = [map.width, map.height].map((size) => Math.round(size * DOTS_PER_MM)) as [number, number];
  const notes = app.keeping.notes;
  const { image, places } = await engine.picture(...pixels, new Float32Array(notes.flatMap((note) => note.point)));
  context.drawImage(image, map.x, map.y, map.width, map.height);
  image.close();
  notes.forEach((note, i) => drawNote(pen, note.text || String(i + 1), map.x + (places[3 * i] as number) / DOTS_PER_MM, map.y + (places[3 * i + 1] as number) / DOTS_PER_MM));
  pen.box(map.x, map.y, map.width, map.height, "rgba(0, 0, 0, 0)", INK);
  pen.text(options.title, MARGIN_MM, MARGIN_MM + 7, 6.5, { weight: 650, most: map.width - 50 });
  pen.text(new Date().toLocaleDateString(app.i18n.locale), width_mm - MARGIN_MM, MARGIN_MM + 7, 3.4, { colour: MUTED, align: "right" });
  pen.text(foot(app), MARGIN_MM, height_mm - MARGIN_MM, 2.8, { colour: MUTED, most: map.width });
  if (options.north) drawNorth(pen, map.x + map.width - 11, map.y + 13, engine.heading());
  if (options.scale) drawScale(app, pen, map);
  if (options.legend && app.overlay) drawLegend(app, pen, app.overlay, map);
  return { canvas, width_mm, height_mm };
}

function foot(app: CityApp): string {
  const { manifest } = app;
  return [manifest?.origin.crs, ...(manifest?.attribution ?? []), app.basemaps.attribution].filter(Boolean).join(" · ");
}

function drawNote(pen: Pen, text: string, x: number, y: number): void {
  if (Number.isNaN(x)) return;
  const { context } = pen;
  const words = text.split("\n")[0] ?? "";
  context.font = `500 3px ${FONT}`;
  const width = Math.min(70, context.measureText(words).width) + 4;
  context.strokeStyle = INK;
  context.lineWidth = 0.3;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x, y - 4);
  context.stroke();
  pen.box(x - width / 2, y - 9, width, 5, "#ffffff", INK);
  pen.text(words, x, y - 5.5, 3, { align: "center", weight: 500, most: width - 3 });
}

/** An arrow that points to true north in the picture. */
function drawNorth(pen: Pen, x: number, y: number, heading_deg: number): void {
  const { context } = pen;
  pen.box(x - 8, y - 10, 16, 20, "rgba(255, 255, 255, 0.85)");
  context.save();
  context.translate(x, y);
  context.rotate((-heading_deg * Math.PI) / 180);
  for (const [side, colour] of [[-1, INK], [1, "#ffffff"]] as const) {
    context.beginPath();
    context.moveTo(0, -5.5);
    context.lineTo(side * 3.2, 5.5);
    context.lineTo(0, 3.4);
    context.closePath();
    context.fillStyle = colour;
    context.fill();
    context.strokeStyle = INK;
    context.lineWidth = 0.3;
    context.stroke();
  }
  pen.text("N", 0, -6.3, 3.6, { align: "center", weight: 650 });
  context.restore();
}

interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** True in the middle of the picture, as perspective has it. */
function drawScale(app: CityApp, pen: Pen, map: Place): void {
  const { position, target } = (app.engine as NonNullable<CityApp["engine"]>).camera();
  const away = Math.hypot(...position.map((p, i) => p - (target[i] as number)));
  const metresPerMm = (2 * away * Math.tan((FIELD_OF_VIEW_DEG * Math.PI) / 360)) / map.height;
  const length = roundDown(metresPerMm * 45);
  const width = length / metresPerMm;
  const [x, y] = [map.x + map.width - width - 8, map.y + map.height - 7];
  pen.box(x - 4, y - 7, width + 8, 11, "rgba(255, 255, 255, 0.85)");
  for (const part of [0, 1]) pen.box(x + (part * width) / 2, y, width / 2, 1.4, part ? "#ffffff" : INK, INK);
  const named = (metres: number): string => (metres >= 1000 ? `${app.i18n.number(metres / 1000, 2)} km` : `${app.i18n.number(metres, 1)} m`);
  pen.text("0", x, y - 1.4, 3, { align: "center" });
  pen.text(named(length), x + width, y - 1.4, 3, { align: "right" });
}

const LEGEND_MM = 62;
const LINE_MM = 5;

function drawLegend(app: CityApp, pen: Pen, overlay: OverlaySpec, map: Place): void {
  const { i18n } = app;
  const { legend } = overlay;
  const lines = legend.type === "classes" ? legend.items.length + 1 : 2.6;
  const height = 9 + lines * LINE_MM;
  const [x, y] = [map.x + 4, map.y + map.height - height - 4];
  pen.box(x, y, LEGEND_MM, height, "rgba(255, 255, 255, 0.9)", MUTED);
  const unit = overlay.unit && overlay.unit !== "1" ? ` (${overlay.unit})` : "";
  pen.text(i18n.title(overlay.titles, overlay.name) + unit, x + 3, y + 5.5, 3.6, { weight: 620, most: LEGEND_MM - 6 });
  if (legend.type === "classes") drawClasses(app, pen, legend, x + 3, y + 8);
  else drawRamp(app, pen, legend, x + 3, y + 8);
  swatch(pen, x + 3, y + height - LINE_MM - 0.5, "#9aa3af", i18n.t("legend.nodata"));
}

function swatch(pen: Pen, x: number, y: number, colour: string, words: string): void {
  pen.box(x, y, 4, 3.4, /^#[0-9a-fA-F]{6}$/.test(colour) ? colour : "#888888", MUTED);
  pen.text(words, x + 6, y + 2.9, 3.1, { most: LEGEND_MM - 12 });
}

function drawClasses(app: CityApp, pen: Pen, legend: ClassLegend, x: number, y: number): void {
  legend.items.forEach((item, i) => swatch(pen, x, y + i * LINE_MM, item.colour, app.i18n.title(item.titles)));
}

function drawRamp(app: CityApp, pen: Pen, legend: RampLegend, x: number, y: number): void {
  const width = LEGEND_MM - 6;
  const ramp = pen.context.createLinearGradient(x, 0, x + width, 0);
  for (const [place, colour] of legend.stops) if (/^#[0-9a-fA-F]{6}$/.test(colour)) ramp.addColorStop(place, colour);
  pen.context.fillStyle = ramp;
  pen.context.fillRect(x, y, width, 3.4);
  for (const share of [0, 0.5, 1]) {
    const align = share === 0 ? "left" : share === 1 ? "right" : "center";
    pen.text(app.i18n.number(legend.min + (legend.max - legend.min) * share, 2), x + share * width, y + 7, 3, { align, colour: MUTED });
  }
}
