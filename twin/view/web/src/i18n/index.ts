/** The page's language: messages by key, and nodes that follow a switch of the language. */
import type { Language, Titles } from "../engine/api";
import { en, type Key } from "./en";
import { zh } from "./zh";

export type { Key } from "./en";
export type Variables = Record<string, string | number>;

const CATALOGUES: Record<Language, Record<Key, string>> = { en, zh };

interface Bound {
  node: WeakRef<Element>;
  apply: (node: Element) => void;
}

export class I18n {
  private bound: Bound[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(private current: Language) {}

  get language(): Language {
    return this.current;
  }

  /** BCP 47 tag for `lang` attributes and number formats. */
  get locale(): string {
    return this.current === "zh" ? "zh-CN" : "en-GB";
  }

  set language(value: Language) {
    if (value === this.current) return;
    this.current = value;
    this.bound = this.bound.filter(({ node, apply }) => {
      const alive = node.deref();
      if (alive) apply(alive);
      return alive !== undefined;
    });
    for (const listener of this.listeners) listener();
  }

  t(key: Key, variables: Variables = {}): string {
    return CATALOGUES[this.current][key].replace(/\{(\w+)\}/g, (all, name: string) => String(variables[name] ?? all));
  }

  /** A message in both languages. */
  both(key: Key): Titles {
    return { en: en[key], zh: zh[key] };
  }

  title(titles: Partial<Titles> | undefined, fallback = ""): string {
    return titles?.[this.current] || titles?.en || titles?.zh || fallback;
  }

  number(value: number, digits = 2): string {
    return value.toLocaleString(this.locale, { maximumFractionDigits: digits });
  }

  /** Length with a unit that suits its size. */
  metres(value: number): string {
    if (Math.abs(value) >= 10_000) return `${this.number(value / 1000, 2)} km`;
    return `${this.number(value, Math.abs(value) < 100 ? 2 : 1)} m`;
  }

  squareMetres(value: number): string {
    if (value >= 1e6) return `${this.number(value / 1e6, 3)} km²`;
    if (value >= 100_000) return `${this.number(value / 1e4, 2)} ha`;
    return `${this.number(value, 1)} m²`;
  }

  cubicMetres(value: number): string {
    return value >= 1e6 ? `${this.number(value / 1e6, 3)} × 10⁶ m³` : `${this.number(value, value < 100 ? 2 : 0)} m³`;
  }

  /** Applies now and again after each switch, for as long as the node lives. */
  bind<E extends Element>(node: E, apply: (node: E) => void): E {
    apply(node);
    this.bound.push({ node: new WeakRef(node as Element), apply: apply as (node: Element) => void });
    return node;
  }

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }
}
