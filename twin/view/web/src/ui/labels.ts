/** Names on the map: written over the picture, the important ones first, none upon another. */
import type { CityEngine, PlaceLabel, SceneManifest } from "../engine/api";
import type { CityApp } from "./app";
import css from "./labels.css";

/** Names on a picture: one for so many square pixels, but no fewer and no more than these. */
const AREA_PX = 24_000;
const FEWEST_SHOWN = 8;
const MOST_SHOWN = 60;
const FADE_MS = 260;
/** Clear pixels around a name that comes, and around one that is there: what is shown stays while it can. */
const ROOM_TO_COME = 6;
const ROOM_TO_STAY = 3;
/** Ranks by which a shown name goes before an equal one that waits. */
const CONSTANCY = 0.75;
/** The same river is named again only this far away on the screen. */
const SAME_NAME_PX = 480;
/** A name that is nearly gone is not begun with. */
const FAINTEST = 0.4;
/** Where a name may stand: pixels above its point, and the share of its width that lies left of it. */
const ON_THE_POINT: Seat[] = [{ up: 0, left: 0.5 }];
const ABOVE_A_ROOF: Seat[] = [26, 48].flatMap((up) => [0.5, 0.94, 0.06].map((left) => ({ up, left })));
const SEATS = { landmark: ABOVE_A_ROOF, bridge: ON_THE_POINT, district: ON_THE_POINT, water: ON_THE_POINT, road: ON_THE_POINT };
/** Metres from the eye beyond which names of a rank (0..5) go, and nearer than which names of areas do. */
const FARTHEST: Record<Kind, number[]> = {
  district: [60_000, 7_500, 3_500, 2_500, 2_000, 1_500],
  water: [40_000, 14_000, 8_000, 5_200, 2_500, 1_500],
  landmark: [20_000, 12_000, 5_000, 2_400, 1_500, 1_000],
  bridge: [12_000, 9_000, 5_600, 3_000, 2_000, 1_500],
  road: [9_000, 7_000, 5_500, 4_000, 1_900, 1_000],
};
const NEAREST: Record<Kind, number> = { district: 260, water: 60, landmark: 0, bridge: 30, road: 30 };
/** Metres that something stands before a name's point when one who walks no longer reads it; roofs are behind their own walls. */
const BEHIND: Record<Kind, number> = { district: 5, water: 5, landmark: 45, bridge: 25, road: 5 };
/** How long one who walks stands still before it is looked what hides names. */
const REST_MS = 160;

type Kind = keyof typeof SEATS;

interface Seat {
  up: number;
  left: number;
}

interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

interface Entry {
  label: PlaceLabel;
  kind: Kind;
  order: number;
  node: HTMLElement;
  width: number;
  height: number;
  shown: boolean;
  seat: Seat;
  /** Where it was drawn last. */
  at: { x: number; y: number };
  leaving: ReturnType<typeof setTimeout> | undefined;
}

interface Candidate {
  entry: Entry;
  x: number;
  y: number;
  opacity: number;
  priority: number;
}

export class Labels {
  readonly element: HTMLElement;
  private entries: Entry[] = [];
  private points = new Float32Array(0);
  private measured = "";
  private panels: Rectangle[] = [];
  private panelsRead = 0;
  /** Names that something stands before; looked for only while somebody walks. */
  private covered = new Set<Entry>();
  private resting: ReturnType<typeof setTimeout> | undefined;
  private readonly cleanups: (() => void)[] = [];

  constructor(
    private readonly app: CityApp,
    private readonly engine: CityEngine,
  ) {
    const style = document.createElement("style");
    style.textContent = css;
    this.element = app.dom.h("div", { class: "labels", attributes: { "aria-hidden": "true" } }, style);
    engine.canvas.after(this.element);
    this.cleanups.push(
      engine.on("camera", () => {
        this.place();
        this.rest();
      }),
      engine.on("idle", () => this.settle()),
      app.on("tools", () => {
        this.settle();
        this.rest();
      }),
    );
    app.i18n.bind(this.element, () => this.write());
  }

  /** Takes the names of a scene; those of an earlier one go. */
  load(manifest: SceneManifest): void {
    for (const entry of this.entries) this.drop(entry);
    this.covered.clear();
    this.entries = (manifest.labels ?? []).map((label, order) => this.entry(label, order));
    this.points = new Float32Array(this.entries.flatMap(({ label }) => label.point));
    this.write();
  }

  dispose(): void {
    clearTimeout(this.resting);
    for (const cleanup of this.cleanups) cleanup();
    for (const entry of this.entries) this.drop(entry);
    this.entries = [];
    this.element.remove();
  }

  private entry(label: PlaceLabel, order: number): Entry {
    const kind: Kind = label.kind in SEATS ? (label.kind as Kind) : "landmark";
    const node = this.app.dom.h("div", { class: `label ${kind}`, attributes: { "data-rank": label.rank } }, this.app.dom.h("span"));
    return { label, kind, order, node, width: 0, height: 0, shown: false, seat: SEATS[kind][0] as Seat, at: { x: 0, y: 0 }, leaving: undefined };
  }

  /** Puts every name into the page's language; how large it is then is measured when it is next placed. */
  private write(): void {
    for (const { node, label } of this.entries) {
      const text = this.app.i18n.title(label.titles);
      (node.firstChild as HTMLElement).textContent = text;
    }
    this.measured = "";
    this.settle();
  }

  private settle(): void {
    this.panelsRead = 0;
    this.place();
  }

  /** Reads the size of every name at once, in the present language and at the present size of the window. */
  private measure(): void {
    const { element } = this;
    const state = `${this.app.i18n.language} ${element.clientWidth} ${element.clientHeight}`;
    if (state === this.measured || element.clientWidth === 0) return;
    this.measured = state;
    const away = this.entries.filter(({ node }) => !node.isConnected);
    element.append(...away.map(({ node }) => node));
    for (const entry of this.entries) {
      const text = entry.node.firstChild as HTMLElement;
      entry.width = text.offsetWidth;
      entry.height = text.offsetHeight;
    }
    for (const { node } of away) node.remove();
    for (const entry of this.entries) sit(entry, entry.seat);
  }

  private place(): void {
    const { element } = this;
    element.hidden = !this.app.state.labels;
    if (element.hidden || this.entries.length === 0) return;
    this.measure();
    const taken = [...this.obstacles()];
    const fading = this.entries.filter((entry) => entry.leaving !== undefined);
    const most = Math.min(MOST_SHOWN, Math.max(FEWEST_SHOWN, Math.round((element.clientWidth * element.clientHeight) / AREA_PX)));
    const names = new Map<string, Candidate[]>();
    let count = 0;
    for (const candidate of this.candidates()) {
      const { entry } = candidate;
      const text = this.app.i18n.title(entry.label.titles);
      const twins = names.get(text) ?? [];
      const alone = !twins.some((twin) => Math.hypot(twin.x - candidate.x, twin.y - candidate.y) < SAME_NAME_PX);
      const seat = alone && count < most ? this.seat(candidate, taken, fading) : undefined;
      if (!seat) {
        this.leave(entry, candidate);
        continue;
      }
      count += 1;
      taken.push(...room(entry, candidate, seat, 0));
      names.set(text, [...twins, candidate]);
      this.show(candidate, seat);
    }
    // A name that moves over one that fades ends it.
    for (const entry of this.entries) {
      const its = entry.leaving === undefined ? [] : room(entry, entry.at, entry.seat, 0);
      if (its.some((box) => taken.some((other) => overlaps(box, other)))) this.drop(entry);
    }
  }

  /** Whether somebody walks through this view and reads names. */
  private get walking(): boolean {
    return this.app.state.labels && this.engine === this.app.engine && this.app.shell.tools.walk.walking;
  }

  /** Somebody who walks has moved, or has ended to. */
  private rest(): void {
    clearTimeout(this.resting);
    if (this.walking) this.resting = setTimeout(() => void this.look().catch((error: unknown) => this.app.report(error)), REST_MS);
    else if (this.covered.size > 0) {
      this.covered.clear();
      this.place();
    }
  }

  /** Takes away names whose points are behind something, and brings back the others. */
  private async look(): Promise<void> {
    const { entries } = this;
    const gaps = await this.engine.covering(this.points);
    if (!this.walking || entries !== this.entries) return;
    this.covered = new Set(entries.filter(({ kind }, i) => (gaps[i] as number) > BEHIND[kind]));
    this.place();
  }

  /** The first free place for a name, its present one before the others; one that comes waits for those that fade there. */
  private seat(candidate: Candidate, taken: Rectangle[], fading: Entry[]): Seat | undefined {
    const { entry } = candidate;
    const { clientWidth: width, clientHeight: height } = this.element;
    const waits = (box: Rectangle): boolean => !entry.shown && fading.some((other) => other !== entry && room(other, other.at, other.seat, 0).some((its) => overlaps(box, its)));
    const seats = entry.shown ? [entry.seat, ...SEATS[entry.kind]] : SEATS[entry.kind];
    return seats.find((seat) => {
      const clear = room(entry, candidate, seat, entry.shown && seat === entry.seat ? ROOM_TO_STAY : ROOM_TO_COME);
      const inside = clear.every((box) => box.left > 0 && box.right < width && box.top > 0 && box.bottom < height);
      return inside && !clear.some((box) => taken.some((other) => overlaps(box, other)) || waits(box));
    });
  }

  /** Names that are in the picture, the first to be placed first; the others go. */
  private candidates(): Candidate[] {
    const seen = this.engine.project(this.points);
    const eye = this.engine.camera().position;
    const found: Candidate[] = [];
    this.entries.forEach((entry, i) => {
      const x = seen[i * 3] as number;
      const y = seen[i * 3 + 1] as number;
      const [px, py, pz] = entry.label.point;
      const opacity = visibility(entry, Math.hypot(px - eye[0], py - eye[1], pz - eye[2]));
      if (Number.isNaN(x) || this.covered.has(entry) || opacity < (entry.shown ? FAINTEST / 2 : FAINTEST)) return this.leave(entry);
      const priority = entry.label.rank - (entry.shown ? CONSTANCY : 0) + (entry.order / this.entries.length) * 0.5;
      found.push({ entry, x, y, opacity, priority });
    });
    return found.sort((a, b) => a.priority - b.priority);
  }

  private show({ entry, x, y, opacity }: Candidate, seat: Seat): void {
    clearTimeout(entry.leaving);
    entry.leaving = undefined;
    if (seat !== entry.seat || !entry.shown) sit(entry, seat);
    move(entry, x, y);
    if (!entry.shown) {
      entry.shown = true;
      entry.node.style.opacity = "0";
      if (!entry.node.isConnected) this.element.append(entry.node);
      void entry.node.offsetWidth;
      entry.node.classList.add("shown");
    }
    entry.node.style.opacity = opacity.toFixed(2);
  }

  /** Fades a name out; meanwhile it still goes with the picture. */
  private leave(entry: Entry, at?: { x: number; y: number }): void {
    if (at && (entry.shown || entry.leaving !== undefined)) move(entry, at.x, at.y);
    if (!entry.shown) return;
    entry.shown = false;
    entry.node.classList.remove("shown");
    entry.node.style.opacity = "0";
    entry.leaving = setTimeout(() => {
      this.drop(entry);
      this.place();
    }, FADE_MS);
  }

  private drop(entry: Entry): void {
    clearTimeout(entry.leaving);
    entry.leaving = undefined;
    entry.shown = false;
    entry.node.remove();
  }

  /** The page's panels: a name half under one of them would only look torn. */
  private obstacles(): Rectangle[] {
    const now = performance.now();
    if (now - this.panelsRead > 400) {
      this.panelsRead = now;
      const frame = this.element.getBoundingClientRect();
      this.panels = [...this.app.shell.app.querySelectorAll<HTMLElement>(".card, .status")]
        .map((panel) => panel.getBoundingClientRect())
        .filter((box) => box.width > 0)
        .map((box) => ({ left: box.left - frame.left, top: box.top - frame.top, right: box.right - frame.left, bottom: box.bottom - frame.top }));
    }
    return this.panels;
  }
}

/** How solid a name is at a distance in metres: it comes and goes over a stretch, never at once. */
function visibility({ kind, label }: Entry, distance: number): number {
  const far = FARTHEST[kind][label.rank] ?? 1_000;
  const near = NEAREST[kind] * (label.rank === 0 ? 2 : 1);
  return Math.min(slope(distance, far, far * 0.8), near > 0 ? slope(distance, near, near * 1.4) : 1);
}

function slope(value: number, zero: number, one: number): number {
  const t = Math.min(1, Math.max(0, (value - zero) / (one - zero)));
  return t * t * (3 - 2 * t);
}

/** Whole pixels of the device: letters between two of them would be blurred. */
function move(entry: Entry, x: number, y: number): void {
  entry.at = { x, y };
  const grid = window.devicePixelRatio || 1;
  const snap = (value: number): number => Math.round(value * grid) / grid;
  entry.node.style.transform = `translate(${snap(x)}px, ${snap(y)}px)`;
}

function sit(entry: Entry, seat: Seat): void {
  entry.seat = seat;
  const text = entry.node.firstChild as HTMLElement;
  text.style.left = `${-Math.round(entry.width * seat.left)}px`;
  text.style.top = `${-Math.round(seat.up > 0 ? seat.up + entry.height : entry.height / 2)}px`;
  entry.node.style.setProperty("--up", `${seat.up}px`);
}

/** What a name takes: its letters, and the line that it stands on. */
function room({ width, height }: Entry, { x, y }: { x: number; y: number }, seat: Seat, around: number): Rectangle[] {
  const left = x - width * seat.left;
  const bottom = seat.up > 0 ? y - seat.up : y + height / 2;
  const letters = { left: left - around, right: left + width + around, top: bottom - height - around, bottom: bottom + around };
  if (seat.up === 0) return [letters];
  return [letters, { left: x - 3, right: x + 3, top: bottom, bottom: y + 3 }];
}

function overlaps(a: Rectangle, b: Rectangle): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
