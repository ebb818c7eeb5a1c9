/** The city became another one while the page is open: the page goes on with it, with the view, selection and overlay that it had. */
import type { SceneManifest } from "../engine/api";
import type { CityApp } from "./app";
import { resultsOf, withResults } from "./sharing";

/** What the panels of the page are built of. */
function outline(manifest: SceneManifest | null): string {
  return JSON.stringify(manifest?.layers.map(({ name, titles, theme }) => [name, titles, theme]));
}

export async function renewScene(app: CityApp, manifest: SceneManifest): Promise<void> {
  const before = app.manifest;
  app.live.close();
  app.results = resultsOf(manifest);
  const overlays = withResults(manifest.overlays, app.results);
  const next = { ...manifest, overlays, tiles_url: new URL(manifest.tiles_url, document.baseURI).href, theme: app.theme };
  const [way] = await Promise.all(app.engines.map((engine) => engine.renew(next)));
  const chosen = app.selection.handles.map((handle) => way?.(handle) ?? -1);
  app.manifest = next;
  app.painter.clear();
  app.variants.clear();
  app.columns.clear();
  if (outline(before) !== outline(next)) {
    app.shell.build(next, true);
    app.shell.loaded();
  }
  app.live.connect(manifest);
  app.selection.set(chosen.filter((handle) => handle >= 0));
  const lost = await app.drafts.renewed((handle) => way?.(handle) ?? -1);
  for (const engine of app.engines) app.dress(engine);
  for (const event of ["layers", "overlays", "results", "tools"] as const) app.fire(event, null);
  const scenario = next.scenarios.find(({ name }) => name === app.state.scenario)?.name ?? null;
  await Promise.all([app.setOverlay(app.overlay?.name ?? null), app.setScenario(scenario)]);
  app.notices.show(app.i18n.t("app.renewed"), "info");
  if (lost) app.notices.show(app.i18n.t("draft.gone", { count: lost }), "error");
}
