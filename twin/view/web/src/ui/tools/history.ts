/** The buttons that go back and forth through drafts. */
import type { CityApp } from "../app";

export function historyRow(app: CityApp): HTMLElement {
  const { dom, drafts } = app;
  const undo = dom.iconButton("undo", "draft.undo", () => drafts.undo(), { class: "small" });
  const redo = dom.iconButton("redo", "draft.redo", () => drafts.redo(), { class: "small" });
  const show = (): void => {
    undo.disabled = !drafts.canUndo;
    redo.disabled = !drafts.canRedo;
  };
  drafts.onChange(show);
  show();
  return dom.h("div", { class: "row" }, undo, redo);
}

/** Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y while something is drawn; says whether the key was one of them. */
export function historyKey(app: CityApp, event: KeyboardEvent): boolean {
  const { draw, edit } = app.shell.tools;
  const target = event.composedPath()[0];
  const typing = target instanceof HTMLElement && target.matches("input, select, textarea, [contenteditable]");
  if (typing || !(draw.open || edit.open || app.drafts.all.length > 0)) return false;
  const key = event.key.toLowerCase();
  if (key === "y" || (key === "z" && event.shiftKey)) app.drafts.redo();
  else if (key === "z") app.drafts.undo();
  else return false;
  return true;
}
