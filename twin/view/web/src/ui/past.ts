/** Live values and what moves as of an earlier instant: asked of the server, shown, and played. */
import { bytesOf } from "../backend/messages";
import { readMoving } from "../backend/moving";
import type { CityApp } from "./app";

/** What the server remembers, ms; and the days that it has files of. */
export interface Span {
  from: number;
  to: number;
  days: string[];
}

export const SPEEDS = [1, 10, 60, 300, 1800] as const;
const STEP_MS = 250;

export class Past {
  /** The instant that is shown; null = now. */
  time: number | null = null;
  speed = 10;
  playing = false;
  private timer: ReturnType<typeof setInterval> | undefined;
  private busy = false;
  private wanted: number | null = null;

  constructor(private readonly app: CityApp) {
    app.on("overlay", () => {
      if (this.time !== null) this.show(this.time);
    });
  }

  get active(): boolean {
    return this.time !== null;
  }

  span(): Promise<Span> {
    return this.app.ask<Span>("span", {});
  }

  /** Takes what the address says. */
  restore(): void {
    const { past } = this.app.state;
    if (past && this.app.manifest?.live_url) this.show(Date.parse(past));
    else if (this.active) this.now();
  }

  /** Shows an instant; of many that come quickly the last is shown. */
  show(time_ms: number): void {
    const { app } = this;
    this.time = time_ms;
    app.changed({ past: new Date(time_ms).toISOString() });
    app.fire("past", time_ms);
    this.wanted = time_ms;
    if (!this.busy) void this.ask().catch((error: unknown) => this.failed(error));
  }

  /** Back to the present. */
  now(): void {
    this.pause();
    if (this.time === null) return;
    this.time = this.wanted = null;
    const { app } = this;
    app.changed({ past: null });
    app.fire("past", null);
    app.live.again();
  }

  /** Goes on from the instant that is shown, until the present is reached. */
  play(): void {
    this.pause();
    if (this.time === null) return;
    this.playing = true;
    this.timer = setInterval(() => this.step(), STEP_MS);
    this.app.fire("past", this.time);
  }

  pause(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (!this.playing) return;
    this.playing = false;
    this.app.fire("past", this.time);
  }

  dispose(): void {
    clearInterval(this.timer);
  }

  private step(): void {
    if (this.time === null) return this.pause();
    const next = this.time + STEP_MS * this.speed;
    if (next >= Date.now()) this.now();
    else this.show(next);
  }

  /** Asks for the newest instant that is wanted, until it is shown. */
  private async ask(): Promise<void> {
    this.busy = true;
    try {
      while (this.wanted !== null) {
        const time = this.wanted;
        this.wanted = null;
        await Promise.all([this.askMoving(time), ...this.overlays().map((overlay) => this.askCodes(overlay, time))]);
      }
    } finally {
      this.busy = false;
    }
  }

  private async askMoving(time: number): Promise<void> {
    if (!this.app.moving.shown) return;
    const { frame } = await this.app.ask<{ frame: unknown }>("moving_at", { time });
    if (this.active) this.app.moving.apply(readMoving(bytesOf(frame).slice().buffer));
  }

  private async askCodes(overlay: number, time: number): Promise<void> {
    const { codes } = await this.app.ask<{ codes: unknown }>("codes_at", { overlay, time });
    if (this.active) this.app.painter.apply(overlay, bytesOf(codes));
  }

  /** Live overlays that are looked at: as colours or in a thematic picture. */
  private overlays(): number[] {
    const { app } = this;
    const shown = app.overlay?.source === "live" ? [app.overlay.id] : [];
    return [...new Set([...shown, ...app.themes.liveOverlays()])];
  }

  private failed(error: unknown): void {
    this.pause();
    this.app.report(error);
  }
}
