/** The page's connection to the live codes of its scene. */
import { LiveClient, type CodeFrame } from "../backend/live";
import type { SceneManifest } from "../engine/api";
import type { CityApp } from "./app";

export class LiveFeed {
  private client: LiveClient | null = null;

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
      foreign: () => this.foreign(),
      broken: (message) => app.notices.show(app.i18n.t("error.live", { message }), "error"),
    });
    const { overlay } = app;
    this.client.subscribe(overlay?.source === "live" ? [overlay.id] : []);
    this.client.connect();
  }

  subscribe(overlays: number[]): void {
    this.client?.subscribe(overlays);
  }

  close(): void {
    this.client?.close();
    this.client = null;
  }

  private apply(frame: CodeFrame): void {
    if (frame.handles) this.app.painter.applyTo(frame.overlay, frame.handles, frame.codes);
    else this.app.painter.apply(frame.overlay, frame.codes);
  }

  private foreign(): void {
    this.close();
    this.app.notices.show(this.app.i18n.t("app.reload"), "info");
    this.app.backend.emit("ready", null);
  }
}
