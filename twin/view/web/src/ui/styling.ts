/** Colours by an attribute or an expression: from a style to codes, palette and legend, all on the page. */
import { Expression } from "../backend/expression";
import type { ClassLegend, OverlaySpec, Titles } from "../engine/api";
import type { CityApp } from "./app";
import { breaks, CATEGORIES, channels, classOf, type Method, type Ramp, rampColours, RAMPS } from "./classify";
import type { Column } from "./columns";

export const STYLE = "style";
/** Number of the overlay: above all that a server gives. */
const STYLE_ID = 60_001;
const TINT = 235;
const NO_DATA = 253;
const NO_DATA_COLOUR = [154, 163, 175, 200];

export interface Style {
  /** Name of a column, or a figure of columns. */
  of: string;
  expression: boolean;
  method: Method;
  classes: number;
  ramp: Ramp;
  reversed: boolean;
}

export interface Styled {
  overlay: OverlaySpec;
  codes: Uint8Array;
}

interface Measured {
  numbers: Float64Array;
  texts: Column["texts"];
  titles: Titles;
  unit: string;
  layers: string[];
}

interface Classes {
  titles: Titles[];
  colours: string[];
  of(value: number): number;
}

export async function styled(app: CityApp, style: Style): Promise<Styled> {
  const measured = await measure(app, style);
  const classes = classify(app, style, measured);
  const inside = layerMask(app, measured.layers);
  const codes = new Uint8Array(measured.numbers.length);
  const counts = classes.titles.map(() => 0);
  measured.numbers.forEach((value, handle) => {
    const place = Number.isFinite(value) ? classes.of(value) : -1;
    if (place >= 0) {
      codes[handle] = place + 1;
      counts[place] = (counts[place] as number) + 1;
    } else if (inside[handle]) codes[handle] = NO_DATA;
  });
  const items = classes.titles.map((titles, i) => ({ code: i + 1, colour: classes.colours[i] as string, titles, count: counts[i] as number }));
  const legend: ClassLegend = { type: "classes", items };
  const overlay: OverlaySpec = { id: STYLE_ID, name: STYLE, titles: measured.titles, unit: measured.unit, source: "attribute", layers: measured.layers, legend, palette: paletteOf(classes.colours) };
  return { overlay, codes };
}

async function measure(app: CityApp, style: Style): Promise<Measured> {
  if (!style.expression) {
    const { spec, numbers, texts } = await app.columns.column(style.of);
    return { numbers: Float64Array.from(numbers), texts, titles: spec.titles, unit: spec.unit, layers: spec.layers };
  }
  const expression = new Expression(style.of);
  const columns = await Promise.all(expression.names.map((name) => app.columns.column(name)));
  const getters = columns.map((column) => [column.spec.name, getter(column)] as const);
  const value = expression.over(new Map(getters));
  const numbers = Float64Array.from({ length: app.manifest?.count ?? 0 }, (_, handle) => {
    const found = value(handle);
    return typeof found === "number" ? found : typeof found === "boolean" ? Number(found) : Number.NaN;
  });
  const layers = [...new Set(columns.flatMap((column) => column.spec.layers))];
  return { numbers, texts: null, titles: { en: style.of, zh: style.of }, unit: "", layers };
}

function getter({ numbers, texts }: Column): (handle: number) => number | string | null {
  return (handle) => {
    const value = numbers[handle] ?? Number.NaN;
    return Number.isNaN(value) ? null : texts ? (texts[value]?.value ?? null) : value;
  };
}

function classify(app: CityApp, style: Style, { numbers, texts }: Measured): Classes {
  if (texts) return categories(app, texts.map((text) => text.titles));
  const known = numbers.filter(Number.isFinite).sort();
  if (style.method === "categories") {
    const different = [...new Set(known)];
    const made = categories(app, different.map((value) => both(app.i18n.number(value, 3))));
    const places = new Map(different.map((value, i) => [value, Math.min(i, made.titles.length - 1)]));
    return { ...made, of: (value) => places.get(value) ?? -1 };
  }
  const bounds = breaks(known, style.method, style.classes);
  const edges = [known[0] ?? 0, ...bounds, known[known.length - 1] ?? 0];
  const span = Math.abs((edges[edges.length - 1] as number) - (edges[0] as number));
  const digits = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(span || 1))));
  const number = (value: number): string => app.i18n.number(value, digits);
  const titles = edges.slice(1).map((edge, i) => both(`${number(edges[i] as number)} – ${number(edge)}`));
  return { titles, colours: rampColours(style.ramp, titles.length, style.reversed), of: (value) => classOf(value, bounds) };
}

/** One colour for each of the first classes; what is left shares the last. */
function categories(app: CityApp, titles: Titles[]): Classes {
  const most = CATEGORIES.length;
  const shown = titles.length > most ? [...titles.slice(0, most - 1), app.i18n.both("style.others")] : titles;
  return { titles: shown, colours: CATEGORIES.slice(0, shown.length), of: (value) => Math.min(value, shown.length - 1) };
}

function both(text: string): Titles {
  return { en: text, zh: text };
}

/** Which handles belong to some layers. */
function layerMask(app: CityApp, layers: string[]): Uint8Array {
  const mask = new Uint8Array(app.manifest?.count ?? 0);
  for (const layer of app.manifest?.layers ?? []) if (layers.includes(layer.name)) mask.fill(1, layer.base, layer.base + layer.count);
  return mask;
}

/** 256 RGBA entries as base64. */
function paletteOf(colours: string[]): string {
  const palette = new Uint8Array(1024);
  colours.forEach((colour, i) => palette.set([...channels(colour), TINT], 4 * (i + 1)));
  palette.set(NO_DATA_COLOUR, 4 * NO_DATA);
  return btoa(String.fromCharCode(...palette));
}

const METHODS: readonly string[] = ["categories", "quantile", "equal", "jenks"] satisfies Method[];

/** The short form in the address. */
export function encodeStyle({ of, expression, method, classes, ramp, reversed }: Style): string {
  return [expression ? 1 : 0, method, classes, ramp, reversed ? 1 : 0, of].join(",");
}

export function decodeStyle(text: string | null): Style | null {
  const [expression, method, classes, ramp, reversed, ...rest] = (text ?? "").split(",");
  const of = rest.join(",");
  if (!of || !method || !METHODS.includes(method) || !ramp || !(ramp in RAMPS)) return null;
  const count = Math.round(Number(classes));
  return { of, expression: expression === "1", method: method as Method, classes: count >= 2 && count <= 12 ? count : 5, ramp: ramp as Ramp, reversed: reversed === "1" };
}
