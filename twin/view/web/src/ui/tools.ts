/** The small windows of the tools, in the order in which they stand. */
import type { CityApp } from "./app";
import { AreaTool } from "./tools/area";
import { BasemapTool } from "./tools/basemap";
import type { Tool } from "./tools/card";
import { DrawTool } from "./tools/draw";
import { EditTool } from "./tools/edit";
import { LimitTool } from "./tools/limit";
import { MeasureTool } from "./tools/measure";
import { NotesTool } from "./tools/notes";
import { PrintTool } from "./tools/print";
import { QueryTool } from "./tools/query";
import { SectionBoxTool, SectionTool } from "./tools/section";
import { ThemesTool } from "./tools/themes";
import { SkylineTool } from "./tools/skyline";
import { UndergroundTool } from "./tools/underground";
import { VehiclesTool } from "./tools/vehicles";
import { ViewshedTool } from "./tools/viewshed";
import { ViewsTool } from "./tools/views";
import { WalkTool } from "./tools/walk";

export class Tools {
  readonly element: HTMLElement;
  readonly measure: MeasureTool;
  readonly area: AreaTool;
  readonly query: QueryTool;
  readonly section: SectionTool;
  readonly box: SectionBoxTool;
  readonly underground: UndergroundTool;
  readonly views: ViewsTool;
  readonly notes: NotesTool;
  readonly print: PrintTool;
  readonly viewshed: ViewshedTool;
  readonly limit: LimitTool;
  readonly walk: WalkTool;
  readonly basemap: BasemapTool;
  readonly skyline: SkylineTool;
  readonly draw: DrawTool;
  readonly edit: EditTool;
  readonly vehicles: VehiclesTool;
  readonly themes: ThemesTool;
  private readonly all: Tool[];
  private readonly showAll: HTMLElement;

  constructor(private readonly app: CityApp) {
    this.element = app.dom.h("div", { class: "tools" });
    this.measure = new MeasureTool(app);
    this.area = new AreaTool(app);
    this.query = new QueryTool(app);
    this.section = new SectionTool(app);
    this.box = new SectionBoxTool(app);
    this.underground = new UndergroundTool(app);
    this.views = new ViewsTool(app);
    this.notes = new NotesTool(app);
    this.print = new PrintTool(app);
    this.viewshed = new ViewshedTool(app);
    this.limit = new LimitTool(app);
    this.walk = new WalkTool(app);
    this.basemap = new BasemapTool(app);
    this.skyline = new SkylineTool(app);
    this.draw = new DrawTool(app);
    this.edit = new EditTool(app);
    this.vehicles = new VehiclesTool(app);
    this.themes = new ThemesTool(app);
    this.all = [this.walk, this.draw, this.edit, this.notes, this.area, this.query, this.measure, this.viewshed, this.limit, this.section, this.box, this.underground, this.views, this.print, this.basemap, this.skyline, this.vehicles, this.themes];
    this.showAll = app.dom.button("props.showall", () => app.selection.showAll(), "button card show-all", "eye");
    app.on("tools", () => this.place());
  }

  /** Ends a running tool; says whether there was one. */
  escape(): boolean {
    return this.underground.escape() || this.all.some((tool) => tool.escape?.() ?? false);
  }

  /** Keys that a running tool takes for itself. */
  press(key: string): boolean {
    return this.measure.press(key) || this.walk.press(key) || this.draw.press(key) || this.edit.press(key);
  }

  /** Arrow keys that a running tool takes for itself. */
  arrow(right: number, up: number, shift: boolean): boolean {
    return [this.walk, this.draw, this.edit].some((tool) => tool.arrow(right, up, shift));
  }

  reset(): void {
    for (const tool of this.all) tool.reset?.();
    this.place();
  }

  /** Lets open windows stand, and no others; those that stay keep their focus. */
  private place(): void {
    const wanted = this.all.filter((tool) => tool.open).map((tool) => tool.element);
    if (this.app.selection.someHidden) wanted.push(this.showAll);
    for (const child of [...this.element.children]) if (!wanted.includes(child as HTMLElement)) child.remove();
    wanted.forEach((node, i) => {
      if (this.element.children[i] !== node) this.element.insertBefore(node, this.element.children[i] ?? null);
    });
  }
}
