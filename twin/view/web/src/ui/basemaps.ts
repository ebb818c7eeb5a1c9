/** The map under the city: which one there is in all views, and whom to name for it. */
import type { BasemapLook, BasemapOffer, BasemapSpec, CityEngine } from "../engine/api";
import type { CityApp } from "./app";

/** The chosen map as an address keeps it. */
export interface ChosenBasemap extends BasemapLook {
  name: string;
}

const FIRST: BasemapLook = { opacity: 1, over: true };

export class Basemaps {
  private readonly known = new Map<string, BasemapSpec>();
  private readonly credit: HTMLElement;
  private shown: BasemapSpec | null = null;
  /** Name of the map that was asked for last. */
  private asked: string | null = null;

  constructor(private readonly app: CityApp) {
    this.credit = app.dom.h("p", { class: "basemap-credit card", attributes: { hidden: true } });
  }

  get offers(): BasemapOffer[] {
    return this.app.manifest?.basemaps ?? [];
  }

  /** The map that is asked for or seen; null = the ground of the city alone. */
  get name(): string | null {
    return this.asked;
  }

  get look(): BasemapLook {
    return this.app.state.basemap ?? FIRST;
  }

  /** Whom the makers of the map ask to name; empty without a map. */
  get attribution(): string {
    return this.shown?.attribution ?? "";
  }

  /** Lays a map under the city; one that does not come leaves the ground as it was and says why. */
  async choose(name: string | null, look: BasemapLook = this.look): Promise<void> {
    const { app } = this;
    const offer = this.offers.find((each) => each.name === name);
    this.asked = offer?.name ?? null;
    app.fire("tools", null);
    if (!offer) return this.lay(null, look);
    try {
      const spec = await this.ask(offer);
      if (this.asked === name) this.lay(spec, look);
    } catch (error) {
      if (this.asked !== name) return;
      this.asked = null;
      this.lay(null, look);
      this.complain(offer, error instanceof Error ? error.message : String(error));
    }
  }

  setLook(look: BasemapLook): void {
    if (!this.shown) return;
    this.lay(this.shown, look);
  }

  restore(chosen: ChosenBasemap | null): Promise<void> {
    return this.choose(chosen?.name ?? null, chosen ?? FIRST);
  }

  /** Gives a view the map of the page. */
  dress(engine: CityEngine): void {
    engine.setBasemap(this.shown);
    engine.setBasemapLook(this.look);
  }

  /** Listens to a view for maps that stop to come. */
  listen(engine: CityEngine): void {
    engine.on("basemap", ({ name, message }) => {
      const offer = this.offers.find((each) => each.name === name);
      if (offer) this.complain(offer, message);
    });
  }

  /** Another scene has come, with maps of its own. */
  reset(): void {
    this.known.clear();
    this.app.shell.stage.append(this.credit);
  }

  private async ask(offer: BasemapOffer): Promise<BasemapSpec> {
    const known = this.known.get(offer.name);
    if (known) return known;
    const { max_zoom } = await this.app.ask<{ max_zoom: number }>("basemap", { name: offer.name });
    const spec = { ...offer, url: new URL(offer.url, document.baseURI).href, max_zoom };
    this.known.set(offer.name, spec);
    return spec;
  }

  private lay(spec: BasemapSpec | null, look: BasemapLook): void {
    const { app } = this;
    this.shown = spec;
    app.changed({ basemap: spec ? { name: spec.name, opacity: look.opacity, over: look.over } : null });
    for (const engine of app.engines) this.dress(engine);
    this.showCredit();
    app.fire("tools", null);
  }

  private showCredit(): void {
    const { dom } = this.app;
    const { shown } = this;
    this.credit.hidden = !shown?.attribution;
    if (!shown) return this.credit.replaceChildren();
    const web = /^https?:\/\//.test(shown.link);
    const words = web ? dom.h("a", { attributes: { href: shown.link, target: "_blank", rel: "noopener noreferrer" } }, shown.attribution) : shown.attribution;
    this.credit.replaceChildren(words);
  }

  private complain(offer: BasemapOffer, message: string): void {
    const { i18n, notices } = this.app;
    notices.show(i18n.t("basemap.failed", { name: i18n.title(offer.titles, offer.name), message }), "error");
  }
}
