/** The page's connection to the live codes of its scene. */
import { LiveClient, type CodeFrame } from "../backend/live";
import type { SceneManifest } from "../engine/api";
import type { CityApp } from "./app";

export class LiveFeed {
  private client: LiveClient | null = null;
  /** Numbers that parts of the page want frames of: overlays, and 0 for what moves. */
  private readonly wants = new Map<string, number[]>();

  constructor(private readonly app: CityApp) {}

  connect(manifest: SceneManifest): void {
    const { app } = this;
    this.close();
    if (!manifest.live_url) return;
    const url = new URL(manifest.live_url, document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.client = new LiveClient(url.href, manifest.epoch, {
      link: (state) => app.fire("link", state),
      status: (status) => app.fire("live", status),
      frame: (frame) => this.apply(frame),
      moved: (frame) => app.past.active || app.moving.apply(frame),
      foreign: () => this.foreign(),
      broken: (message) => app.notices.show(app.i18n.t("error.live", { message }), "error"),
    });
    const { overlay } = app;
    this.subscribe(overlay?.source === "live" ? [overlay.id] : []);
    this.client.connect();
  }

  /** Asks for the frames that a part of the page wants, beside those of the other parts. */
  subscribe(numbers: number[], part = "overlay"): void {
    this.wants.set(part, numbers);
    this.again();
  }

  /** Asks for everything that is wanted as it is now. */
  again(): void {
    this.client?.subscribe([...new Set([...this.wants.values()].flat())]);
  }

  close(): void {
    this.client?.close();
    this.client = null;
  }

  private apply(frame: CodeFrame): void {
    if (this.app.past.active) return;
    if (frame.handles) this.app.painter.applyTo(frame.overlay, frame.handles, frame.codes);
    else this.app.painter.apply(frame.overlay, frame.codes);
  }

  private foreign(): void {
    this.close();
    this.app.notices.show(this.app.i18n.t("app.reload"), "info");
    this.app.backend.emit("ready", null);
  }
}
