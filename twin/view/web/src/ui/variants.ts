/** Shapes of scenarios: what a view hides of the city, and what it draws in its place. */
import { bytesOf } from "../backend/messages";
import type { Box6, CityEngine } from "../engine/api";
import type { CityApp } from "./app";

const SURFACE = "scenario";

interface Answer {
  hidden: number[];
  surface: unknown;
  added: number;
  removed: number;
  changed: number;
  bounds: Box6 | null;
  /** First handle of the shapes; null = they cannot be picked. */
  first?: number | null;
}

export interface Geometry extends Omit<Answer, "surface"> {
  surface: ArrayBuffer | null;
}

export class Variants {
  private readonly known = new Map<string, Promise<Geometry>>();
  private shown = new WeakMap<CityEngine, string | null>();
  private hidden = new WeakMap<CityEngine, number[]>();

  constructor(private readonly app: CityApp) {}

  /** A scenario's shapes, asked once. */
  geometry(name: string): Promise<Geometry> {
    let found = this.known.get(name);
    if (!found) {
      found = this.app.ask<Answer>("scenario_geometry", { scenario: name }).then((answer) => {
        const bytes = bytesOf(answer.surface ?? new Uint8Array());
        return { ...answer, surface: bytes.length ? bytes.slice().buffer : null };
      });
      found.catch(() => this.known.delete(name));
      this.known.set(name, found);
    }
    return found;
  }

  /** Turns a view into that of a scenario; null = the city as it is. */
  async show(engine: CityEngine, name: string | null): Promise<void> {
    this.shown.set(engine, name);
    const geometry = name ? await this.geometry(name) : null;
    if (this.shown.get(engine) !== name) return;
    engine.hide(this.hidden.get(engine) ?? [], false);
    this.hidden.set(engine, geometry?.hidden ?? []);
    this.again(engine);
    await engine.setSurface(SURFACE, geometry?.surface ?? null, geometry?.first ?? null);
  }

  /** Hides the scenario's objects once more, after everything was shown. */
  again(engine: CityEngine): void {
    engine.hide(this.hidden.get(engine) ?? [], true);
  }

  /** Asks for shapes again, for somebody has edited a scenario. */
  forget(): void {
    this.known.clear();
  }

  clear(): void {
    this.known.clear();
    this.shown = new WeakMap();
    this.hidden = new WeakMap();
  }
}

/** The scenario's name for people; the city as it is for none. */
export function scenarioTitle(app: CityApp, name: string | null): string {
  if (!name) return app.i18n.t("sim.base");
  return app.manifest?.scenarios.find((each) => each.name === name)?.title || name;
}
