/** The line at the foot: where the cursor is, the scale, who made the data. */
import type { Pick, SceneManifest } from "../engine/api";
import type { CityApp } from "./app";

const FIELD_OF_VIEW_DEG = 42;
const WIDEST_PX = 120;

export class StatusBar {
  readonly element: HTMLElement;
  private readonly position: HTMLElement;
  private readonly tiles: HTMLElement;
  private readonly bar: HTMLElement;
  private readonly length: HTMLElement;
  private last: Pick | null = null;

  constructor(
    private readonly app: CityApp,
    private readonly manifest: SceneManifest,
  ) {
    const { dom, i18n } = app;
    this.position = dom.h("span", { class: "position", label: "status.position" });
    this.tiles = dom.h("span", { class: "tiles", attributes: { "aria-live": "off" } });
    this.length = dom.h("span", {});
    this.bar = dom.h("span", { class: "scale-bar" });
    const attribution = dom.h("span", { class: "attribution" }, manifest.attribution.join(" · "));
    i18n.bind(attribution, (node) => (node.title = i18n.t("status.attribution")));
    this.element = dom.h(
      "footer",
      { class: "status" },
      attribution,
      this.tiles,
      dom.h("span", { class: "grow" }),
      dom.h("span", { class: "crs" }, shortName(manifest.origin.crs)),
      this.position,
      dom.h("span", { class: "scale", label: "status.scale", attributes: { role: "img" } }, this.length, this.bar),
    );
    app.on("hover", (pick) => this.show(pick));
    i18n.onChange(() => this.show(this.last));
    app.engine?.on("camera", () => this.scale());
    app.engine?.on("stats", (stats) => this.showTiles(stats.tilesPending));
    app.engine?.on("idle", () => this.showTiles(0));
  }

  private showTiles(pending: number): void {
    this.tiles.textContent = pending > 0 ? this.app.i18n.t("status.tiles", { count: pending }) : "";
  }

  private show(pick: Pick | null): void {
    this.last = pick;
    if (!pick) return;
    const { i18n } = this.app;
    const { easting, northing, height } = this.manifest.origin;
    const [x, y, z] = pick.point;
    const east = (easting + x).toFixed(1);
    const north = (northing + y).toFixed(1);
    const up = i18n.t("status.height", { height: (height + z).toFixed(1) });
    this.position.textContent = `${i18n.t("status.east")} ${east}  ${i18n.t("status.north")} ${north}  ${up}`;
  }

  private scale(): void {
    const { engine } = this.app;
    if (!engine) return;
    const { position, target } = engine.camera();
    const distance = Math.hypot(position[0] - target[0], position[1] - target[1], position[2] - target[2]);
    const metres = (2 * distance * Math.tan((FIELD_OF_VIEW_DEG * Math.PI) / 360)) / (engine.canvas.clientHeight || 1);
    const nice = roundDown(metres * WIDEST_PX);
    this.length.textContent = nice >= 1000 ? `${nice / 1000} km` : `${nice} m`;
    this.bar.style.width = `${nice / metres}px`;
  }
}

/** The greatest of 1, 2, 5 times a power of ten that is not above a length. */
export function roundDown(length: number): number {
  const power = 10 ** Math.floor(Math.log10(length));
  const digit = length / power;
  return Number(((digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power).toPrecision(1));
}

function shortName(crs: string): string {
  return crs.length > 24 ? `${crs.slice(0, 23)}…` : crs;
}
