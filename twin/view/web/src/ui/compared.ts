/** What a comparison shows, and its short form in the address. */

/** "pair" = two views side by side, "swipe" = one view with a divider, "grid" = two to four views. */
export type CompareMode = "pair" | "swipe" | "grid";

export const MODES: readonly CompareMode[] = ["pair", "swipe", "grid"];
export const MOST_VIEWS = 4;

/** What one of the views shows; null and undefined mean what the page shows. */
export interface ComparedView {
  /** Name of the scenario; null = the city as it is. */
  scenario: string | null;
  /** ISO 8601 instant of the sun; null = the page's. */
  time: string | null;
  /** Name of the overlay, null = original colours, undefined = the page's. */
  overlay: string | null | undefined;
}

export interface Compared {
  mode: CompareMode;
  /** Share of the picture that lies left of the divider. */
  divider: number;
  views: ComparedView[];
}

export function viewOf(scenario: string | null): ComparedView {
  return { scenario, time: null, overlay: undefined };
}

/** Puts a comparison into an address; nothing where there is none. */
export function encodeCompared(compared: Compared | null, query: URLSearchParams): void {
  if (!compared) return;
  query.set("cmp", `${compared.mode},${Number(compared.divider.toFixed(3))}`);
  for (const { scenario, time, overlay } of compared.views) {
    const parts = [scenario ?? "", time ?? "", overlay === undefined ? "*" : (overlay ?? "")];
    query.append("cmpv", parts.map(encodeURIComponent).join(";"));
  }
}

/** Reads it back; null for anything that is no comparison. */
export function decodeCompared(query: URLSearchParams): Compared | null {
  const [mode, divider] = (query.get("cmp") ?? "").split(",");
  const views = query.getAll("cmpv").flatMap((text) => view(text) ?? []).slice(0, MOST_VIEWS);
  if (!MODES.includes(mode as CompareMode) || views.length < 2) return null;
  return { mode: mode as CompareMode, divider: share(divider), views: mode === "grid" ? views : views.slice(0, 2) };
}

function view(text: string): ComparedView | null {
  const parts = text.split(";");
  if (parts.length !== 3) return null;
  try {
    const [scenario, time, overlay] = parts.map(decodeURIComponent) as [string, string, string];
    return { scenario: scenario || null, time: Number.isNaN(Date.parse(time)) ? null : time, overlay: overlay === "*" ? undefined : overlay || null };
  } catch {
    return null;
  }
}

function share(text: string | undefined): number {
  const value = Number(text);
  return text && Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0.5;
}
