/** The page's connection to the live codes of its scene. */
import { LiveClient, type CodeFrame } from "../backend/live";
import type { SceneManifest } from "../engine/api";
import type { CityApp } from "./app";

/** How long frames of another version may be ahead of the word that there is one. */
const PATIENCE_MS = 15_000;

export class LiveFeed {
  private client: LiveClient | null = null;
  private patience: ReturnType<typeof setTimeout> | undefined;
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
    clearTimeout(this.patience);
    this.client?.close();
    this.client = null;
  }

  private apply(frame: CodeFrame): void {
    if (this.app.past.active) return;
    if (frame.handles) this.app.painter.applyTo(frame.overlay, frame.handles, frame.codes);
    else this.app.painter.apply(frame.overlay, frame.codes);
  }

  /** Codes of another version of the city: the page is told of it in a moment, or it has to ask. */
  private foreign(): void {
    this.client?.close();
    this.client = null;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.reload(), PATIENCE_MS);
  }

  private reload(): void {
    this.app.notices.show(this.app.i18n.t("app.reload"), "info");
    this.app.backend.emit("ready", null);
  }
}
