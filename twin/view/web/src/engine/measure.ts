/** Measuring by clicks on any surface: what is being drawn, and what is finished and stays. */

import { Group, type PerspectiveCamera, Vector3 } from "three";
import { Drawing } from "./drawing";
import { KINDS, measured } from "./measured";
import type { Measurement, MeasureKind } from "./tool_api";

export interface MeasuringHost {
  size(): { width: number; height: number };
  /** Adds what only the city knows: volumes, profiles, what stands in the way. */
  complete(measurement: Measurement, points: Vector3[]): void;
  told(measurement: Measurement | null): void;
}

interface Finished {
  measurement: Measurement;
  points: Vector3[];
  drawing: Drawing;
}

export class Measuring {
  readonly group = new Group();
  private kind: MeasureKind | null = null;
  private points: Vector3[] = [];
  private current: Drawing | null = null;
  private readonly finished = new Map<number, Finished>();
  private serial = 0;

  constructor(private readonly host: MeasuringHost) {}

  get active(): boolean {
    return this.kind !== null;
  }

  begin(kind: MeasureKind): void {
    this.drop();
    this.kind = kind;
  }

  /** Leave measuring; an unfinished measurement goes. */
  stop(): void {
    this.drop();
    if (this.kind) this.host.told(null);
    this.kind = null;
  }

  clear(): void {
    this.drop();
    for (const id of [...this.finished.keys()]) this.remove(id);
    this.host.told(null);
  }

  remove(id: number): void {
    this.finished.get(id)?.drawing.dispose();
    this.finished.delete(id);
  }

  /** A click on a surface. */
  add(point: Vector3): void {
    const { kind } = this;
    if (!kind) return;
    this.points.push(point.clone());
    if (this.points.length >= KINDS[kind].most) this.finish();
    else this.show(this.points);
  }

  /** Takes the last point away. */
  undo(): void {
    this.points.pop();
    if (this.points.length > 0) this.show(this.points);
    else {
      this.drop();
      this.host.told(null);
    }
  }

  /** The cursor moved: show what a click here would give. */
  preview(point: Vector3): void {
    if (this.kind && this.points.length > 0) this.show([...this.points, point]);
  }

  /** A double click ends a path or an area; its two clicks left the last point twice. */
  end(): void {
    if (!this.kind || KINDS[this.kind].most < Infinity) return;
    while (this.points.length > 1 && this.points[this.points.length - 1].distanceTo(this.points[this.points.length - 2]) < 0.02) this.points.pop();
    if (this.points.length >= KINDS[this.kind].least) this.finish();
  }

  /** Works a volume out above another plane. */
  rebase(id: number, base_m: number): void {
    const found = this.finished.get(id);
    if (!found?.measurement.volume) return;
    found.measurement.volume.base_m = base_m;
    this.host.complete(found.measurement, found.points);
    this.redraw(found);
    this.host.told(found.measurement);
  }

  scale(camera: PerspectiveCamera, height: number): void {
    for (const { drawing } of this.finished.values()) drawing.scale(camera, height);
    this.current?.scale(camera, height);
  }

  dispose(): void {
    this.drop();
    for (const id of [...this.finished.keys()]) this.remove(id);
  }

  private show(points: Vector3[]): void {
    const measurement = measured(this.kind as MeasureKind, points, false);
    this.current?.dispose();
    this.current = this.draw(measurement);
    this.host.told(measurement);
  }

  private finish(): void {
    const kind = this.kind as MeasureKind;
    const { points } = this;
    const measurement = measured(kind, points, true);
    measurement.id = ++this.serial;
    this.host.complete(measurement, points);
    this.drop();
    if (KINDS[kind].kept) this.finished.set(measurement.id, { measurement, points, drawing: this.draw(measurement) });
    this.host.told(measurement);
  }

  private redraw(found: Finished): void {
    found.drawing.dispose();
    found.drawing = this.draw(found.measurement);
  }

  private draw(measurement: Measurement): Drawing {
    const { width, height } = this.host.size();
    const drawing = new Drawing(measurement, width, height);
    this.group.add(drawing.group);
    return drawing;
  }

  private drop(): void {
    this.current?.dispose();
    this.current = null;
    this.points = [];
  }
}
