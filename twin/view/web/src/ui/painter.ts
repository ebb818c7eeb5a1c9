/** Codes and surfaces of overlays, and which of them colours which view. */
import { bytesOf } from "../backend/messages";
import type { CityEngine, OverlaySpec } from "../engine/api";
import type { CityApp } from "./app";

const RESULT_SURFACE = "overlay";

export class Painter {
  private readonly codes = new Map<number, Uint8Array>();
  private readonly surfaces = new Map<number, ArrayBuffer>();
  private painted = new WeakMap<CityEngine, OverlaySpec | null>();

  constructor(private readonly app: CityApp) {}

  /** Colours a view by an overlay; null = original colours. */
  async paint(engine: CityEngine, overlay: OverlaySpec | null): Promise<void> {
    this.painted.set(engine, overlay);
    engine.setOverlay(overlay);
    const codes = overlay && (await this.codesOf(overlay));
    if (this.painted.get(engine) !== overlay) return;
    if (codes) engine.setCodes(codes);
    await engine.setSurface(RESULT_SURFACE, (overlay && this.surfaces.get(overlay.id)) ?? null);
  }

  /** Every object's code of an overlay: known already, or asked of the backend. */
  async codesOf(overlay: OverlaySpec): Promise<Uint8Array | null> {
    if (!this.codes.has(overlay.id)) {
      const answer = await this.app.ask<{ codes: unknown; surface?: unknown } | null>("codes", { overlay: overlay.id });
      if (answer && !this.codes.has(overlay.id)) this.codes.set(overlay.id, bytesOf(answer.codes).slice());
      if (answer?.surface) this.surfaces.set(overlay.id, bytesOf(answer.surface).slice().buffer);
    }
    return this.codes.get(overlay.id) ?? null;
  }

  apply(overlay: number, codes: Uint8Array): void {
    this.codes.set(overlay, codes.slice());
    for (const engine of this.showing(overlay)) engine.setCodes(codes);
    this.app.fire("codes", overlay);
  }

  applyTo(overlay: number, handles: Uint32Array, codes: Uint8Array): void {
    const all = this.codes.get(overlay);
    if (!all) return;
    handles.forEach((handle, i) => (all[handle] = codes[i] as number));
    for (const engine of this.showing(overlay)) engine.setCodesOf(handles, codes);
    this.app.fire("codes", overlay);
  }

  /** Codes of an overlay as far as they are known. */
  known(overlay: number): Uint8Array | null {
    return this.codes.get(overlay) ?? null;
  }

  forget(overlay: number): void {
    this.codes.delete(overlay);
    this.surfaces.delete(overlay);
  }

  clear(): void {
    this.codes.clear();
    this.surfaces.clear();
    this.painted = new WeakMap();
  }

  private showing(overlay: number): CityEngine[] {
    return this.app.engines.filter((engine) => this.painted.get(engine)?.id === overlay);
  }
}
