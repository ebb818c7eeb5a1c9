/** The bundle's front door: `render` for Panel, `mount` for any page. */
import type { Backend, Language, Theme } from "./engine/api";
import { PanelBackend, type PanelModel } from "./backend/panel";
import { StaticBackend } from "./backend/static";
import { I18n } from "./i18n";
import { CityApp, type AppOptions } from "./ui/app";

declare global {
  interface Window {
    /** The view that was made last, for tests and for curious people. */
    __citytwin?: CityApp;
  }
}

/** Puts the viewer into an element. */
export function mount(el: HTMLElement, backend: Backend, options: AppOptions = {}): CityApp {
  const app = new CityApp(el, backend, options);
  window.__citytwin = app;
  app.start();
  return app;
}

interface PanelProps extends PanelModel {
  full_page?: boolean;
  first_language?: Language;
  first_theme?: Theme;
}

/** Entry point of the Panel component. */
export function render({ model, el }: { model: PanelProps; el: HTMLElement }): void {
  const backend = new PanelBackend(model);
  const app = mount(el, backend, {
    fullPage: model.full_page ?? false,
    language: model.first_language,
    theme: model.first_theme,
  });
  model.on("remove", () => {
    app.dispose();
    backend.dispose();
  });
}

if (StaticBackend.present()) {
  const language: Language = document.documentElement.lang.startsWith("en") ? "en" : "zh";
  const words = new I18n(language);
  const backend = new StaticBackend((method) => words.t("error.static", { method }));
  mount(document.body, backend, { fullPage: true, language });
}
