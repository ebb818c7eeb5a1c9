/** Named views and notes: kept in this browser for each city, carried by a link or a file. */
import type { Vec3 } from "../engine/api";
import type { CityApp } from "./app";
import { cityKey } from "./city_key";
import { decode, encode, type ViewState } from "./state";

export interface KeptView {
  name: string;
  /** The view as in an address. */
  hash: string;
}

export interface Note {
  text: string;
  point: Vec3;
  /** The object that it speaks of; empty = a place. */
  uid: string;
  object: string;
}

export interface Kept {
  views: KeptView[];
  notes: Note[];
}

const PREFIX = "citytwin:kept:";
const MOST = 500;
const LONGEST = 2000;

export class Keeping {
  views: KeptView[] = [];
  notes: Note[] = [];

  constructor(private readonly app: CityApp) {}

  /** What this browser keeps of a city, and what a link brought. */
  load(): void {
    this.views = [];
    this.notes = [];
    this.add(this.stored());
    const brought = new URLSearchParams(window.location.hash.slice(1)).get("k");
    if (!brought) return this.tell();
    try {
      this.add(readKept(JSON.parse(unpack(brought))));
    } catch (error) {
      this.app.notices.show(this.app.i18n.t("kept.link", { message: sentence(error) }), "error");
    }
    this.save();
  }

  keep(name: string, state: ViewState = this.app.state): void {
    this.views.push({ name, hash: encode({ ...state, language: null, theme: null }) });
    this.save();
  }

  stateOf(view: KeptView): ViewState {
    return decode(view.hash);
  }

  /** Everything after a change: kept, and told to the panels. */
  save(): void {
    try {
      window.localStorage.setItem(this.key, JSON.stringify(this.all));
    } catch (error) {
      this.app.notices.show(this.app.i18n.t("kept.full", { message: sentence(error) }), "error");
    }
    this.tell();
  }

  get all(): Kept {
    return { views: this.views, notes: this.notes };
  }

  /** The address of this view with all that is kept. */
  link(): string {
    return `${this.app.link()}&k=${pack(JSON.stringify(this.all))}`;
  }

  /** Takes the contents of a file in; throws a sentence when they are something else. */
  take(text: string): void {
    this.add(readKept(JSON.parse(text)));
    this.save();
  }

  private get key(): string {
    return `${PREFIX}${cityKey(this.app.manifest)}`;
  }

  private stored(): Kept {
    try {
      // Earlier versions knew a city by its name alone.
      const text = window.localStorage.getItem(this.key) ?? window.localStorage.getItem(`${PREFIX}${this.app.manifest?.name ?? ""}`);
      return text ? readKept(JSON.parse(text)) : { views: [], notes: [] };
    } catch (error) {
      this.app.notices.show(this.app.i18n.t("kept.unreadable", { message: sentence(error) }), "error");
      return { views: [], notes: [] };
    }
  }

  /** What is there already does not come twice. */
  private add({ views, notes }: Kept): void {
    for (const view of views) if (!this.views.some((each) => each.name === view.name && each.hash === view.hash)) this.views.push(view);
    for (const note of notes) if (!this.notes.some((each) => each.text === note.text && String(each.point) === String(note.point))) this.notes.push(note);
  }

  private tell(): void {
    this.app.fire("kept", null);
  }
}

/** Checks what somebody else may have written. */
export function readKept(value: unknown): Kept {
  const { views = [], notes = [] } = record(value, "the file");
  if (!Array.isArray(views) || !Array.isArray(notes) || views.length + notes.length > MOST) throw new Error(`views and notes are two lists of at most ${MOST}`);
  return {
    views: views.map((each, i) => {
      const view = record(each, `view ${i + 1}`);
      return { name: text(view.name, `view ${i + 1}: name`), hash: text(view.hash, `view ${i + 1}: hash`) };
    }),
    notes: notes.map((each, i) => {
      const note = record(each, `note ${i + 1}`);
      const point = note.point;
      if (!Array.isArray(point) || point.length !== 3 || !point.every(Number.isFinite)) throw new Error(`note ${i + 1}: point is not three numbers`);
      return { text: text(note.text, `note ${i + 1}: text`), point: point as Vec3, uid: text(note.uid ?? "", `note ${i + 1}: uid`), object: text(note.object ?? "", `note ${i + 1}: object`) };
    }),
  };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${what} is not a JSON object`);
  return value as Record<string, unknown>;
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string" || value.length > LONGEST) throw new Error(`${what} is not a text of at most ${LONGEST} characters`);
  return value;
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Base64 of UTF-8 that an address takes as it is. */
export function pack(content: string): string {
  const bytes = new TextEncoder().encode(content);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function unpack(packed: string): string {
  const letters = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)));
}
