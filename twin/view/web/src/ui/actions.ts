/** Everything that a page can do at the press of a key or a button, in one list: keys, menu and help read it. */
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import type { IconName } from "./icons";
import type { ListedKind } from "./tools/measure";

export type Group = "view" | "measure" | "select" | "draw" | "cut" | "present" | "page";

export const GROUPS: [Group, Key][] = [
  ["measure", "group.measure"],
  ["select", "group.select"],
  ["draw", "group.draw"],
  ["cut", "group.cut"],
  ["present", "group.present"],
  ["view", "group.view"],
  ["page", "group.page"],
];

export interface Action {
  name: string;
  title: Key;
  icon: IconName;
  group: Group;
  /** Keys as the browser names them, in lower case; the first is shown. */
  keys: string[];
  run(app: CityApp): unknown;
  /** Whether it is switched on; left out where it only does something. */
  on?(app: CityApp): boolean;
}

const measure = (kind: ListedKind, icon: IconName, key: string): Action => ({
  name: kind,
  title: `tool.${kind}` as Key,
  icon,
  group: "measure",
  keys: [key],
  run: (app) => app.shell.tools.measure.toggle(kind),
  on: (app) => app.shell.tools.measure.kind === kind,
});

export const ACTIONS: Action[] = [
  measure("distance", "ruler", "1"),
  measure("height", "height", "2"),
  measure("area", "area", "3"),
  measure("volume", "volume", "4"),
  measure("angle", "angle", "5"),
  measure("profile", "profile", "6"),
  measure("sight", "sight", "7"),
  { name: "viewshed", title: "tool.viewshed", icon: "viewshed", group: "measure", keys: ["8"], run: (app) => app.shell.tools.viewshed.toggle(), on: (app) => app.shell.tools.viewshed.open },
  { name: "limit", title: "tool.limit", icon: "limit", group: "measure", keys: ["9"], run: (app) => app.shell.tools.limit.toggle(), on: (app) => app.shell.tools.limit.open },
  { name: "skyline", title: "tool.skyline", icon: "skyline", group: "measure", keys: ["^"], run: (app) => app.shell.tools.skyline.toggle(), on: (app) => app.shell.tools.skyline.open },
  { name: "box", title: "tool.selectbox", icon: "selectbox", group: "select", keys: ["r"], run: (app) => app.shell.tools.area.toggle("box"), on: (app) => app.shell.tools.area.mode === "box" },
  { name: "lasso", title: "tool.lasso", icon: "lasso", group: "select", keys: ["g"], run: (app) => app.shell.tools.area.toggle("lasso"), on: (app) => app.shell.tools.area.mode === "lasso" },
  { name: "query", title: "tool.query", icon: "filter", group: "select", keys: ["q"], run: (app) => app.shell.tools.query.toggle(), on: (app) => app.shell.tools.query.open },
  { name: "isolate", title: "tool.isolate", icon: "isolate", group: "select", keys: ["i"], run: (app) => app.selection.isolate(!app.selection.isolated), on: (app) => app.selection.isolated },
  { name: "ghost", title: "tool.ghost", icon: "ghost", group: "select", keys: ["y"], run: (app) => app.selection.ghost(!app.selection.ghosts), on: (app) => app.selection.ghosts },
  { name: "hide", title: "tool.hide", icon: "eyeoff", group: "select", keys: ["Delete"], run: (app) => app.selection.hide() },
  { name: "showall", title: "props.showall", icon: "eye", group: "select", keys: ["a"], run: (app) => app.selection.showAll() },
  { name: "fly", title: "help.fly", icon: "target", group: "select", keys: ["f"], run: (app) => app.selection.fly() },
  { name: "draw", title: "tool.draw", icon: "draw", group: "draw", keys: ["e"], run: (app) => app.shell.tools.draw.toggle(), on: (app) => app.shell.tools.draw.open },
  { name: "edit", title: "tool.edit", icon: "edit", group: "draw", keys: [";"], run: (app) => app.shell.tools.edit.toggle(), on: (app) => app.shell.tools.edit.open },
  { name: "section", title: "tool.section", icon: "section", group: "cut", keys: ["x"], run: (app) => app.shell.tools.section.toggle(), on: (app) => app.shell.tools.section.open },
  { name: "sectionbox", title: "tool.box", icon: "bim", group: "cut", keys: ["b"], run: (app) => app.shell.tools.box.toggle(), on: (app) => app.shell.tools.box.open },
  { name: "compare", title: "compare.open", icon: "compare", group: "present", keys: ["["], run: (app) => app.shell.compare.toggle("pair"), on: (app) => app.shell.compare.mode === "pair" },
  { name: "swipe", title: "compare.swipe.open", icon: "swipe", group: "present", keys: ["]"], run: (app) => app.shell.compare.toggle("swipe"), on: (app) => app.shell.compare.mode === "swipe" },
  { name: "grid", title: "compare.grid.open", icon: "views", group: "present", keys: ["\\"], run: (app) => app.shell.compare.toggle("grid"), on: (app) => app.shell.compare.mode === "grid" },
  { name: "underground", title: "tool.underground", icon: "underground", group: "cut", keys: ["u"], run: (app) => app.shell.tools.underground.toggle(), on: (app) => app.shell.tools.underground.open },
  { name: "style", title: "tool.style", icon: "palette", group: "present", keys: ["c"], run: (app) => app.shell.styles?.focus() },
  { name: "themes", title: "tool.themes", icon: "themes", group: "present", keys: ["0"], run: (app) => app.shell.tools.themes.toggle(), on: (app) => app.shell.tools.themes.open },
  { name: "vehicles", title: "tool.vehicles", icon: "car", group: "present", keys: ["'"], run: (app) => app.shell.tools.vehicles.toggle(), on: (app) => app.shell.tools.vehicles.open },
  { name: "past", title: "past.title", icon: "history", group: "present", keys: ["`"], run: (app) => app.shell.openPast() },
  { name: "views", title: "tool.views", icon: "bookmark", group: "present", keys: ["v"], run: (app) => app.shell.tools.views.toggle(), on: (app) => app.shell.tools.views.open },
  { name: "keep", title: "views.keep", icon: "plus", group: "present", keys: ["k"], run: (app) => app.shell.tools.views.keep() },
  { name: "tour", title: "views.play", icon: "play", group: "present", keys: ["z"], run: (app) => app.tour.toggle(), on: (app) => app.tour.running },
  { name: "note", title: "notes.add", icon: "note", group: "present", keys: ["o"], run: (app) => app.shell.tools.notes.add(), on: (app) => app.shell.tools.notes.open },
  { name: "print", title: "tool.print", icon: "print", group: "present", keys: ["p"], run: (app) => app.shell.tools.print.toggle(), on: (app) => app.shell.tools.print.open },
  { name: "snapshot", title: "tool.snapshot", icon: "camera", group: "present", keys: ["j"], run: (app) => app.snapshot() },
  { name: "home", title: "help.home", icon: "home", group: "view", keys: ["h"], run: (app) => app.engine?.home(0.8) },
  { name: "north", title: "help.north", icon: "north", group: "view", keys: ["n"], run: (app) => app.engine?.north(0.5) },
  { name: "top", title: "help.top", icon: "top", group: "view", keys: ["t"], run: (app) => app.engine?.top(0.8) },
  { name: "zoomin", title: "tool.zoomin", icon: "plus", group: "view", keys: ["+", "="], run: (app) => app.engine?.zoom(1.3) },
  { name: "zoomout", title: "tool.zoomout", icon: "minus", group: "view", keys: ["-"], run: (app) => app.engine?.zoom(1 / 1.3) },
  { name: "walk", title: "tool.walk", icon: "walk", group: "view", keys: ["w"], run: (app) => app.shell.tools.walk.toggle(), on: (app) => app.shell.tools.walk.open },
  { name: "basemap", title: "tool.basemap", icon: "map", group: "view", keys: ["#"], run: (app) => app.shell.tools.basemap.toggle(), on: (app) => app.shell.tools.basemap.open || app.basemaps.name !== null },
  { name: "shadows", title: "help.shadows", icon: "shadow", group: "view", keys: ["s"], run: (app) => app.setShadows(!app.state.shadows), on: (app) => app.state.shadows },
  { name: "labels", title: "tool.labels", icon: "label", group: "view", keys: [","], run: (app) => app.toggleLabels(), on: (app) => app.state.labels },
  { name: "fullscreen", title: "tool.fullscreen", icon: "fullscreen", group: "view", keys: ["."], run: (app) => app.shell.fullscreen() },
  { name: "search", title: "help.search", icon: "search", group: "page", keys: ["/"], run: (app) => app.shell.focusSearch() },
  { name: "language", title: "help.language", icon: "language", group: "page", keys: ["l"], run: (app) => app.setLanguage(app.i18n.language === "zh" ? "en" : "zh") },
  { name: "theme", title: "help.theme", icon: "moon", group: "page", keys: ["d"], run: (app) => app.setTheme(app.theme === "dark" ? "light" : "dark") },
  { name: "menu", title: "tool.menu", icon: "grid", group: "page", keys: ["m"], run: (app) => app.shell.toggleMenu(), on: (app) => app.shell.menuOpen },
  { name: "help", title: "help.help", icon: "help", group: "page", keys: ["?"], run: (app) => app.shell.toggleHelp() },
];

/** Does what an action says; what goes wrong becomes a notice. */
export function run(app: CityApp, action: Action): void {
  void Promise.resolve(action.run(app)).catch((error: unknown) => app.report(error));
}

export function actionOf(name: string): Action {
  const found = ACTIONS.find((action) => action.name === name);
  if (!found) throw new Error(`there is no action ${name}`);
  return found;
}

/** A key as it is printed on a keyboard. */
export function keyText(action: Action): string {
  const key = action.keys[0] ?? "";
  return key === "Delete" ? "Del" : key === "-" ? "−" : key.toUpperCase();
}
