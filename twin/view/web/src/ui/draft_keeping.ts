/** Drawings that are in no variant yet, kept in this browser: a page that was reloaded or broke down finds them again. */
import type { CityApp } from "./app";
import { cityKey } from "./city_key";
import { readDrafts, type StoredDrafts, writeDrafts } from "./draft_store";

const PREFIX = "citytwin:drafts:";
/** Milliseconds between two writings, and in which other pages say what they are working on. */
const WRITE_MS = 200;
const HEAR_MS = 600;

export class DraftKeeping {
  /** Of this page alone: two pages of one city do not write over each other. */
  private readonly slot = crypto.getRandomValues(new Uint32Array(2)).join("-");
  private readonly channel = new BroadcastChannel("citytwin:drafts");
  /** Entries that other open pages are working on. */
  private taken = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private hearing: ReturnType<typeof setTimeout> | undefined;
  private offer: HTMLElement | null = null;
  private told = false;
  private readonly flush = (): void => this.write();
  private readonly elsewhere = (event: StorageEvent): void => this.gone(event);
  private offered = "";

  constructor(private readonly app: CityApp) {
    app.drafts.onChange(() => (this.timer ??= setTimeout(this.flush, WRITE_MS)));
    this.channel.onmessage = ({ data }: MessageEvent<{ op: string; key: string }>) => {
      if (data.op === "who") this.channel.postMessage({ op: "here", key: this.key });
      else this.take(data.key);
    };
    window.addEventListener("pagehide", this.flush);
    window.addEventListener("storage", this.elsewhere);
  }

  /** A city is shown: offers what was drawn of it and is worked on by no open page. */
  load(): void {
    this.withdraw();
    this.taken = new Set();
    this.channel.postMessage({ op: "who" });
    clearTimeout(this.hearing);
    this.hearing = setTimeout(() => this.next(), HEAR_MS);
  }

  dispose(): void {
    this.write();
    clearTimeout(this.hearing);
    this.channel.close();
    window.removeEventListener("pagehide", this.flush);
    window.removeEventListener("storage", this.elsewhere);
  }

  private get city(): string {
    return cityKey(this.app.manifest);
  }

  private get key(): string {
    return `${PREFIX}${this.city}:${this.slot}`;
  }

  /** Writes down what is drawn; nothing where nothing is. */
  private write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { app } = this;
    const { corners, rising } = app.drafts.state;
    const drafts = app.drafts.changed;
    if (!app.manifest) return;
    try {
      if (drafts.length === 0 && corners.length === 0) window.localStorage.removeItem(this.key);
      else window.localStorage.setItem(this.key, writeDrafts({ city: this.city, time: Date.now(), drafts, corners: [...corners], rising }));
      this.told = false;
    } catch (error) {
      if (!this.told) app.notices.show(app.i18n.t("draft.full", { message: sentence(error) }), "error");
      this.told = true;
    }
  }

  /** Offers the entry that was written last; entries that cannot be read go, with a sentence. */
  private next(): void {
    const { app } = this;
    const found: [string, StoredDrafts][] = [];
    for (const key of this.entries()) {
      try {
        const stored = readDrafts(window.localStorage.getItem(key) ?? "", this.city);
        if (stored) found.push([key, stored]);
      } catch (error) {
        window.localStorage.removeItem(key);
        app.notices.show(app.i18n.t("draft.unreadable", { message: sentence(error) }), "error");
      }
    }
    const [latest] = found.sort((a, b) => b[1].time - a[1].time);
    if (latest) this.show(...latest);
  }

  /** Entries of this city that no open page works on. */
  private entries(): string[] {
    try {
      const all = Array.from({ length: window.localStorage.length }, (_, i) => window.localStorage.key(i) ?? "");
      return all.filter((key) => key.startsWith(`${PREFIX}${this.city}:`) && key !== this.key && !this.taken.has(key));
    } catch {
      return [];
    }
  }

  private show(key: string, { drafts, corners, time }: StoredDrafts): void {
    const { app } = this;
    const count = drafts.length + (corners.length ? 1 : 0);
    const when = (): string => new Date(time).toLocaleString(app.i18n.locale, { dateStyle: "long", timeStyle: "short" });
    this.offered = key;
    this.offer = app.notices.offer(() => app.i18n.t(count === 1 ? "draft.found.one" : "draft.found", { count: app.i18n.number(count, 0), time: when() }), [
      ["draft.bring", () => void this.bring(key).catch((error: unknown) => app.report(error))],
      ["draft.throw", () => this.drop(key)],
    ]);
  }

  /** Goes on with an entry: from now on it is this page's. */
  private async bring(key: string): Promise<void> {
    const { app } = this;
    this.withdraw();
    const text = window.localStorage.getItem(key);
    const stored = text === null ? null : readDrafts(text, this.city);
    if (!stored) return;
    const gone = await app.drafts.bring(stored);
    this.write();
    if (!this.told) this.drop(key);
    if (gone) app.notices.show(app.i18n.t("draft.gone", { count: gone }), "error");
    const { draw, edit } = app.shell.tools;
    if (app.drafts.state.corners.length > 0) draw.start();
    else if (!draw.open) edit.start();
  }

  private drop(key: string): void {
    window.localStorage.removeItem(key);
    this.withdraw();
    this.next();
  }

  private withdraw(): void {
    this.offer?.remove();
    this.offer = null;
    this.offered = "";
  }

  /** An open page works on an entry; one that is busy may say so after the entry was offered here. */
  private take(key: string): void {
    this.taken.add(key);
    if (key !== this.offered) return;
    this.withdraw();
    this.next();
  }

  /** Another page took or threw away what is offered here. */
  private gone(event: StorageEvent): void {
    if (event.key === this.offered && event.newValue === null) this.withdraw();
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
