/** What other pages of the city did, taken over without a reload: their variants and the results of their simulations. */
import type { SimulationResult } from "../backend/messages";
import type { SceneManifest } from "../engine/api";
import type { CityApp } from "./app";
import { scenarioTitle } from "./variants";

type Listed = SceneManifest["scenarios"];

export interface SharedScenarios {
  scenarios: Listed;
  /** Names of those that are new, edited or gone. */
  changed: string[];
  results: SimulationResult[];
}

/** A manifest with the results that the pages of the city share. */
export function resultsOf(manifest: SceneManifest): SimulationResult[] {
  return (manifest as SceneManifest & { results?: SimulationResult[] }).results ?? [];
}

/** Goes on with the variants as they are now; drawings and what is typed stay as they are. */
export async function takeScenarios(app: CityApp, { scenarios, changed, results }: SharedScenarios): Promise<void> {
  const { manifest, state } = app;
  if (!manifest) return;
  const shown = state.scenario;
  const before = new Map(manifest.scenarios.map((each) => [each.name, scenarioTitle(app, each.name)]));
  const gone = [...before.keys()].filter((name) => !scenarios.some((each) => each.name === name));
  manifest.scenarios.splice(0, manifest.scenarios.length, ...scenarios);
  takeResults(app, results);
  const others = [...new Set([...changed, ...gone])];
  if (others.length === 0) return;
  app.variants.forget();
  app.fire("scenarios", others);
  // Whoever keeps drawings hears of it by the answer.
  if (!app.drafts.keeping) for (const name of others) tell(app, name, before.get(name), name === shown);
  await app.shell.compare.redraw(others);
  if (!shown || !others.includes(shown)) return;
  if (gone.includes(shown)) {
    if (app.selection.handles.some((handle) => handle >= manifest.count)) app.selection.clear();
    await app.setScenario(null);
  } else if (app.engine && !app.shell.compare.active) {
    await app.variants.show(app.engine, shown);
    app.drafts.again();
  }
}

function tell(app: CityApp, name: string, title: string | undefined, shown: boolean): void {
  const there = app.manifest?.scenarios.some((each) => each.name === name);
  const key = !there ? (shown ? "shared.variant.shown" : "shared.variant.gone") : title === undefined ? "shared.variant.new" : "shared.variant.changed";
  app.notices.show(app.i18n.t(key, { name: there ? scenarioTitle(app, name) : (title ?? name) }), "info");
}

/** Goes on with the results as they are now; `fresh` is the id of one that another page has just made. */
export function takeResults(app: CityApp, results: SimulationResult[], fresh: number | null = null): void {
  const { manifest } = app;
  if (!manifest) return;
  const before = app.results;
  app.results = results;
  const { overlay } = app;
  const gone = new Set(before.flatMap((each) => each.overlays.map(({ id }) => id)));
  for (const { id } of results.flatMap((each) => each.overlays)) gone.delete(id);
  const replaced = overlay && gone.has(overlay.id) ? successor(before, results, overlay.id) : undefined;
  if (overlay && !replaced) gone.delete(overlay.id);
  manifest.overlays = withResults(manifest.overlays.filter(({ id }) => !gone.has(id)), results);
  app.fire("overlays", null);
  app.fire("results", null);
  if (replaced) void app.setOverlay(replaced).catch((error: unknown) => app.report(error));
  const made = results.find((each) => each.id === fresh);
  if (made) app.notices.show(app.i18n.t("shared.result", { name: resultTitle(app, made) }), "info");
}

/** Overlays with those of results after them. */
export function withResults(overlays: SceneManifest["overlays"], results: SimulationResult[]): SceneManifest["overlays"] {
  const known = new Set(overlays.map(({ id }) => id));
  return [...overlays, ...results.flatMap((each) => each.overlays).filter(({ id }) => !known.has(id))];
}

export function resultTitle(app: CityApp, result: SimulationResult): string {
  return `${app.i18n.title(result.titles, result.name)} · ${scenarioTitle(app, result.scenario || null)}`;
}

/** Name of the overlay that shows the same in the result that took the place of its own. */
function successor(before: SimulationResult[], results: SimulationResult[], id: number): string | undefined {
  const old = before.find((each) => each.overlays.some((overlay) => overlay.id === id));
  const port = old?.overlays.find((overlay) => overlay.id === id)?.port;
  return results.find((each) => each.replaces === old?.id)?.overlays.find((overlay) => overlay.port === port)?.name;
}
