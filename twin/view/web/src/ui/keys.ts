/** Keyboard shortcuts. They act when the view has the focus, or anywhere on a page that is all ours. */
import { ACTIONS, run } from "./actions";
import type { CityApp } from "./app";
import { historyKey } from "./tools/history";

const TURN_DEG = 5;
const STEP = 0.08;

export function onKeys(app: CityApp): () => void {
  const listener = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.altKey) return;
    const path = event.composedPath();
    const inside = path.includes(app.shell.app);
    if (!inside && !(app.options.fullPage && event.target === document.body)) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      app.shell.focusSearch();
      return;
    }
    if (event.ctrlKey || event.metaKey) {
      if (historyKey(app, event)) event.preventDefault();
      return;
    }
    const target = path[0];
    if (event.key === "Escape") return escape(app);
    if (target instanceof HTMLElement && target.matches("input, select, textarea, [contenteditable]")) return;
    const onWidget = target instanceof HTMLElement && target.matches("button, a, summary, [role=option], [role=menuitem]");
    if (press(app, event, onWidget)) event.preventDefault();
  };
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}

function escape(app: CityApp): void {
  if (app.shell.closeTransient()) return;
  app.selection.clear();
}

function press(app: CityApp, event: KeyboardEvent, onWidget: boolean): boolean {
  if (!app.engine) return false;
  if (event.key.startsWith("Arrow")) return !onWidget && arrows(app, event);
  if (!onWidget && app.shell.tools.press(event.key)) return true;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = ACTIONS.find((each) => each.keys.includes(key));
  if (action) run(app, action);
  return action !== undefined;
}

function arrows(app: CityApp, event: KeyboardEvent): boolean {
  const right = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  const up = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
  if (app.shell.tools.arrow(right, up, event.shiftKey)) return true;
  if (event.shiftKey) app.engine?.pan(right * STEP, up * STEP);
  else app.engine?.orbit(right * TURN_DEG, up * TURN_DEG);
  return true;
}
