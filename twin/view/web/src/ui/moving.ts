/** What moves on this page: which of it is shown, how it is coloured, and which one is chosen or followed. */
import { GONE, type VehicleColours, type VehicleFrame, type VehicleState } from "../engine/picture_api";
import type { CityApp } from "./app";

/** What the server knows of a thing that moves. */
export interface VehicleFacts {
  number: number;
  id: string;
  kind: string;
}

export class Moving {
  selected: number | null = null;
  /** Of the chosen one; null until the server has said it. */
  facts: VehicleFacts | null = null;
  /** Rows of all that was told, so that another view can be given it. */
  private last: VehicleFrame | null = null;
  private readonly rows = new Map<number, number[]>();
  private epoch = -1;

  constructor(private readonly app: CityApp) {
    app.on("dress", (engine) => {
      if (this.last) engine.pictures.move(this.whole());
      engine.pictures.showVehicles(this.shown);
      if (app.state.vehicles !== "none") engine.pictures.colourVehicles(app.state.vehicles);
      engine.pictures.selectVehicle(this.selected);
    });
  }

  get shown(): boolean {
    return this.app.state.vehicles !== "none";
  }

  get followed(): number | null {
    return this.app.engine?.pictures.followed ?? null;
  }

  get count(): number {
    return this.app.engine?.pictures.vehicleCount ?? 0;
  }

  /** Takes what the address says. */
  restore(): void {
    this.setColours(this.app.state.vehicles);
  }

  setColours(by: VehicleColours | "none"): void {
    const { app } = this;
    app.changed({ vehicles: by });
    app.live.subscribe(by === "none" ? [] : [0], "moving");
    for (const engine of app.engines) {
      engine.pictures.showVehicles(by !== "none");
      if (by !== "none") engine.pictures.colourVehicles(by);
    }
    app.fire("vehicles", null);
  }

  apply(frame: VehicleFrame): void {
    this.keep(frame);
    for (const engine of this.app.engines) engine.pictures.move(frame);
    if (this.selected !== null && !this.state(this.selected)) this.select(null);
    this.app.fire("vehicles", null);
  }

  /** Chooses one and opens its card. */
  choose(number: number): void {
    this.select(number);
    this.app.shell.tools.vehicles.show();
  }

  select(number: number | null): void {
    const { app } = this;
    if (number === this.selected) return;
    this.selected = number;
    this.facts = null;
    for (const engine of app.engines) engine.pictures.selectVehicle(number);
    if (number === null) this.follow(null);
    app.fire("vehicles", null);
    if (number === null) return;
    void app
      .ask<VehicleFacts>("vehicle", { number })
      .then((facts) => {
        if (this.selected !== number) return;
        this.facts = facts;
        app.fire("vehicles", null);
      })
      .catch((error: unknown) => app.report(error));
  }

  /** The camera goes with one; null ends it. */
  follow(number: number | null): void {
    for (const engine of this.app.engines) engine.pictures.followVehicle(number);
    this.app.fire("vehicles", null);
  }

  state(number: number): VehicleState | null {
    return this.app.engine?.pictures.vehicle(number) ?? null;
  }

  /** Another city, or another time: what was told before means nothing any more. */
  forget(): void {
    this.rows.clear();
    this.last = null;
  }

  private keep(frame: VehicleFrame): void {
    if (frame.epoch !== this.epoch || frame.full) this.rows.clear();
    this.epoch = frame.epoch;
    this.last = frame;
    const { number, age, x, y, z, heading, speed, kind, code } = frame;
    for (let i = 0; i < number.length; i++) {
      if (kind[i] === GONE) this.rows.delete(number[i] as number);
      else this.rows.set(number[i] as number, [frame.time - (age[i] as number), x[i], y[i], z[i], heading[i], speed[i], kind[i], code[i]] as number[]);
    }
  }

  /** Everything that is there as one frame. */
  private whole(): VehicleFrame {
    const last = this.last as VehicleFrame;
    const rows = [...this.rows.values()];
    const column = (place: number): number[] => rows.map((row) => row[place] as number);
    return {
      epoch: this.epoch,
      full: true,
      replay: last.replay,
      time: last.time,
      number: Uint32Array.from(this.rows.keys()),
      age: Int32Array.from(column(0), (time) => last.time - time),
      x: Float32Array.from(column(1)),
      y: Float32Array.from(column(2)),
      z: Float32Array.from(column(3)),
      heading: Uint16Array.from(column(4)),
      speed: Uint16Array.from(column(5)),
      kind: Uint8Array.from(column(6)),
      code: Uint8Array.from(column(7)),
    };
  }
}
