/**
 * Shader programs that are linked before something is drawn with them.
 *
 * At the first use of a program three.js asks for the outcome of its link, and waits: for the compiler, and for all
 * that the graphics card was told before. Here programs are compiled ahead (KHR_parallel_shader_compile), and asked
 * only when they are linked and the graphics card has nothing else to do. A frame that needs one earlier is put off.
 */

import { BackSide, type Camera, DoubleSide, FrontSide, type InstancedMesh, type Material, type Mesh, MeshDepthMaterial, Object3D, type Scene, type WebGLRenderer, WebGLRenderTarget } from "three";

/** What three.js keeps of a program. */
interface Program {
  readonly program: WebGLProgram;
  isReady(): boolean;
  getUniforms(): unknown;
  getAttributes(): unknown;
}

/** Something to draw and the material that it will have. */
export interface Dressed {
  object: Object3D;
  material: Material;
}

/** The pass that is drawn: to the canvas, to the map of the sun's shadows, or with one material to a target. */
type Pass = "canvas" | "shadow" | "target";

/** How something is drawn: the scene tells fog and, with the camera's layers, lights. */
interface Use {
  pass: Pass;
  shadows: boolean;
  camera: Camera;
  scene: Scene;
}

/** Time for asking programs in one task of the page, milliseconds. */
const ASK_MS = 8;

/** Time between two looks at what is linked, milliseconds. */
const LOOK_MS = 15;

const PASS_BITS: Record<Pass, number> = { canvas: 0, shadow: 1, target: 2 };

/** Sides that cast shadows, as three.js has them where a material does not say. */
const SHADOW_SIDE = { [FrontSide]: BackSide, [BackSide]: FrontSide, [DoubleSide]: DoubleSide };

/** All of a material and an object that three.js makes another program for, where this viewer uses it. */
function variantOf(object: Object3D, material: Material, pass: Pass, shadows: boolean): number {
  const { geometry, isInstancedMesh, instanceColor } = object as InstancedMesh;
  const { vertexColors, map, flatShading } = material as Material & { map?: unknown; flatShading?: boolean };
  const { normal, color } = geometry.attributes;
  const flags: unknown[] = [isInstancedMesh, isInstancedMesh && instanceColor, normal, vertexColors, vertexColors && color?.itemSize === 4];
  flags.push(map, flatShading, material.transparent, material.clipIntersection, shadows);
  let bits = PASS_BITS[pass];
  for (const flag of flags) bits = bits * 2 + (flag ? 1 : 0);
  // Of what shows both its sides through itself, three.js draws one side after the other.
  const both = material.transparent && material.side === DoubleSide && !material.forceSinglePass;
  return (bits * 4 + (both ? 3 : material.side)) * 16 + Math.min(15, material.clippingPlanes?.length ?? 0);
}

export class Programs {
  /** Programs that a frame used without their having been made ready. */
  late = 0;
  private known = new WeakMap<Material, Map<number, Program[]>>();
  private taken = new WeakSet<Program>();
  /** Compiled, but not asked for their link. */
  private fresh = new Set<Program>();
  private waiting: { programs: Program[]; done: () => void }[] = [];
  private fence: WebGLSync | null = null;
  private readonly target = new WebGLRenderTarget(1, 1);
  private readonly depth = new MeshDepthMaterial();
  private readonly nothing = new Object3D();
  private readonly gl: WebGL2RenderingContext;

  constructor(
    private readonly renderer: WebGLRenderer,
    private readonly scene: Scene,
    private readonly camera: Camera,
  ) {
    this.gl = renderer.getContext() as WebGL2RenderingContext;
  }

  /** Whether something is being made ready, so that `poll` must be called. */
  get pending(): boolean {
    return this.fresh.size > 0;
  }

  /** Makes ready what will be shown; resolves when a frame need not wait for it. */
  prepare(things: Dressed[], shadows: boolean): Promise<void> {
    const use = this.useOf("canvas", shadows);
    return this.ready(things.flatMap(({ object, material }) => this.needsOf(object, material, use)));
  }

  /** The same for a pass with one material to a target, of the objects that a camera sees in the scene. */
  prepareTarget(material: Material, camera: Camera): Promise<void> {
    return this.ready(this.needsOfPass(material, this.useOf("target", false, camera)));
  }

  /** Whether the scene can be drawn now without waiting. What is missing is started: ask again at the next frame. */
  mayDraw(shadows: boolean): boolean {
    const calm = this.poll();
    return this.mayDrawOf(this.useOf("canvas", shadows)) && calm;
  }

  /** The same of another scene that is drawn after it. */
  mayDrawAlso(scene: Scene): boolean {
    return this.mayDrawOf({ ...this.useOf("canvas", false), scene });
  }

  /** The same of what a camera sees of the scene, drawn again with one material. */
  mayDrawWith(material: Material, camera: Camera): boolean {
    return this.needsOfPass(material, this.useOf("canvas", false, camera)).every((program) => this.taken.has(program));
  }

  /**
   * Before a frame with shadows: three.js tells their programs apart by the lights that it met last, which are none
   * after a pass for picks or cuts.
   */
  meetLights(): void {
    this.renderer.compile(this.nothing, this.camera, this.scene);
  }

  /** Asks the programs that are linked; false where that should wait until the graphics card is at rest. */
  poll(): boolean {
    const linked = [...this.fresh].filter((program) => !this.alive(program) || program.isReady());
    const calm = linked.length === 0 || this.resting();
    const began = performance.now();
    if (calm) for (const program of linked) if (performance.now() - began < ASK_MS) this.ask(program);
    this.answer();
    return calm;
  }

  /** Tells those whose programs are there, whoever has asked these: it may have been a frame. */
  private answer(): void {
    const done = this.waiting.filter(({ programs }) => programs.every((program) => this.taken.has(program) || !this.alive(program)));
    this.waiting = this.waiting.filter((each) => !done.includes(each));
    for (const each of done) each.done();
  }

  /** After a frame: counts what it had to wait for. */
  drawn(): void {
    for (const program of this.all()) {
      if (this.taken.has(program) || this.fresh.has(program)) continue;
      this.taken.add(program);
      this.late++;
    }
  }

  /** After a lost context all programs are gone. */
  reset(): void {
    this.known = new WeakMap();
    this.fresh.clear();
    this.fence = null;
    for (const each of this.waiting.splice(0)) each.done();
  }

  dispose(): void {
    this.reset();
    this.target.dispose();
    this.depth.dispose();
  }

  private all(): Program[] {
    return (this.renderer.info.programs ?? []) as unknown as Program[];
  }

  private ready(needed: Program[]): Promise<void> {
    const programs = needed.filter((program) => !this.taken.has(program));
    if (programs.length === 0) return Promise.resolve();
    for (const program of programs) this.fresh.add(program); // some were compiled by others, who may not draw soon
    if (this.waiting.length === 0) setTimeout(this.look, LOOK_MS);
    return new Promise((done) => this.waiting.push({ programs, done }));
  }

  /** Whoever waits does not depend on frames. */
  private readonly look = (): void => {
    this.poll();
    if (this.waiting.length > 0) setTimeout(this.look, LOOK_MS);
  };

  private ask(program: Program): void {
    this.fresh.delete(program);
    this.taken.add(program);
    if (!this.alive(program)) return;
    const { gl, renderer } = this;
    // three.js tells what is wrong, at the price of waiting for its words.
    renderer.debug.checkShaderErrors = !gl.getProgramParameter(program.program, gl.LINK_STATUS);
    program.getUniforms();
    program.getAttributes();
    renderer.debug.checkShaderErrors = false;
  }

  /** Whether any material still uses it. */
  private alive(program: Program): boolean {
    return this.all().includes(program);
  }

  /** Whether the graphics card has done all that it was told. */
  private resting(): boolean {
    const { gl } = this;
    if (!this.fence) {
      this.fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
      gl.flush();
    }
    if (this.fence && gl.getSyncParameter(this.fence, gl.SYNC_STATUS) === gl.UNSIGNALED && !gl.isContextLost()) return false;
    this.forgetFence();
    return true;
  }

  private forgetFence(): void {
    this.gl.deleteSync(this.fence);
    this.fence = null;
  }

  private useOf(pass: Pass, shadows: boolean, camera = this.camera): Use {
    return { pass, shadows, camera, scene: this.scene };
  }

  private mayDrawOf(use: Use): boolean {
    let may = true;
    use.scene.traverseVisible((object) => {
      const { material } = object as Mesh;
      if (!material || Array.isArray(material) || !material.visible) return;
      if (!this.needsOf(object, material, use).every((program) => this.taken.has(program))) may = false;
    });
    return may;
  }

  private needsOfPass(material: Material, use: Use): Program[] {
    const needed: Program[] = [];
    use.scene.traverseVisible((object) => {
      if ((object as Mesh).material && object.layers.test(use.camera.layers)) needed.push(...this.start(object, material, use));
    });
    return needed;
  }

  /** The programs of an object in a frame: its own, and that of its shadow. */
  private needsOf(object: Object3D, material: Material, use: Use): Program[] {
    const own = this.start(object, material, use);
    if (!use.shadows || !object.castShadow) return own;
    return [...own, ...this.startShadow(object, material, object.customDepthMaterial ?? this.depth)];
  }

  /** The depth material takes over what three.js copies from the material of what casts the shadow. */
  private startShadow(object: Object3D, material: Material, depth: Material): Program[] {
    const { alphaMap = null, map = null } = material as MeshDepthMaterial;
    Object.assign(depth, { side: material.shadowSide ?? SHADOW_SIDE[material.side], alphaMap, map, alphaTest: material.alphaTest });
    Object.assign(depth, { clipShadows: material.clipShadows, clippingPlanes: material.clippingPlanes, clipIntersection: material.clipIntersection });
    return this.start(object, depth, this.useOf("shadow", true));
  }

  /** Compiles what an object needs in a pass, unless that was done. */
  private start(object: Object3D, material: Material, { pass, shadows, camera, scene }: Use): Program[] {
    const variant = variantOf(object, material, pass, shadows);
    const variants = this.known.get(material) ?? new Map<number, Program[]>();
    const known = variants.get(variant);
    if (known?.every((program) => this.alive(program))) return known;
    this.known.set(material, variants);
    const { renderer } = this;
    const { fog } = scene;
    const before = new Set(this.all());
    const target = renderer.getRenderTarget();
    if (pass !== "canvas") renderer.setRenderTarget(this.target);
    if (pass === "shadow") scene.fog = null;
    // Alone: children have materials of their own, or have none of ours yet.
    renderer.compile(Object.create(object, { material: { value: material }, children: { value: [] } }) as Object3D, camera, scene);
    scene.fog = fog;
    if (pass !== "canvas") renderer.setRenderTarget(target);
    const current = (renderer.properties.get(material) as { currentProgram?: Program }).currentProgram;
    const made = this.all().filter((program) => !before.has(program));
    for (const program of made) this.fresh.add(program);
    // Where the browser does not tell when a program is linked, it is when what was told after it is done.
    if (made.length > 0) this.forgetFence();
    const programs = [...new Set([...made, ...(current ? [current] : [])])];
    variants.set(variant, programs);
    return programs;
  }
}
